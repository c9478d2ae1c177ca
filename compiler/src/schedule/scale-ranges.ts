/**
 * Fixed-point scaling of values whose range is known: the 64-bit product becomes the upper half of one, where that is
 * exact. Ranges come from the types of what is read and from the arithmetic on the way.
 */
import type { LExpr, Local, ScalarType, Stmt } from '../loops/ir.ts';
import { typeOfExpr } from '../loops/ir.ts';
import { mapOperands, mapOwnExpressions } from '../loops/map.ts';
import { integerRange, isFloat } from '../tensor/dtype.ts';
import { channelScaling, scaleByChannels, type ChannelScaling, type Tables } from './scale-channels.ts';
import { highMultiply, scaleByConstants, scaleUp, scalingFor } from './requantize.ts';

interface Range {
  readonly min: number;
  readonly max: number;
}

const whole: Range = { min: -(2 ** 31), max: 2 ** 31 - 1 };

function rangeOfType(type: ScalarType): Range | undefined {
  if (type === 'index') return whole;
  if (type === 'bool') return { min: 0, max: 1 };
  const range = isFloat(type) ? undefined : integerRange(type);
  if (!range || range.max > 2n ** 32n || range.min < -(2n ** 32n)) return undefined;
  return { min: Number(range.min), max: Number(range.max) };
}

/**
 * The statements with scaling in its short form wherever it is exact. `given`: ranges of locals that are known;
 * `tables`: values of constant buffers, on processors with the DSP extension.
 */
export function exactScaling(
  root: Stmt,
  given: ReadonlyMap<Local, Range> = new Map(),
  tables: Tables = new Map(),
): Stmt {
  const known = new Map(given);
  const byChannels = new Map<LExpr, ChannelScaling>();
  const assigned = new Set<Local>();
  const collect = (s: Stmt): void => {
    if (s.kind === 'assign') assigned.add(s.local);
    if (s.kind === 'perform') s.results.forEach((r) => assigned.add(r));
    if (s.kind === 'block') s.body.forEach(collect);
    if (s.kind === 'for') collect(s.body);
    if (s.kind === 'if') [s.then, ...(s.otherwise ? [s.otherwise] : [])].forEach(collect);
  };
  collect(root);
  const change = (e: LExpr): LExpr => {
    const whole = mapOperands(e, change);
    return channelForm(whole, known, tables, byChannels) ?? shorten(whole, known);
  };
  const visit = (s: Stmt): Stmt => {
    switch (s.kind) {
      case 'block': {
        const body = s.body.map(visit);
        return body.every((b, i) => b === s.body[i]) ? s : { ...s, body };
      }
      case 'for': {
        const body = visit(s.body);
        return body === s.body ? s : { ...s, body };
      }
      case 'if': {
        const own = mapOwnExpressions(s, change) as Extract<Stmt, { kind: 'if' }>;
        const then = visit(own.then);
        const otherwise = own.otherwise ? visit(own.otherwise) : undefined;
        return then === s.then && otherwise === s.otherwise && own === s
          ? s
          : { ...own, then, ...(otherwise ? { otherwise } : {}) };
      }
      default: {
        const made = mapOwnExpressions(s, change);
        if (made.kind === 'declare' && !assigned.has(made.local) && !known.has(made.local)) {
          const range = rangeOf(made.value, known);
          if (range) known.set(made.local, range);
        }
        return made;
      }
    }
  };
  return visit(root);
}

/** The range of an integer expression; undefined for floats and what may not fit numbers exactly. */
function rangeOf(e: LExpr, known: ReadonlyMap<Local, Range>): Range | undefined {
  const type = typeOfExpr(e);
  const own = rangeOfType(type);
  if (!own) return undefined;
  const within = (r: Range): Range => (r.min >= own.min && r.max <= own.max ? r : own);
  switch (e.kind) {
    case 'const':
      return { min: Number(e.value), max: Number(e.value) };
    case 'local':
      return known.get(e) ?? own;
    case 'cast': {
      const from = rangeOf(e.operand, known);
      return from ? within(from) : own;
    }
    case 'select': {
      const [a, b] = [rangeOf(e.then, known), rangeOf(e.otherwise, known)];
      return a && b ? { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) } : own;
    }
    case 'binary': {
      const [a, b] = [rangeOf(e.left, known), rangeOf(e.right, known)];
      return a && b ? within(combined(e.op, a, b) ?? own) : own;
    }
    default:
      return own;
  }
}

function combined(op: string, a: Range, b: Range): Range | undefined {
  switch (op) {
    case 'add':
      return { min: a.min + b.min, max: a.max + b.max };
    case 'sub':
      return { min: a.min - b.max, max: a.max - b.min };
    case 'mul': {
      const ends = [a.min * b.min, a.min * b.max, a.max * b.min, a.max * b.max];
      return { min: Math.min(...ends), max: Math.max(...ends) };
    }
    case 'min':
      return { min: Math.min(a.min, b.min), max: Math.min(a.max, b.max) };
    case 'max':
      return { min: Math.max(a.min, b.min), max: Math.max(a.max, b.max) };
    default:
      return undefined;
  }
}

function shorten(e: LExpr, known: ReadonlyMap<Local, Range>): LExpr {
  if (e.kind === 'binary') return foldAddend(e, known) ?? saturated(e) ?? e;
  if (e.kind !== 'intrinsic' || e.name !== 'qmulshift') return e;
  const [value, multiplier, shift] = e.args;
  const range = value && rangeOf(value, known);
  if (!value || !range || multiplier?.kind !== 'const' || shift?.kind !== 'const') return e;
  const [m, s] = [Number(multiplier.value), Number(shift.value)];
  const scaled = scalingFor(m, s, 0, range);
  const constants = scaled === undefined ? undefined : highMultiply(m, s, 0, range, scaled);
  return scaled === undefined || !constants ? e : scaleByConstants(scaleUp(value, scaled), constants, 0);
}

/** Scaling by constants of channels; a zero point that is added to it becomes part of it. */
function channelForm(
  e: LExpr,
  known: ReadonlyMap<Local, Range>,
  tables: Tables,
  made: Map<LExpr, ChannelScaling>,
): LExpr | undefined {
  if (e.kind === 'binary') {
    const scaling = e.op === 'add' && e.right.kind === 'const' ? made.get(e.left) : undefined;
    return scaling && e.right.kind === 'const' ? scaleByChannels(scaling, Number(e.right.value)) : undefined;
  }
  if (e.kind !== 'intrinsic' || e.name !== 'qmulshift') return undefined;
  const [value, multiplier, shift] = e.args;
  const range = value && rangeOf(value, known);
  if (!value || !range || !multiplier || !shift) return undefined;
  const scaling = channelScaling(value, range, multiplier, shift, tables);
  const short = scaling && scaleByChannels(scaling, 0);
  if (short) made.set(short, scaling);
  return short;
}

/** `((x · m >> 32) + a >> s) + zero` with the zero point in the addend. */
function foldAddend(e: Extract<LExpr, { kind: 'binary' }>, known: ReadonlyMap<Local, Range>): LExpr | undefined {
  const { left, right } = e;
  if (e.op !== 'add' || e.dtype !== 'int32' || right.kind !== 'const') return undefined;
  if (left.kind !== 'binary' || left.op !== 'shr' || left.right.kind !== 'const') return undefined;
  const sum = left.left;
  if (sum.kind !== 'intrinsic' || sum.name !== 'smmla') return undefined;
  const [value, multiplier, addend] = sum.args;
  const range = value && rangeOf(value, known);
  if (!value || !range || multiplier?.kind !== 'const' || addend?.kind !== 'const') return undefined;
  const folded = Number(addend.value) + Number(right.value) * 2 ** Number(left.right.value);
  const magnitude = Math.max(Math.abs(range.min), Math.abs(range.max));
  const high = (magnitude * Math.abs(Number(multiplier.value))) / 2 ** 32 + 1 + Math.abs(folded);
  if (high >= 2 ** 31) return undefined;
  return { ...left, left: { ...sum, args: [value, multiplier, { ...addend, value: folded }] } };
}

/** Bounds of int8 or uint8, one inside the other, as one saturation. */
function saturated(e: Extract<LExpr, { kind: 'binary' }>): LExpr | undefined {
  const inner = e.left;
  if (e.dtype !== 'int32' || inner.kind !== 'binary' || inner.dtype !== 'int32') return undefined;
  if (e.right.kind !== 'const' || inner.right.kind !== 'const') return undefined;
  const ends = [e, inner].map((b) => [b.op, Number((b.right as { value: number | bigint }).value)] as const);
  const bound = (op: string): number | undefined => ends.find(([o]) => o === op)?.[1];
  const [min, max] = [bound('max'), bound('min')];
  const name = min === -128 && max === 127 ? 'ssat8' : min === 0 && max === 255 ? 'usat8' : undefined;
  return name === undefined ? undefined : { kind: 'intrinsic', name, args: [inner.left], dtype: 'int32' };
}
