/**
 * Elementwise functions over tensors of one shape: elements one behind the other in memory, some a turn, whatever
 * dimensions they have; and functions of a byte to a byte as a table of their 256 values.
 */
import {
  advance,
  block,
  buffer,
  cast,
  declare,
  deref,
  ix,
  load,
  local,
  loop,
  point,
  pointer,
  storeVia,
} from '../../loops/build.ts';
import type { LExpr, Stmt } from '../../loops/ir.ts';
import { elementOf } from '../../loops/te-lower.ts';
import { tidy } from '../../loops/tidy.ts';
import { operands, expressionsOf, substatements } from '../../loops/visit.ts';
import { elementBytes } from '../../tensor/dtype.ts';
import type { TETensor } from '../../tensor/te.ts';
import { quantiseFloats } from '../quantise-floats.ts';
import { exactScaling } from '../scale-ranges.ts';
import type { KernelParts } from './parts.ts';

export interface PointwiseProblem {
  readonly inputs: readonly TETensor[];
  readonly output: TETensor;
  readonly outputDtype: string;
  /** Elements. */
  readonly length: number;
  readonly scalars: ReadonlyMap<TETensor, number | bigint>;
}

/** One element from values at hand; undefined when it needs more than elements of its own place. */
export function elementAt(
  p: PointwiseProblem,
  values: readonly LExpr[],
): { readonly statements: readonly Stmt[]; readonly value: LExpr } | undefined {
  const indices = p.output.shape.map((n, d): LExpr => (n === 1 ? ix(0) : { kind: 'loopvar', name: `i${d}` }));
  const known = new Map(p.inputs.map((t, i) => [t, values[i] ?? ix(0)]));
  const element = elementOf(p.output, indices, { buffers: new Map(), scalars: p.scalars }, known);
  if (!element) return undefined;
  const asks = (e: LExpr): boolean => e.kind === 'loopvar' || e.kind === 'load' || operands(e).some(asks);
  const asksIn = (s: Stmt): boolean => expressionsOf(s).some(asks) || substatements(s).some(asksIn);
  return asks(element.value) || element.statements.some(asksIn) ? undefined : element;
}

const align = (dtype: string): number => (dtype.endsWith('64') ? 8 : 4);

/** How far the output must start below an input, when elements are read and written in turn. */
function leadOver(p: PointwiseProblem, dtype: string): number {
  return Math.max(0, p.length * (elementBytes(p.outputDtype) - elementBytes(dtype)));
}

/** The kernel; `unroll`: elements a turn. */
export function lowerPointwise(p: PointwiseProblem, unroll: number): KernelParts {
  const inputs = p.inputs.map((t, i) => buffer(`in${i}`, t.dtype, p.length, align(t.dtype)));
  const output = buffer('output', p.outputDtype, p.length, align(p.outputDtype));
  const x = inputs.map((b, i) => pointer(`x${i}`, b, b.dtype));
  const o = pointer('o', output, output.dtype);
  const one = (at: number): Stmt[] => {
    const values = inputs.map((b) => local('v', b.dtype));
    const element = elementAt(p, values);
    if (!element) throw new Error('an element needs others than its own');
    return [
      ...values.map((v, i) => declare(v, deref(x[i] ?? o, at))),
      ...element.statements,
      storeVia(o, at, cast(output.dtype, element.value)),
    ];
  };
  const turns = Math.floor(p.length / unroll);
  const rest = p.length - turns * unroll;
  const turn = (count: number): Stmt =>
    block(
      Array.from({ length: count }, (_, i) => block(one(i))),
      [...x, o].map((pointed) => advance(pointed, count)),
    );
  const body = block(
    x.map((pointed) => point(pointed, 0)),
    point(o, 0),
    turns > 0 ? loop('i', turns, () => turn(unroll)) : [],
    rest > 0 ? loop('i', rest, () => turn(1)) : [],
  );
  return {
    inputs,
    outputs: [output],
    constants: [],
    scratch: [],
    body: quantiseFloats(exactScaling(tidy(body))),
    overlaps: inputs.map((b, input) => ({ input, output: 0, leadBytes: leadOver(p, b.dtype) })),
    macs: 0,
  };
}

/** The kernel of a function of bytes by its values, one for each pattern of bits. */
export function lowerTable(p: PointwiseProblem, values: Int8Array | Uint8Array, unroll: number): KernelParts {
  const [first] = p.inputs;
  // A byte's bits are the subscript, whatever its sign.
  const input = buffer('in0', first?.dtype ?? 'int8', p.length);
  const output = buffer('output', p.outputDtype, p.length);
  const table = buffer('table', p.outputDtype, 256);
  const x = pointer('x', input, 'uint8');
  const o = pointer('o', output, output.dtype);
  const turns = Math.floor(p.length / unroll);
  const rest = p.length - turns * unroll;
  const turn = (count: number): Stmt =>
    block(
      Array.from({ length: count }, (_, i) => storeVia(o, i, load(table, cast('index', deref(x, i))))),
      advance(x, count),
      advance(o, count),
    );
  return {
    inputs: [input],
    outputs: [output],
    constants: [{ buffer: table, value: { dtype: p.outputDtype, shape: [256], data: values } }],
    scratch: [],
    body: block(
      point(x, 0),
      point(o, 0),
      turns > 0 ? loop('i', turns, () => turn(unroll)) : [],
      rest > 0 ? loop('i', rest, () => turn(1)) : [],
    ),
    overlaps: [{ input: 0, output: 0, leadBytes: 0 }],
    macs: 0,
  };
}
