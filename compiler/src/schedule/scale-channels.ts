/**
 * Fixed-point scaling with a multiplier and a shift of each channel, read from constant tables: the upper half of one
 * product, as in `requantize.ts`, where that is exact for every channel. What belongs to a channel is made of its two
 * constants, so that a schedule may compute it once for all elements of the channel.
 */
import { i32, intr, sub } from '../loops/build.ts';
import type { LExpr } from '../loops/ir.ts';
import type { Buffer } from '../loops/kernel.ts';
import { sameExpression } from '../loops/map.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { directMultiply, scaleUp } from './requantize.ts';

/** Values of constant buffers. */
export type Tables = ReadonlyMap<Buffer, NDArray>;

interface Range {
  readonly min: number;
  readonly max: number;
}

/** A scaling whose constants are a channel's. */
export interface ChannelScaling {
  readonly value: LExpr;
  readonly range: Range;
  readonly multiplier: LExpr;
  readonly shift: LExpr;
  /** Multiplier and shift of every channel. */
  readonly channels: readonly (readonly [multiplier: number, shift: number])[];
  /** Bits that values are scaled up by beforehand. */
  readonly scaled: number;
}

/** `qmulshift(value, multiplier, shift)` with constants from tables; undefined when the short form is not exact. */
export function channelScaling(
  value: LExpr,
  range: Range,
  multiplier: LExpr,
  shift: LExpr,
  tables: Tables,
): ChannelScaling | undefined {
  const channels = channelsOf(multiplier, shift, tables);
  for (let scaled = 0; channels !== undefined && scaled < 31; scaled++) {
    const found = { value, range, multiplier, shift, channels, scaled };
    if (isExact(found, 0)) return found;
  }
  return undefined;
}

function channelsOf(multiplier: LExpr, shift: LExpr, tables: Tables): ChannelScaling['channels'] | undefined {
  const loads = [multiplier, shift].flatMap((e) => (e.kind === 'load' ? [e] : []));
  const [first, second] = loads;
  if (!first || (second && !sameExpression(first.index, second.index))) return undefined;
  const valuesOf = (e: LExpr): ((i: number) => number) | undefined => {
    if (e.kind === 'const') return () => Number(e.value);
    const data = e.kind === 'load' ? tables.get(e.buffer)?.data : undefined;
    return data && ((i) => Number(data[i]));
  };
  const [m, s] = [valuesOf(multiplier), valuesOf(shift)];
  const { length } = first.buffer;
  if (!m || !s || loads.some((l) => l.buffer.length !== length)) return undefined;
  return Array.from({ length }, (_, i) => [m(i), s(i)] as const);
}

function isExact({ channels, range, scaled }: ChannelScaling, zeroPoint: number): boolean {
  return channels.every(([m, s]) => {
    const constants = directMultiply(m, s, zeroPoint, range, scaled);
    return constants !== undefined && constants.shift < 32;
  });
}

/** The value scaled, plus a zero point; undefined when the zero point cannot be part of the addend of every channel. */
export function scaleByChannels(c: ChannelScaling, zeroPoint: number): LExpr | undefined {
  if (!isExact(c, zeroPoint)) return undefined;
  // What `requantize.ts` calls the shift is 31 + scaled − shift − 32.
  const addend = intr('lsl', i32(2 * zeroPoint + 1), sub(i32(c.scaled - 2), c.shift));
  const sum = intr('smmla', scaleUp(c.value, c.scaled), c.multiplier, addend);
  return intr('asr', sum, sub(i32(c.scaled - 1), c.shift));
}
