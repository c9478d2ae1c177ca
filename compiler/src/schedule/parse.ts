/**
 * Fused functions to the plain problems of the templates. Everything that is not exactly of a template's form is
 * refused here (`undefined`) and goes the generic way.
 */
import { fixedPointMultiplier } from '../operators/qnn/fixed-point.ts';
import type { Call, Expr, Func, Var } from '../ir/expr.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { dtypeOf, filterOf, shapeOf, type Filter } from './filter.ts';
import type { AddSide, ConvProblem, DataDType, Epilogue, InputDType, OutputDType, Residual } from './problem.ts';

/** A problem and how the function's parameters serve it. */
export interface ParsedConv {
  readonly problem: ConvProblem;
  readonly input: Var;
  /** The other operand of a fused residual addition. */
  readonly residual: Var | undefined;
}
export interface ParsedAdd {
  readonly residual: Residual;
  readonly own: Var;
  readonly other: Var;
  readonly length: number;
}

const factorOne = { multiplier: 2 ** 30, shift: 1 };

/** Steps from the function's result down to (not including) the call that `stop` accepts. */
export function chain(
  func: Func,
  stop: (c: Call) => boolean,
): { readonly steps: readonly Call[]; readonly base: Call } | undefined {
  const steps: Call[] = [];
  let e: Expr = func.body;
  for (;;) {
    if (e.kind !== 'call' || e.callee.kind !== 'op') return undefined;
    if (stop(e)) return { steps: steps.reverse(), base: e };
    const name = e.callee.name;
    // Of a sum, the side that is computed here is followed.
    const next: Expr | undefined = name === 'qnn.add' ? e.args.slice(0, 2).find((a) => a.kind === 'call') : e.args[0];
    if (!next) return undefined;
    steps.push(e);
    e = next;
  }
}

export const nameOf = (e: Expr): string | undefined =>
  e.kind === 'call' && e.callee.kind === 'op' ? e.callee.name : undefined;

function constantOf(e: Expr | undefined): NDArray | undefined {
  return e?.kind === 'constant' ? e.value : undefined;
}
function numbers(e: Expr | undefined): readonly number[] | undefined {
  const value = constantOf(e);
  return value ? Array.from(value.data as ArrayLike<number | bigint>, Number) : undefined;
}
/** The one value of a scalar or of a vector of equal values. */
function single(e: Expr | undefined): number | undefined {
  const all = numbers(e);
  const first = all?.[0];
  return all && first !== undefined && all.every((v) => v === first) ? first : undefined;
}
function byteType(dtype: string): InputDType | undefined {
  return dtype === 'int8' || dtype === 'uint8' ? dtype : undefined;
}
function rangeOf(dtype: OutputDType): readonly [number, number] {
  return dtype === 'int8' ? [-128, 127] : [0, 255];
}

/** A quantised convolution or dense with bias, requantisation, bounds and at most one residual addition. */
export function parseConv(func: Func): ParsedConv | undefined {
  const found = chain(func, (c) => filterOf(c) !== undefined);
  const read = found && operandsOfFilter(found.base, func);
  const sums = read && parseSteps(found.steps, func, read.filter.outC);
  const problem = sums && problemOf(read.filter, read.operands, sums);
  return problem && { problem, input: read.operands.data, residual: sums.residual };
}

/** A filter over channels-last images of integers and what it works on; undefined when it is another. */
export function operandsOfFilter(
  base: Call,
  func: Func,
): { readonly filter: Filter; readonly operands: Operands } | undefined {
  let data: Expr | undefined = base.args[0];
  const dense = nameOf(base) === 'qnn.dense' || nameOf(base) === 'nn.dense';
  while (dense && data?.kind === 'call' && nameOf(data) === 'reshape') data = data.args[0];
  const operands = operandsOf(base, data, func);
  const filter = filterOf(base);
  if (!filter?.channelsLast || !operands || (filter.groups > 1 && filter.outC % filter.groups !== 0)) return undefined;
  return weightCount(filter) === operands.weight.data.length ? { filter, operands } : undefined;
}

/** What a quantised product of a parameter and constant weights works on. */
export interface Operands {
  readonly data: Var;
  readonly inputDtype: DataDType;
  readonly inputZero: number;
  readonly weight: NDArray;
  /** One for all weights, or one a channel. */
  readonly weightZero: readonly number[];
}

/** The operands of a call whose sums are int32; `data`: what stands in the place of its first. */
export function operandsOf(base: Call, data: Expr | undefined, func: Func): Operands | undefined {
  if (data?.kind !== 'var' || !func.params.includes(data)) return undefined;
  const dtype = dtypeOf(data);
  const inputDtype = dtype === 'int16' ? dtype : byteType(dtype);
  const weight = constantOf(base.args[1]);
  const quantised = nameOf(base)?.startsWith('qnn.') === true;
  const inputZero = quantised ? single(base.args[2]) : 0;
  const weightZero = quantised ? numbers(base.args[3]) : [0];
  if (!inputDtype || !weight || inputZero === undefined || !weightZero?.length) return undefined;
  if (dtypeOf(base) !== 'int32' || !['int8', 'uint8', 'int16'].includes(weight.dtype)) return undefined;
  const [lo, hi] = inputDtype === 'int16' ? [-32768, 32767] : rangeOf(inputDtype);
  if (inputZero < lo || inputZero > hi) return undefined;
  return { data, inputDtype, inputZero, weight, weightZero };
}

/** The problem of a filter (channels last) over operands, given what follows the sums. */
export function problemOf(
  filter: Filter,
  operands: Operands,
  sums: Pick<ParsedSteps, 'bias' | 'epilogue'>,
): ConvProblem | undefined {
  const { inputDtype, inputZero } = operands;
  const weights = weightsOf(filter, operands.weight, operands.weightZero);
  if (!weights) return undefined;
  const perChannel = weights.length / filter.outC;
  const bias = Int32Array.from({ length: filter.outC }, (_, c) => {
    let sum = 0;
    for (let i = c * perChannel; i < (c + 1) * perChannel; i++) sum += weights[i] ?? 0;
    return ((sums.bias[c] ?? 0) - inputZero * sum) | 0;
  });
  const { at: _at, channelsLast: _last, ...geometry } = filter;
  return { ...geometry, inputDtype, inputZero, weights, bias, epilogue: sums.epilogue };
}

const weightCount = (f: Filter): number => f.outC * f.kH * f.kW * (f.inC / f.groups);

/** The weights less their zero point; as bytes where all fit. Taps without a place are zero. */
function weightsOf(f: Filter, value: NDArray, zeros: readonly number[]): Int8Array | Int16Array | undefined {
  const inGroup = f.inC / f.groups;
  const out = new Int16Array(weightCount(f));
  let n = 0;
  let bytes = true;
  if (zeros.length !== 1 && zeros.length !== f.outC) return undefined;
  for (let o = 0; o < f.outC; o++) {
    const zero = zeros[zeros.length === 1 ? 0 : o] ?? 0;
    for (let ky = 0; ky < f.kH; ky++)
      for (let kx = 0; kx < f.kW; kx++)
        for (let i = 0; i < inGroup; i++) {
          const at = f.at(o, ky, kx, i);
          const w = at < 0 ? 0 : Number(value.data[at]) - zero;
          if (w < -32768 || w > 32767) return undefined;
          bytes &&= w >= -128 && w <= 127;
          out[n++] = w;
        }
  }
  return bytes ? Int8Array.from(out) : out;
}

/** What follows sums. */
export interface ParsedSteps {
  /** One a channel. */
  readonly bias: readonly number[];
  readonly epilogue: Epilogue;
  readonly residual: Var | undefined;
}

/** What follows the sums, in order: bias, requantisation, bounds, residual. */
export function parseSteps(steps: readonly Call[], func: Func, channels: number): ParsedSteps | undefined {
  const parsed = parseBehind(steps, func, channels);
  return parsed?.epilogue && { ...parsed, epilogue: parsed.epilogue };
}

/** As `parseSteps`, of as few steps as there are. */
export function parseBehind(
  steps: readonly Call[],
  func: Func,
  channels: number,
): (Omit<ParsedSteps, 'epilogue'> & { readonly epilogue: Epilogue | undefined }) | undefined {
  const bias = new Array<number>(channels).fill(0);
  let epilogue: Epilogue | undefined;
  let residual: Var | undefined;
  let flattened = false; // channels are no longer the last axis
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Call;
    const name = nameOf(step);
    if (name === 'reshape') {
      flattened ||= shapeOf(step)?.at(-1) !== channels;
      continue;
    }
    if (flattened && (name === 'nn.bias_add' || name === 'add' || name === 'qnn.requantize')) return undefined;
    if (name === 'nn.bias_add' || name === 'add') {
      const added = channelConstant(step, channels);
      if (epilogue || !added) return undefined;
      added.forEach((v, c) => (bias[c] = ((bias[c] ?? 0) + v) | 0));
    } else if (name === 'qnn.requantize') {
      const wide = dtypeOf(step) === 'int32';
      const narrowed = wide ? narrowing(steps[i + 1], steps[i + 2]) : undefined;
      const made = requantizeOf(step, channels, narrowed);
      if (epilogue || !made) return undefined;
      if (wide) i += 2;
      made.inputZero.forEach((z, c) => (bias[c] = ((bias[c] ?? 0) - z) | 0));
      epilogue = made.epilogue;
    } else if (name === 'clip') {
      const bounds = boundsOf(step);
      if (!epilogue || !bounds) return undefined;
      const at: { min: number; max: number } = epilogue.residual ?? epilogue;
      const tightened = { min: Math.max(at.min, bounds[0]), max: Math.min(at.max, bounds[1]) };
      if (tightened.min > tightened.max) return undefined;
      epilogue = epilogue.residual
        ? { ...epilogue, residual: { ...epilogue.residual, ...tightened } }
        : { ...epilogue, ...tightened };
    } else if (name === 'cast') {
      if (!epilogue || dtypeOf(step) !== (epilogue.residual ?? epilogue).dtype) return undefined;
    } else if (name === 'qnn.add') {
      const own = step.args.findIndex((a) => a.kind === 'call');
      const other = step.args[1 - own];
      if (!epilogue || epilogue.residual || own > 1 || other?.kind !== 'var' || !func.params.includes(other))
        return undefined;
      const sum = addOf(step, own);
      if (!sum || !sameShape(step, other)) return undefined;
      epilogue = { ...epilogue, residual: sum };
      residual = other;
    } else return undefined;
  }
  return { bias, epilogue, residual };
}

function sameShape(a: Expr, b: Expr): boolean {
  const [x, y] = [shapeOf(a), shapeOf(b)];
  return x !== undefined && y !== undefined && x.length === y.length && x.every((n, i) => n === y[i]);
}

/** The constant operand of `nn.bias_add` or `add` as one int32 a channel (the last axis). */
function channelConstant(step: Call, channels: number): readonly number[] | undefined {
  const values = numbers(step.args[1]);
  const shape = shapeOf(step);
  const added = step.args[1] && shapeOf(step.args[1]);
  if (!values || !shape || !added || dtypeOf(step) !== 'int32') return undefined;
  if (nameOf(step) === 'nn.bias_add') {
    const axis = Number(step.attrs['axis'] ?? 1);
    if ((axis + shape.length) % shape.length !== shape.length - 1) return undefined;
  }
  if (values.length === 1) return Array.from({ length: channels }, () => values[0] ?? 0);
  return values.length === channels && added.at(-1) === channels ? values : undefined;
}

/** Bounds and element type of a clip of words and the cast to bytes behind it. */
interface Narrowing {
  readonly dtype: OutputDType;
  readonly bounds: readonly [number, number];
}

function narrowing(clip: Call | undefined, cast: Call | undefined): Narrowing | undefined {
  const dtype = byteType(dtypeOf(cast));
  if (!clip || !cast || !dtype || nameOf(clip) !== 'clip' || nameOf(cast) !== 'cast') return undefined;
  const bounds = boundsOf(clip, dtype);
  return bounds && { dtype, bounds };
}

/** `narrowed`: what makes bytes of a result in int32, which is then never out of range. */
function requantizeOf(
  step: Call,
  channels: number,
  narrowed?: Narrowing,
): { readonly epilogue: Epilogue; readonly inputZero: readonly number[] } | undefined {
  const inputScale = numbers(step.args[1]);
  const inputZero = numbers(step.args[2]);
  const outputScale = single(step.args[3]);
  const zeroPoint = single(step.args[4]);
  const dtype = narrowed?.dtype ?? byteType(dtypeOf(step));
  const shape = shapeOf(step);
  if (!inputScale || !inputZero || outputScale === undefined || zeroPoint === undefined || !dtype || !shape)
    return undefined;
  const rounding = step.attrs['rounding'];
  const precision = step.attrs['compute_dtype'];
  if (rounding !== undefined && rounding !== 'None' && rounding !== 'UPWARD') return undefined;
  if (precision !== undefined && precision !== 'None' && precision !== 'int64') return undefined;
  const axis = Number(step.attrs['axis'] ?? -1);
  const perChannel = inputScale.length > 1 || inputZero.length > 1;
  if (perChannel && (axis + shape.length) % shape.length !== shape.length - 1) return undefined;
  if (perChannel && [inputScale, inputZero].some((v) => v.length !== 1 && v.length !== channels)) return undefined;
  const range = rangeOf(dtype);
  if (zeroPoint < range[0] || zeroPoint > range[1]) return undefined;
  const factors = inputScale.map((s) => factorOf(s, outputScale, inputScale.length === 1));
  // Half of the range of words leaves room for the zero point.
  if (narrowed && factors.some((f) => f.shift > -1)) return undefined;
  const [min, max] = narrowed?.bounds ?? range;
  return {
    epilogue: {
      multiplier: factors.map((f) => f.multiplier),
      shift: factors.map((f) => f.shift),
      zeroPoint,
      dtype,
      min,
      max,
    },
    inputZero: Array.from({ length: channels }, (_, c) => inputZero[inputZero.length === 1 ? 0 : c] ?? 0),
  };
}

/** Scales are float32; equal ones (of a whole tensor) are no scaling at all. */
function factorOf(from: number, to: number, skip: boolean): { readonly multiplier: number; readonly shift: number } {
  const [a, b] = [Math.fround(from), Math.fround(to)];
  return skip && a === b ? factorOne : fixedPointMultiplier(a / b);
}

/** Integer bounds of `clip`; others are refused. */
function boundsOf(step: Call, of = dtypeOf(step)): readonly [number, number] | undefined {
  const [min, max] = [Number(step.attrs['a_min']), Number(step.attrs['a_max'])];
  const fits = (v: number): boolean => Number.isInteger(v) && Math.abs(v) <= 2 ** 24;
  const dtype = byteType(of);
  if (!dtype || !fits(min) || !fits(max)) return undefined;
  const [lo, hi] = rangeOf(dtype);
  return min < lo || max > hi ? undefined : [min, max];
}

/** Both sides of a quantised sum in the scale of its output. `own`: which argument is the computed one. */
function addOf(call: Call, own: number): Residual | undefined {
  const dtype = byteType(dtypeOf(call));
  const outScale = single(call.args[6]);
  const zeroPoint = single(call.args[7]);
  if (!dtype || outScale === undefined || zeroPoint === undefined) return undefined;
  const sides = [0, 1].map((i): AddSide | undefined => {
    const arg = call.args[i];
    const scale = single(call.args[2 + 2 * i]);
    const zero = single(call.args[3 + 2 * i]);
    const type = arg && byteType(dtypeOf(arg));
    if (scale === undefined || zero === undefined || !type) return undefined;
    const factor = factorOf(scale, outScale, true);
    return { ...factor, zeroPoint: zero, dtype: type };
  });
  const [a, b] = [sides[own], sides[1 - own]];
  const [min, max] = rangeOf(dtype);
  return a && b ? { own: a, other: b, zeroPoint, dtype, min, max } : undefined;
}

/** A quantised sum of two parameters of one shape, with bounds. */
export function parseAdd(func: Func): ParsedAdd | undefined {
  const found = chain(func, (c) => nameOf(c) === 'qnn.add');
  if (!found) return undefined;
  const { base, steps } = found;
  const [own, other] = base.args;
  const isParameter = (e: Expr | undefined): e is Var => e?.kind === 'var' && func.params.includes(e);
  if (!isParameter(own) || !isParameter(other) || !sameShape(base, own) || !sameShape(base, other)) return undefined;
  let residual = addOf(base, 0);
  for (const step of steps) {
    if (!residual) return undefined;
    const name = nameOf(step);
    if (name === 'reshape' || (name === 'cast' && dtypeOf(step) === residual.dtype)) continue;
    const bounds = name === 'clip' ? boundsOf(step) : undefined;
    if (!bounds) return undefined;
    residual = { ...residual, min: Math.max(residual.min, bounds[0]), max: Math.min(residual.max, bounds[1]) };
    if (residual.min > residual.max) return undefined;
  }
  const length = (shapeOf(base) ?? []).reduce((a, b) => a * b, 1);
  return residual ? { residual, own, other, length } : undefined;
}
