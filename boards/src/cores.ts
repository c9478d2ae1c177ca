/** What differs between families of processors when a debug probe runs a program on them, as data. */
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { BoardProfile, Image } from './board.ts';
import { describeCortexMFault, describeRiscvFault } from './fault.ts';

export interface CoreFamily {
  /** Folder of start-up code under `runtime/boards`. */
  readonly folder: string;
  /** Numbers of registers in the remote protocol. */
  readonly registers: { readonly sp: number; readonly pc: number };
  /** Registers to set before a run. */
  readonly state: readonly (readonly [register: number, value: number])[];
  /** What the linker is told beside the profile's flags and the script. */
  readonly linkFlags: readonly string[];
  /** One sentence about `relay_fault_record`. */
  readonly describeFault: (record: Uint8Array, image: Image | undefined) => string;
}

/** The status register is number 25 in the ARM M-profile description; Thumb state, no exception. */
const threadMode: readonly [number, number] = [25, 0x01000000];

const cortexM: CoreFamily = {
  folder: 'cortex-m',
  registers: { sp: 13, pc: 15 },
  state: [threadMode],
  linkFlags: ['--specs=nano.specs', '--specs=nosys.specs'],
  describeFault: describeCortexMFault,
};

const families: Readonly<Record<'cortex-m' | 'riscv' | 'host', CoreFamily>> = {
  'cortex-m': cortexM,
  riscv: {
    folder: 'riscv',
    registers: { sp: 2, pc: 32 },
    state: [],
    linkFlags: [],
    describeFault: describeRiscvFault,
  },
  host: { ...cortexM, folder: 'host' },
};

/** The family of a profile's processor; a profile of an unknown target is taken for a Cortex-M. */
export function coreOf(profile: BoardProfile): CoreFamily {
  if (profile.transport.kind === 'process') return families.host;
  const target = targetNamed(profile.target);
  return families[target.ok ? target.value.family : 'cortex-m'];
}
