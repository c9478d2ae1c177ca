/** What the relations of `nn.*` and `qnn.*` share: reading inputs, reporting failures, comparing shapes. */
import type { DType } from '../../tensor/dtype.ts';
import type { Dim, TensorType, Type } from '../../types/type.ts';
import { printDim, printShape, printType } from '../../types/print.ts';
import type { Blame, RelateContext, RelateError, RelateResult } from '../operator.ts';
import { mayEqual } from '../relations/dims.ts';
import {
  attributeBlame as onAttribute,
  failed,
  inputBlame as onInput,
  tensorInput,
  wait,
} from '../relations/inputs.ts';

export { onAttribute, onInput, tensorInput, wait };

export type Failure = Extract<RelateResult, { kind: 'error' }>;
export type Related = NonNullable<RelateError['related']>;

interface FailureOptions {
  readonly remedy?: string;
  readonly related?: Related;
  readonly result?: Type;
}

/** A relation's failure. */
export function fail(code: string, message: string, blame: Blame, options: FailureOptions = {}): Failure {
  return failed(code, message, blame, options);
}

/** `bad-attribute` at the attribute. */
export function badAttribute(name: string, message: string, options: FailureOptions = {}): Failure {
  return failed('bad-attribute', message, onAttribute(name), options);
}

/** A relation that is solved; `assign` are types of inputs that follow from it. */
export function ok(result: Type, assign?: readonly { readonly index: number; readonly type: Type }[]): RelateResult {
  return assign && assign.length > 0 ? { kind: 'ok', result, assign } : { kind: 'ok', result };
}

/** Like `tensorInput`, but undefined while unsolved, for inputs that the relation can determine itself. */
export function optionalTensor(
  context: Pick<RelateContext<unknown>, 'inputs'>,
  index: number,
  name: string,
): TensorType | Failure | undefined {
  const found = tensorInput(context, index, name);
  return found.kind === 'tensor' || found.kind === 'error' ? found : undefined;
}

/** Demands a rank. `what` says what the dimensions are for: `batch, channels, height, width`. */
export function checkRank(
  type: TensorType,
  rank: number,
  index: number,
  name: string,
  what?: string,
): Failure | undefined {
  if (type.shape.length === rank) return undefined;
  const dims = (n: number): string => `${n} dimension${n === 1 ? '' : 's'}`;
  return fail(
    'rank-mismatch',
    `\`${name}\` must have ${dims(rank)}${what ? ` (${what})` : ''}, but \`${printType(type)}\` has ${dims(type.shape.length)}.`,
    onInput(index),
  );
}

/** Demands one of the listed element types. */
export function checkDType(
  type: TensorType,
  allowed: readonly DType[],
  index: number,
  name: string,
): Failure | undefined {
  if (allowed.includes(type.dtype)) return undefined;
  return fail(
    'dtype-mismatch',
    `\`${name}\` must be ${listOf(allowed)}, but its elements are ${type.dtype}.`,
    onInput(index),
    { remedy: `Convert it with \`cast\` or choose another operator.` },
  );
}

/** `a`, `a or b`, `a, b or c`. */
export function listOf(words: readonly string[], last = 'or'): string {
  if (words.length <= 1) return words[0] ?? 'nothing';
  return `${words.slice(0, -1).join(', ')} ${last} ${words[words.length - 1] ?? ''}`;
}

/** A non-negative axis in range of `rank`, or a failure at attribute `name`. */
export function resolveAxis(axis: number, rank: number, name = 'axis', of = 'the data'): number | Failure {
  const resolved = axis < 0 ? axis + rank : axis;
  if (resolved >= 0 && resolved < rank) return resolved;
  return badAttribute(
    name,
    rank === 0
      ? `\`${name}=${axis}\` names no dimension, because ${of} is a scalar.`
      : `\`${name}=${axis}\` names no dimension of ${of}, which has rank ${rank}; expected ${-rank} … ${rank - 1}.`,
  );
}

/** Demands a list attribute of one of the given lengths. */
export function checkLength(name: string, value: readonly unknown[], lengths: readonly number[]): Failure | undefined {
  if (lengths.includes(value.length)) return undefined;
  return badAttribute(
    name,
    `\`${name}\` must have ${listOf(lengths.map(String))} element${lengths.length === 1 && lengths[0] === 1 ? '' : 's'}, but it has ${value.length}.`,
  );
}

/** Demands a list attribute of at least `length` elements. */
export function checkAtLeast(name: string, value: readonly unknown[], length: number): Failure | undefined {
  if (value.length >= length) return undefined;
  return badAttribute(
    name,
    `\`${name}\` must have ${length} element${length === 1 ? '' : 's'}, but it has ${value.length}.`,
    { remedy: `Write one number a spatial dimension: \`${name}=[${Array(length).fill(1).join(', ')}]\`.` },
  );
}

/** Demands that no divisor of a formula is zero. */
export function checkNonZero(name: string, value: readonly number[]): Failure | undefined {
  const index = value.findIndex((x) => x === 0);
  if (index < 0) return undefined;
  return badAttribute(name, `\`${name}[${index}]\` is 0, but it must be at least 1.`);
}

/** Whether a known shape can be unified with an expected one. */
export function shapesMayEqual(a: readonly Dim[], b: readonly Dim[]): boolean {
  return a.length === b.length && a.every((dim, i) => mayEqual(dim, b[i] ?? 0));
}

/** Demands that input `index` has the shape `expected`; `why` ends the sentence. */
export function checkShape(
  actual: TensorType,
  expected: readonly Dim[],
  index: number,
  name: string,
  why: string,
  related?: Related,
): Failure | undefined {
  if (shapesMayEqual(actual.shape, expected)) return undefined;
  if (actual.shape.length !== expected.length)
    return fail(
      'rank-mismatch',
      `\`${name}\` must have the shape ${printShape(expected)} ${why}, but it has ${printShape(actual.shape)}.`,
      onInput(index),
      related ? { related } : {},
    );
  const dim = expected.findIndex((d, i) => !mayEqual(d, actual.shape[i] ?? 0));
  const wanted = expected[dim] ?? 0;
  const found = actual.shape[dim] ?? 0;
  return fail(
    'shape-mismatch',
    `Dimension ${dim} of \`${name}\` must be ${printDim(wanted)} ${why}, but it is ${printDim(found)}.`,
    onInput(index, dim),
    related ? { related } : {},
  );
}
