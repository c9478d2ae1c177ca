import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { tensorsOf, tensorValue } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { defaultAttributes } from '../../compiler/src/operators/normalize.ts';
import type { GradientBuilder } from '../../compiler/src/operators/operator.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { printType } from '../../compiler/src/types/print.ts';
import type { Type } from '../../compiler/src/types/type.ts';
import { tensorType, tupleType } from '../../compiler/src/types/type.ts';

interface Term {
  readonly text: string;
  readonly type: Type;
}
type Attrs = Readonly<Record<string, unknown>>;

function attrText(value: unknown): string {
  if (value === null) return 'None';
  if (Array.isArray(value)) return `[${value.map(attrText).join(', ')}]`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return Number.isInteger(value) ? String(value) : `${String(value)}f`;
}
function callText(operator: string, args: readonly string[], attrs: Attrs = {}): string {
  const written = Object.entries(attrs).map(([name, value]) => `${name}=${attrText(value)}`);
  return `${operator}(${[...args, ...written].join(', ')})`;
}

/** Writes gradients as Relay text; types are only as exact as the rules need them. */
const writer: GradientBuilder<Term> = {
  call: (operator, args, attrs) => ({
    text: callText(
      operator,
      args.map((a) => a.text),
      attrs as Attrs | undefined,
    ),
    type: args[0]?.type ?? tupleType([]),
  }),
  tuple: (fields) => ({
    text: `(${fields.map((f) => f.text).join(', ')},)`,
    type: tupleType(fields.map((f) => f.type)),
  }),
  project: (tuple, index) => ({
    text: `${tuple.text}.${index}`,
    type: (tuple.type.kind === 'tuple' ? tuple.type.fields[index] : undefined) ?? tuple.type,
  }),
  scalar: (value, dtype) => ({
    text: `${value}${Number.isInteger(value) ? '.0' : ''}f64`,
    type: tensorType([], dtype),
  }),
  typeOf: (term) => term.type,
};

function run(parameters: readonly Term[], body: string, values: readonly (readonly number[])[]): readonly number[][] {
  const header = parameters.map((p) => `${p.text}: ${printType(p.type)}`).join(', ');
  const tree = parseSource(`#[version = "0.0.5"]\ndef @main(${header}) { ${body} }\n`);
  const checked = check(tree);
  const problems = [...tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error');
  assert.deepEqual(
    problems.map((d) => d.message),
    [],
    body,
  );
  const module = elaborate(checked);
  assert.ok(module.ok);
  const inputs = new Map<string, Value>();
  for (const [i, p] of parameters.entries()) {
    const shape = p.type.kind === 'tensor' ? p.type.shape.map(Number) : [];
    const data = Float64Array.from(values[i] ?? []);
    inputs.set(p.text.slice(1), tensorValue({ dtype: 'float64', shape, data }));
  }
  const result = evaluateFunction(module.value, 'main', inputs);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  const arrays = result.ok ? tensorsOf(result.value) : undefined;
  assert.ok(arrays);
  return arrays.map((a) => Array.from(a.data as Float64Array));
}

/** Values in (0.15, 0.95), no two alike. */
function sample(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => 0.15 + 0.8 * (((i + 1) * 0.618034 + seed * 0.377) % 1));
}

function checkGradient(name: string, shapes: readonly (readonly number[])[], attrs: Attrs, shift = 0): void {
  const operator = operatorRegistry.get(name);
  assert.ok(operator?.gradient && typeof operator.gradient === 'function');
  const parameters = shapes.map((shape, i): Term => ({ text: `%p${i}`, type: tensorType(shape, 'float64') }));
  const asTuple = operator.inputs[0]?.tuple === true;
  const args = asTuple ? [writer.tuple(parameters)] : parameters;
  const values = shapes.map((shape, i) =>
    sample(
      shape.reduce((a, b) => a * b, 1),
      i,
    ).map((v) => v + shift),
  );
  const forward = callText(
    name,
    args.map((a) => a.text),
    attrs,
  );
  const outputs = run(parameters, forward, values);
  // A random adjoint: the gradient of Σ w·f.
  const weights = outputs.map((o, i) => sample(o.length, i + 5));
  const output: Term = { text: forward, type: outputType(parameters, forward) };
  const adjoints = (output.type.kind === 'tuple' ? output.type.fields : [output.type]).map((type, i): Term => ({
    text: `%w${i}`,
    type,
  }));
  const adjoint = output.type.kind === 'tuple' ? writer.tuple(adjoints) : adjoints[0];
  assert.ok(adjoint);
  const all = { ...defaultAttributes(operator), ...attrs } as never;
  const adjointsOfArgs = operator.gradient(writer, { args, output, adjoint, attrs: all });
  const body = adjointsOfArgs.map((g) => g.text);
  const found = run([...parameters, ...adjoints], asTuple ? (body[0] ?? '') : `(${body.join(', ')},)`, [
    ...values,
    ...weights,
  ]);
  const objective = (at: readonly (readonly number[])[]): number =>
    run(parameters, forward, at).reduce(
      (sum, o, k) => sum + o.reduce((s, v, i) => s + v * (weights[k]?.[i] ?? 0), 0),
      0,
    );
  const step = 1e-5;
  for (const [p, input] of values.entries())
    for (let i = 0; i < input.length; i++) {
      const moved = (by: number): number[][] =>
        values.map((v, q) => v.map((x, j) => (q === p && i === j ? x + by : x)));
      const expected = (objective(moved(step)) - objective(moved(-step))) / (2 * step);
      const actual = found[p]?.[i] ?? NaN;
      assert.ok(
        Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected)),
        `input ${p}, element ${i}: ${actual}, by differences ${expected}`,
      );
    }
}

function outputType(parameters: readonly Term[], body: string): Type {
  const header = parameters.map((p) => `${p.text}: ${printType(p.type)}`).join(', ');
  const checked = check(parseSource(`#[version = "0.0.5"]\ndef @main(${header}) { ${body} }\n`));
  const type = checked.globals.get('main')?.ret;
  assert.ok(type);
  return type;
}

const unarySkips = new Set([
  'clip',
  'cast',
  'reshape',
  'squeeze',
  'expand_dims',
  'transpose',
  'reverse',
  'broadcast_to',
  'sum',
]);

describe('gradients agree with central differences', () => {
  const differentiable = operatorRegistry
    .all()
    .filter((o) => typeof o.gradient === 'function' && !o.name.includes('.') && Object.keys(o.attributes).length === 0);
  for (const operator of differentiable) {
    if (operator.inputs[0]?.tuple || unarySkips.has(operator.name) || operator.name.endsWith('_like')) continue;
    it(operator.name, () => {
      const shapes = operator.inputs.length === 1 ? [[2, 3]] : [[2, 3], [3]];
      checkGradient(operator.name, shapes, {}, operator.name === 'acosh' ? 1 : 0);
    });
  }
  const table: readonly [string, readonly (readonly number[])[], Attrs][] = [
    ['clip', [[6]], { a_min: 0.3, a_max: 0.7 }],
    ['reshape', [[2, 3]], { newshape: [3, 2] }],
    ['squeeze', [[1, 3]], { axis: [0] }],
    ['expand_dims', [[3]], { axis: 1 }],
    ['transpose', [[2, 3, 2]], { axes: [2, 0, 1] }],
    ['reverse', [[2, 3]], { axis: 1 }],
    ['broadcast_to', [[1, 3]], { shape: [2, 3], dtype: '' }],
    ['sum', [[2, 3, 2]], { axis: [0, 2] }],
    [
      'concatenate',
      [
        [2, 2],
        [2, 1],
      ],
      { axis: 1 },
    ],
    ['split', [[4]], { indices_or_sections: 2, axis: 0 }],
  ];
  for (const [name, shapes, attrs] of table) it(`${name} with attributes`, () => checkGradient(name, shapes, attrs));
});
