/** What must hold for a configuration of the convolution template: exact packing and scaling, and forms of inputs. */
import { sumRange, type ConvProblem } from '../problem.ts';
import { addendOf, highMultiply } from '../requantize.ts';
import type { Packing } from './dot.ts';

/** How one channel's sum is scaled; `scaled`: bits its sum is already shifted left by (8 for B of a dual pair). */
export function channelScale(p: ConvProblem, c: number, scaled: number): ReturnType<typeof highMultiply> {
  const e = p.epilogue;
  const m = e.multiplier[e.multiplier.length === 1 ? 0 : c] ?? 0;
  const s = e.shift[e.shift.length === 1 ? 0 : c] ?? 0;
  return highMultiply(m, s, e.zeroPoint, sumRange(p, c), scaled);
}

/** Whether the packing is exact for these weights. */
export function packingLegal(p: ConvProblem, packing: Packing): boolean {
  if (packing !== 'dual') return true;
  for (let c = 0; c < p.outC; c++) {
    const { min, max } = sumRange(p, c);
    if (min < -(2 ** 23) || max >= 2 ** 23) return false;
  }
  // −129 does not fit where a weight of −128 sits above a negative one.
  const length = p.weights.length / p.outC;
  for (let c = 0; c + 1 < p.outC; c++) {
    for (let i = 0; i < length; i++) {
      if ((p.weights[(c + 1) * length + i] ?? 0) === -128 && (p.weights[c * length + i] ?? 0) < 0) return false;
    }
  }
  return true;
}

/** Whether the upper half of a product is exact for all channels, whichever place they take in a block. */
export function highLegal(p: ConvProblem, packing: Packing): boolean {
  for (let c = 0; c < p.outC; c++) {
    if (!channelScale(p, c, 0)) return false;
    if (packing === 'dual' && !channelScale(p, c, 8)) return false;
  }
  return true;
}

/**
 * How shifts lie beside the starts of sums: below 24 bits of start. In dual packing the even channel's word has four
 * bits for each of the pair, counted from `base` (and 8 for the odd one, whose sum is scaled); else eight for its own.
 */
export function compactBase(p: ConvProblem, packing: Packing): number | undefined {
  if (packing === 'dual' ? !packingLegal(p, 'dual') : false) return undefined;
  const scales = Array.from({ length: p.outC }, (_, c) => channelScale(p, c, 0));
  const shifts = scales.flatMap((s) => (s !== undefined && s.multiplier !== 0 ? [s.shift] : []));
  // The least base where it will do: kernels that differ in nothing else then share their code.
  const base = packing === 'dual' && Math.max(1, ...shifts) > 16 ? Math.min(...shifts) : 1;
  const greatest = Math.max(base, ...shifts);
  if (!highLegal(p, packing) || greatest - base > (packing === 'dual' ? 15 : 200)) return undefined;
  // Channels that are scaled by nothing take the base, whose addend must fit as well.
  const addend = Math.abs(addendOf(greatest + (packing === 'dual' ? 8 : 0), p.epilogue.zeroPoint));
  return addend < 2 ** 31 && p.bias.every((b) => b >= -(2 ** 23) && b < 2 ** 23) ? base : undefined;
}

/** Whether inputs may be widened strip by strip: whole words, and more than one row or column of taps. */
export function hasStrips(p: ConvProblem): boolean {
  return !isPointwise(p) && p.groups === 1 && p.inC % 4 === 0;
}

/** Bytes of widened rows for `width` output pixels (0: all). */
export function windowBytes(p: ConvProblem, width: number): number {
  const span = ((width || p.outW) - 1) * p.strideW + (p.kW - 1) * p.dilationW + 1;
  const rows = width > 0 ? p.kH : (p.kH - 1) * p.dilationH + 1;
  return 2 * rows * span * p.inC;
}

/** Whether inputs can be read as they lie: pointwise, and all pixels aligned to words where words are read (`dsp`). */
export function readsBytes(p: ConvProblem, dsp: boolean): boolean {
  return isPointwise(p) && p.inputDtype !== 'int16' && (!dsp || (p.inC / p.groups) % 4 === 0);
}

export function isPointwise(p: ConvProblem): boolean {
  return (
    p.kH === 1 &&
    p.kW === 1 &&
    p.padTop === 0 &&
    p.padLeft === 0 &&
    (p.outH - 1) * p.strideH < p.inH &&
    (p.outW - 1) * p.strideW < p.inW
  );
}
