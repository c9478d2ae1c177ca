/**
 * Evaluates the programs of the value corpus and compares with the recorded outputs.
 * Usage: npx tsx test/conformance/values.ts [--operator NAME] [--verbose]
 */
import { existsSync, readFileSync } from 'node:fs';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorValue, tensorsOf } from '../../compiler/src/evaluate/value.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { fromBytes } from '../../compiler/src/tensor/bytes.ts';
import { isFloat } from '../../compiler/src/tensor/dtype.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { sharedRoot } from '../models.ts';
import { undefinedReads } from './undefined-reads.ts';

export interface ValueCase {
  readonly id: string;
  readonly ops: readonly string[];
  readonly text: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly seed: number;
  }[];
  readonly outputs: readonly { readonly dtype: string; readonly shape: readonly number[]; readonly base64: string }[];
}

export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'no-meaning'; readonly message: string }
  | { readonly kind: 'unchecked'; readonly message: string }
  | { readonly kind: 'fail'; readonly message: string };

/** The corpus; undefined where it is absent. */
export function valueCases(): readonly ValueCase[] | undefined {
  const path = `${sharedRoot}conformance/values.jsonl`;
  if (!existsSync(path)) return undefined;
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ValueCase);
}

/** Evaluates one program and compares. */
export function judge(c: ValueCase): Verdict {
  try {
    const tree = parseSource(c.text);
    const checked = check(tree);
    const error = [...tree.errors, ...checked.diagnostics].find((d) => d.severity === 'error');
    if (error !== undefined) return { kind: 'unchecked', message: `${error.code}: ${error.message}` };
    const module = elaborate(checked);
    if (!module.ok) return { kind: 'unchecked', message: module.error.message };
    const inputs = new Map<string, Value>();
    for (const i of c.inputs) {
      const value = smallValues(i.dtype, i.shape, i.seed);
      if (value !== undefined) inputs.set(i.name, tensorValue(value));
    }
    const result = evaluateFunction(module.value, 'main', inputs);
    if (!result.ok)
      return { kind: result.error.code === 'no-meaning' ? 'no-meaning' : 'fail', message: result.error.message };
    const got = tensorsOf(result.value);
    if (got === undefined) return { kind: 'fail', message: 'the result is not made of tensors' };
    const tolerance = toleranceOf(c.ops);
    if (got.length !== c.outputs.length)
      return { kind: 'fail', message: `${got.length} outputs, expected ${c.outputs.length}` };
    for (const [i, want] of c.outputs.entries()) {
      const expected = fromBytes(want.dtype, want.shape, Buffer.from(want.base64, 'base64'));
      const actual = got[i];
      if (expected === undefined || actual === undefined)
        return { kind: 'fail', message: `output ${i} cannot be read` };
      const message = compare(actual, expected, tolerance);
      if (message !== undefined) return { kind: 'fail', message: `output ${i}: ${message}` };
    }
    return { kind: 'pass' };
  } catch (error) {
    return {
      kind: 'fail',
      message: `exception: ${error instanceof Error ? (error.stack ?? '').split('\n').slice(0, 3).join(' ') : String(error)}`,
    };
  }
}

function toleranceOf(ops: readonly string[]): { relative: number; absolute: number } {
  let [relative, absolute] = [1e-5, 1e-6];
  for (const op of ops) {
    const t = operatorRegistry.get(op)?.tolerance;
    if (t !== undefined) [relative, absolute] = [Math.max(relative, t.relative), Math.max(absolute, t.absolute)];
  }
  return { relative, absolute };
}

function compare(a: NDArray, b: NDArray, t: { relative: number; absolute: number }): string | undefined {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join())
    return `${a.dtype}(${a.shape.join()}), expected ${b.dtype}(${b.shape.join()})`;
  for (let i = 0; i < b.data.length; i++) {
    const [x, y] = [a.data[i], b.data[i]];
    if (Object.is(x, y) || x === y) continue;
    const [p, q] = [Number(x), Number(y)];
    const fine =
      isFloat(b.dtype) &&
      ((Number.isNaN(p) && Number.isNaN(q)) || Math.abs(p - q) <= t.absolute + t.relative * Math.abs(q));
    if (!fine) return `element ${i} is ${x}, expected ${y}`;
  }
  return undefined;
}

function main(): void {
  const only = process.argv.includes('--operator') ? process.argv[process.argv.indexOf('--operator') + 1] : undefined;
  const cases = valueCases();
  if (cases === undefined) {
    console.log('The value corpus is not present beside the project.');
    return;
  }
  const counts: Record<Verdict['kind'], number> = { pass: 0, 'no-meaning': 0, unchecked: 0, fail: 0 };
  let excused = 0;
  const byOperator = new Map<string, { pass: number; total: number; first: string }>();
  const started = performance.now();
  for (const c of cases) {
    if (only !== undefined && !c.ops.includes(only)) continue;
    const verdict = judge(c);
    if (verdict.kind === 'fail' && undefinedReads.has(c.id)) {
      excused++;
      continue;
    }
    counts[verdict.kind]++;
    if (verdict.kind !== 'pass' && process.argv.includes('--verbose'))
      console.log(c.id, c.ops.join('+'), verdict.kind, verdict.message);
    for (const op of c.ops) {
      const row = byOperator.get(op) ?? { pass: 0, total: 0, first: '' };
      row.total++;
      if (verdict.kind === 'pass') row.pass++;
      else if (row.first === '') row.first = `${c.id} ${verdict.kind}: ${verdict.message.slice(0, 200)}`;
      byOperator.set(op, row);
    }
  }
  for (const [op, row] of [...byOperator].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (row.pass < row.total || only !== undefined) console.log(`${op}: ${row.pass}/${row.total} ${row.first}`);
  console.log(JSON.stringify({ ...counts, excused }), `${Math.round(performance.now() - started)} ms`);
}

if (process.argv[1] !== undefined && import.meta.url.endsWith(process.argv[1].split('/').pop() ?? '')) main();
