/** Arithmetic of integers in generated C, for all pairs of operands that behave differently. */
import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { allocateElements, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { runNatively } from '../differential/batch.ts';
import { prepareText, type Prepared } from '../differential/oracle.ts';
import { hostCompiler, sanitizers } from './host.ts';

const operators = [
  'add',
  'subtract',
  'multiply',
  'divide',
  'floor_divide',
  'trunc_divide',
  'mod',
  'floor_mod',
  'trunc_mod',
  'maximum',
  'minimum',
  'left_shift',
  'right_shift',
  'bitwise_and',
  'bitwise_or',
  'bitwise_xor',
];
const dtypes = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64'] as const;

/** Both ends of a type, and small numbers of both signs. */
function operandsOf(dtype: string): readonly bigint[] {
  const bits = BigInt(/\d+/.exec(dtype)?.[0] ?? 0);
  const [min, max] = dtype.startsWith('u') ? [0n, (1n << bits) - 1n] : [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n];
  const near = [-9n, -8n, -7n, -3n, -2n, -1n, 0n, 1n, 2n, 3n, 7n, 8n, 9n];
  return [...new Set([min, min + 1n, ...near.filter((n) => n >= min), max - 1n, max])];
}

function column(dtype: string, values: readonly bigint[]): NDArray {
  const data = allocateElements(dtype, values.length);
  assert.ok(data);
  values.forEach((v, i) => {
    data[i] = (data instanceof BigInt64Array || data instanceof BigUint64Array ? v : Number(v)) as never;
  });
  return { dtype, shape: [values.length], data };
}

/** `a OP b` for every pair that has a meaning. */
function programOf(name: string, dtype: string): Prepared {
  const target = targetNamed('host');
  assert.ok(target.ok);
  const operands = operandsOf(dtype);
  const bits = BigInt(/\d+/.exec(dtype)?.[0] ?? 0);
  // Amounts that are no positions of bits have no meaning.
  const right = name.endsWith('shift') ? operands.filter((b) => b >= 0n && b < bits) : operands;
  const pairs = operands.flatMap((a) => right.map((b) => [a, b] as const));
  const type = `Tensor[(${pairs.length}), ${dtype}]`;
  const [a, b] = [column(dtype, pairs.map((p) => p[0])), column(dtype, pairs.map((p) => p[1]))]; // prettier-ignore
  const text = `#[version = "0.0.5"]\ndef @main(%a: ${type}, %b: ${type}) { ${name}(%a, %b) }`;
  const prepared = prepareText(text, new Map([['a', a], ['b', b]]), { target: target.value }); // prettier-ignore
  assert.ok(!('where' in prepared), `${name}, ${dtype}`);
  return prepared;
}

/** `(c ? a : b) OP b` of constants, which C would compute in the type of its literals. */
function constantProgram(name: string, dtype: 'int64' | 'uint64'): Prepared {
  const target = targetNamed('host');
  assert.ok(target.ok);
  const big = dtype === 'int64' ? 2147483600n : 3021533288n;
  const second = name.endsWith('shift') ? 40n : big - 1n;
  const text = `#[version = "0.0.5"]
def @main(%c: bool, %a: ${dtype}, %b: ${dtype}) {
  let %x = if (%c) { %a } else { %b };
  ${name}(%x, %b)
}`;
  const constants = new Map([['a', { ...column(dtype, [big]), shape: [] }], ['b', { ...column(dtype, [second]), shape: [] }]]); // prettier-ignore
  const inputs = new Map([['c', { ...column('uint8', [1n]), dtype: 'bool', shape: [] }]]);
  const prepared = prepareText(text, inputs, { target: target.value }, undefined, constants);
  assert.ok(
    !('where' in prepared),
    `${name}, ${dtype}: ${JSON.stringify(prepared, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)).slice(0, 300)}`,
  );
  return prepared;
}

describe('integers in generated C', () => {
  it('give what the evaluator gives, for every operator and every pair at the ends of their types', function () {
    this.timeout(120_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const cases = operators.flatMap((name) => dtypes.map((dtype) => ({ name, dtype })));
    const programs = cases.map(({ name, dtype }) => programOf(name, dtype));
    const verdicts = runNatively(programs, { compiler: cc, flags: ['-O1', ...sanitizers] });
    const wrong = cases.flatMap(({ name, dtype }, i) =>
      verdicts[i] ? [`${name}, ${dtype}: ${verdicts[i].detail}`] : [],
    );
    assert.deepEqual(wrong, []);
  });

  it('of 64 bits are computed in 64 bits where all operands are constants', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const cases = operators.flatMap((name) => (['int64', 'uint64'] as const).map((dtype) => ({ name, dtype })));
    const programs = cases.map(({ name, dtype }) => constantProgram(name, dtype));
    const verdicts = runNatively(programs, { compiler: cc, flags: ['-O1', ...sanitizers] });
    const wrong = cases.flatMap(({ name, dtype }, i) =>
      verdicts[i] ? [`${name}, ${dtype}: ${verdicts[i].detail}`] : [],
    );
    assert.deepEqual(wrong, []);
  });
});
