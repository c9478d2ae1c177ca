/** Board profiles as the views need them. */
import type { WireMemory } from '../../../server/src/protocol.ts';
import { isObject, listAt, numberAt, objectAt, parseObject, textAt } from './values.ts';

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
  /** What limits an arena. */
  readonly memory: WireMemory;
  readonly provenance: string;
}

/** A profile from its file's text; undefined when it is none. */
export function readProfile(text: string): BoardProfile | undefined {
  const json = parseObject(text);
  const [name, target] = [textAt(json, 'name'), textAt(json, 'target')];
  if (!name || !target) return undefined;
  const regions = (kind: string): readonly number[] =>
    listAt(json, 'memory').flatMap((r) =>
      isObject(r) && textAt(r, 'kind') === kind ? [numberAt(r, 'bytes') ?? 0] : [],
    );
  const bytes = (kind: string): number | undefined => {
    const sizes = regions(kind);
    return sizes.length === 0 ? undefined : sizes.reduce((sum, size) => sum + size, 0);
  };
  const stackBytes = numberAt(json, 'stackBytes') ?? 0;
  const unlimited = textAt(objectAt(json, 'transport'), 'kind') === 'process';
  return {
    name,
    target,
    description: textAt(json, 'description') ?? '',
    ram: bytes('ram'),
    flash: bytes('flash'),
    stack: stackBytes,
    memory: { ram: regions('ram'), stackBytes, unlimited },
    provenance: textAt(json, 'provenance') ?? '',
  };
}
