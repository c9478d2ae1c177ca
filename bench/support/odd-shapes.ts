/** Seeded random shapes that no model has, each with the goal of its kind. */
import { random, type ProblemOptions } from './problems.ts';

export interface OddShape extends ProblemOptions {
  readonly name: string;
  readonly kind: Kind;
}
export type Kind = 'pointwise' | 'window' | 'first layer' | 'depthwise' | 'dense';

/**
 * The goal of each kind, in instructions per multiply–accumulate, and the multiply–accumulates of one output in the
 * shape that it was set for.
 */
const goals: Readonly<Record<Kind, { readonly goal: number; readonly reference: number }>> = {
  pointwise: { goal: 1.25, reference: 64 },
  window: { goal: 1.32, reference: 144 },
  'first layer': { goal: 2.2, reference: 27 },
  depthwise: { goal: 2.6, reference: 9 },
  dense: { goal: 1.45, reference: 640 },
};

/** Instructions that an output costs beside its products: scaling, saturation, store. */
const perOutput = 8;

/** Instructions per multiply–accumulate to stay under: the kind's, and what shorter sums pay for their outputs. */
export function goalOf(kind: Kind, macsAnOutput: number): number {
  const { goal, reference } = goals[kind];
  return goal + perOutput * Math.max(0, 1 / macsAnOutput - 1 / reference);
}

/** `count` shapes from a seed: channels, filters, strides, dilations, groups, padding, zero points and scales at random. */
export function oddShapes(count: number, seed: number): OddShape[] {
  const out: OddShape[] = [];
  for (let i = 0; out.length < count; i++) {
    const next = random(seed * 104729 + i * 7919 + 1);
    for (let k = 0; k < 16; k++) next(2);
    const between = (low: number, high: number): number => low + next(high - low + 1);
    const kinds: readonly Kind[] = ['pointwise', 'window', 'window', 'first layer', 'depthwise', 'dense'];
    const kind = kinds[i % kinds.length] ?? 'window';
    const common = {
      inputZero: between(-128, 127),
      perTensor: next(3) === 0,
      seed: between(1, 1000),
      ...(next(6) === 0 ? { bounds: [-20, 90] as const } : {}),
    };
    out.push({ ...common, kind, ...shapeOf(kind, between) });
  }
  return out;
}

type Between = (low: number, high: number) => number;

function shapeOf(kind: Kind, between: Between): Pick<OddShape, 'name'> & ProblemOptions {
  if (kind === 'dense') {
    const [inC, outC] = [between(40, 700), between(9, 150)];
    return { name: `dense ${inC}→${outC}`, inH: 1, inW: 1, inC, outC, kH: 1, kW: 1 };
  }
  if (kind === 'pointwise') {
    const [inC, outC] = [between(11, 80), between(5, 70)];
    const stride = between(0, 3) === 0 ? 2 : 1;
    const [inH, inW] = [between(3, 14), between(3, 14)];
    const shape = { inH, inW, inC, outC, kH: 1, kW: 1, stride: [stride, stride] as const };
    return { ...shape, name: `1×1 ${inC}→${outC}, ${inH}×${inW}${stride > 1 ? ' stride 2' : ''}` };
  }
  const oneDimensional = between(0, 4) === 0;
  const [kH, kW] = oneDimensional ? [between(3, 9), 1] : [between(2, 5), between(2, 5)];
  const dilation = between(0, 4) === 0 ? 2 : 1;
  const stride = kind === 'depthwise' ? between(1, 2) : between(1, 3);
  const [spanH, spanW] = [(kH - 1) * dilation + 1, (kW - 1) * dilation + 1];
  const inH = spanH + between(6, 14);
  const inW = oneDimensional ? 1 : spanW + between(6, 14);
  const pad = (span: number): number => between(0, Math.floor(span / 2));
  const padding = [pad(spanH), oneDimensional ? 0 : pad(spanW), pad(spanH), oneDimensional ? 0 : pad(spanW)] as const;
  const groups = kind === 'window' && between(0, 4) === 0 ? between(2, 4) : 1;
  const inC = kind === 'first layer' ? between(1, 4) : kind === 'depthwise' ? between(3, 40) : groups * between(8, 28);
  const outC = kind === 'depthwise' ? inC : groups * between(4, 28);
  const extras = [
    stride > 1 ? `stride ${stride}` : '',
    dilation > 1 ? `dilation ${dilation}` : '',
    groups > 1 ? `${groups} groups` : '',
  ].filter((e) => e !== '');
  return {
    name: [`${kind === 'depthwise' ? 'depthwise ' : ''}${kH}×${kW} ${inC}→${outC}, ${inH}×${inW}`, ...extras].join(', '),
    inH, inW, inC, outC, kH, kW, padding,
    stride: [stride, oneDimensional ? 1 : stride],
    dilation: [dilation, oneDimensional ? 1 : dilation],
    groups: kind === 'depthwise' ? inC : groups,
  }; // prettier-ignore
}
