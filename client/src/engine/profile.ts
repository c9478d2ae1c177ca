/** Board profiles as the views need them. */
import { isObject, listAt, numberAt, parseObject, textAt } from './values.ts';

/** The profiles in `boards/profiles`, for hosts that cannot list a folder. */
export const bundledProfiles: readonly string[] = [
  'host',
  'microbit',
  'mps2-an385',
  'mps2-an386',
  'mps2-an386-l4r5',
  'mps2-an500',
  'mps2-an505',
  'mps3-an547',
  'nrf52840dk',
  'riscv32-virt',
  'stm32f4-discovery',
  'stm32f746-disco',
];

export interface BoardProfile {
  readonly name: string;
  readonly description: string;
  readonly target: string;
  /** Bytes; undefined where the profile names no such memory. */
  readonly ram: number | undefined;
  readonly flash: number | undefined;
  readonly stack: number;
  readonly provenance: string;
}

/** A profile from its file's text; undefined when it is none. */
export function readProfile(text: string): BoardProfile | undefined {
  const json = parseObject(text);
  const [name, target] = [textAt(json, 'name'), textAt(json, 'target')];
  if (!name || !target) return undefined;
  const bytes = (kind: string): number | undefined => {
    const regions = listAt(json, 'memory').filter((r) => isObject(r) && textAt(r, 'kind') === kind);
    if (regions.length === 0) return undefined;
    return regions.reduce<number>((sum, r) => sum + ((isObject(r) && numberAt(r, 'bytes')) || 0), 0);
  };
  return {
    name,
    target,
    description: textAt(json, 'description') ?? '',
    ram: bytes('ram'),
    flash: bytes('flash'),
    stack: numberAt(json, 'stackBytes') ?? 0,
    provenance: textAt(json, 'provenance') ?? '',
  };
}
