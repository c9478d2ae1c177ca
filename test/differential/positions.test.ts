import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { runNatively } from './batch.ts';
import { prepareText } from './oracle.ts';

const ints = (shape: readonly number[], data: readonly number[]): NDArray => ({ dtype: 'int32', shape, data: Int32Array.from(data) }); // prettier-ignore
const floats = (shape: readonly number[]): NDArray => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 7) / 8 - 0.25),
});
const wild = [-2147483648, -1000, -4, -1, 0, 2, 3, 1000, 2147483647];

/** Calls that read where values of %i say, all of which lie in `wild`. */
const calls: readonly (readonly [call: string, data: readonly number[], indices: readonly number[]])[] = [
  ['take(%x, %i, axis=0)', [3, 2], [9]],
  ['take(%x, %i, axis=1, mode="wrap")', [2, 3], [9]],
  ['gather(%x, %i, axis=0)', [3, 1], [9, 1]],
  ['gather_nd(%x, %i)', [3, 2], [1, 9]],
  ['adv_index((%x, %i))', [3, 2], [9]],
  ['take(%x, %i, axis=0, mode="fast")', [3, 2], [9]],
  ['reverse_sequence(%x, %i, seq_axis=0, batch_axis=1)', [3, 9], [9]],
  ['sequence_mask(%x, %i, axis=0)', [3, 9], [9]],
  ['one_hot(%i, 1f, 0f, depth=3, axis=-1, dtype="float32")', [1], [9]],
  ['image.crop_and_resize(%x, %boxes, %i, crop_size=[2, 2])', [2, 1, 3, 3], [9]],
  ['nn.nll_loss(%x, %i, %weights, reduction="none", ignore_index=-1000)', [9, 3], [9]],
  ['nn.nll_loss(%x, %i, %weights, reduction="mean", ignore_index=-1000)', [9, 3], [9]],
];

describe('positions that lie outside of the data', function () {
  this.timeout(60_000);

  it('read nothing beyond a tensor, in the evaluator as in C under sanitizers', function () {
    const target = targetNamed('host');
    assert.ok(target.ok);
    const prepared = calls.map(([call, data, indices]) => {
      const all: readonly (readonly [string, NDArray])[] = [
        ['x', floats(data)],
        ['i', ints(indices, wild)],
        ['boxes', floats([9, 4])],
        ['weights', floats([3])],
      ];
      const inputs = new Map(all.filter(([name]) => call.includes(`%${name}`)));
      const params = [...inputs].map(([name, v]) => `%${name}: Tensor[(${v.shape.join(', ')},), ${v.dtype}]`);
      const text = `#[version = "0.0.5"]\ndef @main(${params.join(', ')}) {\n  ${call}\n}\n`;
      const result = prepareText(text, inputs, { target: target.value, name: 'program' });
      if ('where' in result) throw new Error(`${call}: ${result.where}, ${result.detail}`);
      return result;
    });
    if (spawnSync('gcc', ['--version']).status !== 0) return this.skip();
    const flags = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const verdicts = runNatively(prepared, { compiler: 'gcc', flags });
    assert.deepEqual(
      verdicts.flatMap((v, i) => (v ? [`${calls[i]?.[0]}: ${v.detail}`] : [])),
      [],
    );
  });
});
