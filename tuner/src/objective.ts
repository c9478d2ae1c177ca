/** What a search makes small: a kernel's cost, with a price for its bytes of flash. */
import type { Cost, KernelBytes, TuningRecord } from './records.ts';

/** `timer`: what the board's timer counts; `cycles`: what the cycle model of an emulated board says. */
export type CostKind = 'timer' | 'cycles';

export const costKinds: readonly CostKind[] = ['timer', 'cycles'];

export interface Objective {
  readonly cost: CostKind;
  /** Cost that a byte of flash is worth; 0: the fastest kernels, whatever they take. */
  readonly bytePrice: number;
}

export const plainObjective: Objective = { cost: 'timer', bytePrice: 0 };

/** What was measured of a kernel. */
export type Measurement = Pick<TuningRecord, 'cost' | 'cycles' | 'bytes'>;

/** The cost of that kind; null when the kernel failed or it was not taken. */
export function costOf(measured: Measurement, kind: CostKind): Cost | null {
  return kind === 'cycles' ? (measured.cycles ?? null) : measured.cost;
}

/** Flash that a kernel takes. */
export function flashOf({ code, constants }: KernelBytes): number {
  return code + constants;
}

/** The cost with the bytes paid for; undefined when something of it is not known. */
export function worthOf(measured: Measurement, { cost: kind, bytePrice }: Objective): number | undefined {
  const cost = costOf(measured, kind);
  if (!cost) return undefined;
  if (bytePrice === 0) return cost.value;
  return measured.bytes === undefined ? undefined : cost.value + bytePrice * flashOf(measured.bytes);
}
