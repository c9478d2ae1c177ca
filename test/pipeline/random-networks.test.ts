import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { int8Values } from '../../compiler/src/evaluate/seeded.ts';
import { tensorsOf, tensorValue } from '../../compiler/src/evaluate/value.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { arenaMemory, runArena } from '../run-arena.ts';
import { cortexM4, random } from '../schedule/functions.ts';

interface Network {
  readonly text: string;
  readonly params: ReadonlyMap<string, NDArray>;
  readonly input: NDArray;
}

interface Value {
  readonly name: string;
  readonly size: number;
  readonly channels: number;
}

const scales = '0.05f, 0.1f';

/** A quantised network on square images: convolutions, residual sums, concatenation, pooling, branches, a dense tail. */
function network(seed: number): Network {
  const next = random(seed * 7907 + 3);
  for (let i = 0; i < 20; i++) next(2);
  const size = 6 + 2 * next(5);
  const start: Value = { name: '%x', size, channels: 4 * (1 + next(2)) };
  const lines: string[] = [];
  const weights: string[] = [];
  const params = new Map<string, NDArray>();
  const values: Value[] = [start];
  const fresh = (text: string): string => `%${lines.push(text) - 1}`;
  const weight = (shape: readonly number[]): string => {
    const name = `w${weights.length}`;
    weights.push(`%${name}: Tensor[(${shape.join(', ')}), int8]`);
    params.set(name, int8Values(shape, seed * 31 + weights.length, 'full'));
    return `%${name}`;
  };
  const requantized = (sums: string): string =>
    fresh(`qnn.requantize(${sums}, 0.005f, 0, 0.9f, ${next(9) - 4}, out_dtype="int8")`);
  const conv = (from: Value, channels: number): Value => {
    const kernel = [1, 3, 3, 5][next(4)]!;
    const stride = kernel > 1 && from.size > 5 && next(4) === 0 ? 2 : 1;
    const pad = (kernel - 1) / 2;
    const depthwise = kernel === 3 && next(3) === 0;
    const out = depthwise ? from.channels : channels;
    const w = weight(depthwise ? [kernel, kernel, from.channels, 1] : [kernel, kernel, from.channels, out]);
    const [groups, layout] = depthwise ? [`groups=${out}, `, 'HWOI'] : ['', 'HWIO'];
    const sums = fresh(
      `qnn.conv2d(${from.name}, ${w}, ${next(9) - 4}, 0, ${scales}, strides=[${stride}, ${stride}], padding=[${pad}, ${pad}, ${pad}, ${pad}], ${groups}channels=${out}, kernel_size=[${kernel}, ${kernel}], data_layout="NHWC", kernel_layout="${layout}", out_dtype="int32")`,
    );
    return { name: requantized(sums), size: Math.ceil(from.size / stride), channels: out };
  };
  const pool = (from: Value): Value => {
    if (next(2) === 0) {
      const name = fresh(`nn.max_pool2d(${from.name}, pool_size=[2, 2], strides=[2, 2], layout="NHWC")`);
      return { ...from, name, size: Math.floor(from.size / 2) };
    }
    const wide = fresh(`cast(${from.name}, dtype="int32")`);
    const mean = fresh(
      `nn.avg_pool2d(${wide}, pool_size=[3, 3], strides=[1, 1], padding=[1, 1, 1, 1], layout="NHWC", count_include_pad=True)`,
    );
    return { ...from, name: fresh(`cast(${mean}, dtype="int8")`) };
  };
  const length = 4 + next(7);
  for (let i = 0; i < length; i++) {
    // Mostly the newest, at times an older one: a branch.
    const from = values[next(4) === 0 ? next(values.length) : values.length - 1]!;
    const like = values.filter((v) => v !== from && v.size === from.size);
    const twin = like.find((v) => v.channels === from.channels);
    const kind = next(8);
    if (kind < 2 && twin !== undefined)
      values.push({
        ...from,
        name: fresh(`qnn.add(${from.name}, ${twin.name}, 0.5f, 3, 0.7f, -2, 0.9f, 1)`),
      });
    else if (kind === 2 && like.length > 0) {
      const other = like[next(like.length)]!;
      const name = fresh(`concatenate((${from.name}, ${other.name}), axis=3)`);
      values.push({ name, size: from.size, channels: from.channels + other.channels });
    } else if (kind === 3 && from.size >= 4) values.push(pool(from));
    else if (kind === 4) values.push({ ...from, name: fresh(`nn.relu(${from.name})`) });
    else values.push(conv(from, 4 * (1 + next(4))));
  }
  const end = values.at(-1)!;
  const features = end.size * end.size * end.channels;
  const flat = fresh(`reshape(${end.name}, newshape=[1, ${features}])`);
  const dense = fresh(`qnn.dense(${flat}, ${weight([5, features])}, 1, 0, ${scales}, units=5, out_dtype="int32")`);
  const outputs = [requantized(dense), ...(next(2) === 0 ? [values[next(values.length - 1) + 1]!.name] : [])];
  const result = outputs.length === 1 ? outputs[0]! : `(${outputs.join(', ')})`;
  const inputs = [`%x: Tensor[(1, ${size}, ${size}, ${start.channels}), int8]`, ...weights];
  const body = lines.map((line, i) => `  %${i} = ${line};`).join('\n');
  return {
    text: `#[version = "0.0.5"]\ndef @main(${inputs.join(', ')}) {\n${body}\n  ${result}\n}\n`,
    params,
    input: int8Values([1, size, size, start.channels], seed + 1, 'full'),
  };
}

const runs = Number(process.env['RELAY_RANDOM_RUNS'] ?? 8);

describe('random networks in their arena', function () {
  this.timeout(600_000);
  it(`give what the evaluator says, in the fastest plan and in the smallest (${runs} of them)`, () => {
    let [streams, shared, smaller] = [0, 0, 0];
    for (let seed = 0; seed < runs; seed++) {
      const { text, params, input } = network(seed);
      let before = Infinity;
      for (const arenaBudget of [2 ** 30, undefined, 1]) {
        const compiled = compileModel({ text, params, target: cortexM4, ...(arenaBudget ? { arenaBudget } : {}) });
        assert.ok(compiled.ok, compiled.ok ? '' : `seed ${seed}: ${compiled.error.message}\n${text}`);
        const { arena, program, typed } = compiled.value;
        const title = `seed ${seed}, budget ${arenaBudget ?? 'none'}\n${text}`;
        const memory = arenaMemory(arena);
        const at = arena.offsetOf(program.inputs[0]!);
        memory.set(new Uint8Array(input.data.buffer, input.data.byteOffset, input.data.byteLength), at);
        assert.equal(runArena(arena, memory), undefined, title);
        const expected = evaluateFunction(typed, 'main', new Map([['x', tensorValue(input)]]));
        assert.ok(expected.ok, title);
        tensorsOf(expected.value)!.forEach(({ data }, i) => {
          const from = arena.offsetOf(program.outputs[i]!);
          const wanted = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
          assert.deepEqual(memory.slice(from, from + wanted.length), wanted, `output ${i}, ${title}`);
        });
        const { arenaBytes, lowerBound } = arena.plan;
        assert.ok(arenaBytes >= lowerBound && arenaBytes <= before, `${arenaBytes} bytes after ${before}, ${title}`);
        if (arenaBytes < before && before < Infinity) smaller++;
        before = arenaBytes;
        streams += arena.streams.length;
        const live = arena.plan.peak.buffers.reduce((sum, b) => sum + arena.buffers[b]!.bytes, 0);
        if (live > arenaBytes) shared++;
      }
    }
    // Plans that ask for nothing would prove nothing.
    assert.ok(streams > 0 && shared > runs / 4 && smaller > runs / 4, `${streams} ${shared} ${smaller}`);
  });
});
