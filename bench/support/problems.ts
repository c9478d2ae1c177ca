/** Convolution problems with pseudo-random weights, and what they mean, computed the plain way. */
import type { ConvProblem, Epilogue, Residual } from '../../compiler/src/schedule/problem.ts';

export interface ProblemOptions {
  readonly batch?: number;
  readonly inH: number;
  readonly inW: number;
  readonly inC: number;
  readonly outC: number;
  readonly kH: number;
  readonly kW: number;
  readonly stride?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly padding?: readonly [number, number, number, number];
  readonly groups?: number;
  readonly inputZero?: number;
  readonly inputDtype?: 'int8' | 'uint8';
  readonly outputDtype?: 'int8' | 'uint8';
  readonly perTensor?: boolean;
  readonly residual?: Residual;
  readonly seed?: number;
  readonly bounds?: readonly [number, number];
  /** The scale of the sums; by default chosen so that outputs fill their range. */
  readonly scale?: number;
  readonly weightLimit?: number;
}

export function random(seed: number): (limit: number) => number {
  let s = seed >>> 0;
  return (limit) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor(((s >>> 8) / 2 ** 24) * limit);
  };
}

/** The multiplier in [2^30, 2^31) and shift of a real factor. */
export function fixedPoint(factor: number): { multiplier: number; shift: number } {
  let shift = Math.ceil(Math.log2(factor));
  let multiplier = Math.round((factor / 2 ** shift) * 2 ** 31);
  if (multiplier >= 2 ** 31) {
    multiplier /= 2;
    shift += 1;
  }
  return { multiplier, shift };
}

export function makeProblem(o: ProblemOptions): ConvProblem {
  const next = random(o.seed ?? 7);
  const [strideH, strideW] = o.stride ?? [1, 1];
  const [dilationH, dilationW] = o.dilation ?? [1, 1];
  const [top, left, bottom, right] = o.padding ?? [0, 0, 0, 0];
  const groups = o.groups ?? 1;
  const perGroup = o.inC / groups;
  const out = (n: number, pad: number, k: number, d: number, s: number): number =>
    Math.floor((n + pad - (k - 1) * d - 1) / s) + 1;
  const taps = o.kH * o.kW * perGroup;
  const limit = o.weightLimit ?? 127;
  const weights = Int8Array.from({ length: o.outC * taps }, () => next(2 * limit + 1) - limit);
  const inputZero = o.inputZero ?? -128;
  const bias = Int32Array.from({ length: o.outC }, (_, c) => {
    let sum = 0;
    for (let i = 0; i < taps; i++) sum += weights[c * taps + i] ?? 0;
    return next(2000) - 1000 - inputZero * sum;
  });
  const scale = o.scale ?? 1 / (40 * Math.sqrt(taps));
  const factors = Array.from({ length: o.perTensor ? 1 : o.outC }, () =>
    fixedPoint((scale * (600 + next(800))) / 1000),
  );
  const dtype = o.outputDtype ?? 'int8';
  const epilogue: Epilogue = {
    multiplier: factors.map((f) => f.multiplier),
    shift: factors.map((f) => f.shift),
    zeroPoint: dtype === 'int8' ? -5 : 120,
    dtype,
    min: o.bounds?.[0] ?? (dtype === 'int8' ? -128 : 0),
    max: o.bounds?.[1] ?? (dtype === 'int8' ? 127 : 255),
    ...(o.residual ? { residual: o.residual } : {}),
  };
  return {
    batch: o.batch ?? 1,
    inH: o.inH,
    inW: o.inW,
    inC: o.inC,
    outH: out(o.inH, top + bottom, o.kH, dilationH, strideH),
    outW: out(o.inW, left + right, o.kW, dilationW, strideW),
    outC: o.outC,
    kH: o.kH,
    kW: o.kW,
    strideH,
    strideW,
    dilationH,
    dilationW,
    padTop: top,
    padLeft: left,
    groups,
    inputDtype: o.inputDtype ?? 'int8',
    inputZero,
    weights,
    bias,
    epilogue,
  };
}

const clip = (v: number, lo: number, hi: number): number => Math.min(hi, Math.max(lo, v));

/** (x · multiplier · 2^shift) / 2^31, rounded half up, in exact integers. */
export function scaleExactly(x: number, multiplier: number, shift: number): number {
  const left = BigInt(Math.max(0, shift));
  const total = BigInt(31 - Math.min(0, shift));
  return Number(BigInt.asIntN(32, ((BigInt(x) << left) * BigInt(multiplier) + (1n << (total - 1n))) >> total));
}

/** The problem's output for an input, by definition. */
export function reference(p: ConvProblem, input: ArrayLike<number>, other?: ArrayLike<number>): Int8Array | Uint8Array {
  const e = p.epilogue;
  const last = e.residual ?? e;
  const count = p.batch * p.outH * p.outW * p.outC;
  const out = last.dtype === 'int8' ? new Int8Array(count) : new Uint8Array(count);
  const inGroup = p.inC / p.groups;
  const outGroup = p.outC / p.groups;
  for (let i = 0; i < count; i++) {
    const c = i % p.outC;
    const x = Math.floor(i / p.outC) % p.outW;
    const y = Math.floor(i / (p.outC * p.outW)) % p.outH;
    const n = Math.floor(i / (p.outC * p.outW * p.outH));
    let sum = p.bias[c] ?? 0;
    const channel0 = Math.floor(c / outGroup) * inGroup;
    for (let ky = 0; ky < p.kH; ky++) {
      const iy = y * p.strideH + ky * p.dilationH - p.padTop;
      for (let kx = 0; kx < p.kW; kx++) {
        const ix = x * p.strideW + kx * p.dilationW - p.padLeft;
        const inside = iy >= 0 && iy < p.inH && ix >= 0 && ix < p.inW;
        const at = ((n * p.inH + iy) * p.inW + ix) * p.inC + channel0;
        const w = ((c * p.kH + ky) * p.kW + kx) * inGroup;
        for (let k = 0; k < inGroup; k++)
          sum += (p.weights[w + k] ?? 0) * (inside ? (input[at + k] ?? 0) : p.inputZero);
      }
    }
    const m = e.multiplier[e.multiplier.length === 1 ? 0 : c] ?? 0;
    const s = e.shift[e.shift.length === 1 ? 0 : c] ?? 0;
    let v = clip(scaleExactly(sum | 0, m, s) + e.zeroPoint, e.min, e.max);
    if (e.residual) {
      const r = e.residual;
      const side = (q: number, a: Residual['own']): number => scaleExactly(q - a.zeroPoint, a.multiplier, a.shift);
      v = clip(side(v, r.own) + side(other?.[i] ?? 0, r.other) + r.zeroPoint, r.min, r.max);
    }
    out[i] = v;
  }
  return out;
}
