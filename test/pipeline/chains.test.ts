import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { emitModule } from '../../compiler/src/emit/module.ts';
import { compileModel, type CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { moduleSpec } from '../../compiler/src/pipeline/module-spec.ts';
import { cortexM4 } from '../schedule/functions.ts';

/** One link of a chain as a function of what is before it, and the element type. */
const links: readonly (readonly [string, string])[] = [
  ['exp($)', 'float32'],
  ['abs($)', 'int32'],
  ['abs(subtract($, cast(1, dtype="int8")))', 'int8'],
  ['negative($)', 'int32'],
  ['floor_mod(7f, $)', 'float32'],
  ['floor_mod($, add($, 3))', 'int32'],
  ['multiply($, $)', 'int32'],
  ['subtract($, negative($))', 'int8'],
  ['where(less($, 3), $, add($, 1))', 'int32'],
  ['power($, $)', 'float32'],
  ['sign($)', 'float32'],
  ['bitwise_not($)', 'int64'],
  ['isnan(cast($, dtype="float32"))', 'bool'],
  ['nn.leaky_relu($, alpha=0.1f)', 'float32'],
  ['add($, transpose($, axes=[1, 0]))', 'int32'],
  [
    'reverse(concatenate((strided_slice($, begin=[0], end=[1], strides=[1], axes=[0]), strided_slice($, begin=[1], end=[4], strides=[1], axes=[0])), axis=0), axis=0)',
    'int8',
  ],
];

function compiled([link, dtype]: readonly [string, string], length: number): CompiledModel {
  const steps = Array.from({ length }, (_, i) => `  %${i} = ${link.replaceAll('$', i === 0 ? '%x' : `%${i - 1}`)};`);
  const text = `#[version = "0.0.5"]\ndef @main(%x: Tensor[(4, 4), ${dtype}]) {\n${steps.join('\n')}\n  %${length - 1}\n}\n`;
  const result = compileModel({ text, target: cortexM4, name: 'chain' });
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

/** Characters of C for a chain of some length. */
function size(link: readonly [string, string], length: number): number {
  const { program, kernels, arena } = compiled(link, length);
  const { files } = emitModule(moduleSpec('chain', program, kernels, arena));
  return files.reduce((sum, f) => sum + f.text.length, 0);
}

describe('chains of one operator', () => {
  it('of any length compile, in kernels of limited length', function () {
    this.timeout(60_000);
    assert.equal(compiled(['add($, %x)', 'int32'], 1000).kernels.length, 4);
    assert.equal(compiled(['exp($)', 'float32'], 600).kernels.length, 3);
  });
  for (const link of links)
    it(`make C that grows with their length, not with its power: ${link[0]}`, () => {
      const [short, middle, long] = [size(link, 4), size(link, 12), size(link, 28)];
      // Twice the growth over twice the links, and kernels that are cut have their frames.
      assert.ok(long - middle <= 3 * (middle - short) + 6000, `${short}, ${middle}, ${long}`);
    });
});
