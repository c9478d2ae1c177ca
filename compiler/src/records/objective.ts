/** What a search makes small: a kernel's cost, with a price for its bytes of flash. */

/** Where a number comes from; shown beside it. */
export const provenances = ['measured', 'emulated', 'estimated'] as const;
export type Provenance = (typeof provenances)[number];

export const units = ['instructions', 'cycles', 'nanoseconds'] as const;

export interface Cost {
  readonly value: number;
  readonly unit: (typeof units)[number];
  readonly provenance: Provenance;
}

/** Flash that a kernel takes: its functions, and the constants that its schedule packs. */
export interface KernelBytes {
  readonly code: number;
  readonly constants: number;
}

/** `timer`: what the board's timer counts; `cycles`: what the cycle model of an emulated board says. */
export type CostKind = 'timer' | 'cycles';

export interface Objective {
  readonly cost: CostKind;
  /** Cost that a byte of flash is worth; 0: the fastest kernels, whatever they take. */
  readonly bytePrice: number;
}

export const plainObjective: Objective = { cost: 'timer', bytePrice: 0 };

/** What was measured of a kernel. */
export interface Measurement {
  /** What the board's timer counted; null when the kernel failed. */
  readonly cost: Cost | null;
  readonly cycles?: Cost;
  readonly bytes?: KernelBytes;
}

/** The cost of that kind; null when the kernel failed or it was not taken. */
export function costOf(measured: Measurement, kind: CostKind): Cost | null {
  return kind === 'cycles' ? (measured.cycles ?? null) : measured.cost;
}

/** Flash that a kernel takes. */
export function flashOf({ code, constants }: KernelBytes): number {
  return code + constants;
}

/**
 * The cost of one call with the bytes paid for, of a kernel that a program calls `calls` times: they share its code, and each
 * has constants of its own. Undefined when something of it is not known.
 */
export function worthOf(measured: Measurement, { cost: kind, bytePrice }: Objective, calls = 1): number | undefined {
  const cost = costOf(measured, kind);
  if (!cost) return undefined;
  if (bytePrice === 0) return cost.value;
  return measured.bytes && cost.value + bytePrice * (measured.bytes.code / calls + measured.bytes.constants);
}
