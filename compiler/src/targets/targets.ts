/**
 * The processors that board profiles may name, one record each: what templates may use, and how C compilers are asked
 * for it. Profiles repeat the flags of the compiler that they use; the table is what generated C is tested against.
 */
import { fail, ok, type Result } from '../base/result.ts';
import type { Target } from './target.ts';

/** How a compiler is told of a processor. */
export interface TargetCompiler {
  readonly command: string;
  readonly flags: readonly string[];
  /** Debian package that installs it. */
  readonly package: string;
}

export interface TargetRecord extends Target {
  /** One line for people: core, instruction set, extensions. */
  readonly summary: string;
  /** How code starts, faults and is debugged; `runtime/boards` has a folder for each. */
  readonly family: 'cortex-m' | 'riscv' | 'host';
  /** The first is the one that schedules are tuned with. */
  readonly compilers: readonly TargetCompiler[];
}

/** Single-precision floating-point unit of an Arm core, as `-mfpu` names it. */
interface CortexM {
  readonly name: string;
  /** `-mcpu`. */
  readonly core: string;
  readonly summary: string;
  readonly dsp: boolean;
  /** `-mfpu`; `auto` where the core's name implies it. */
  readonly fpu?: string;
}

function cortexM({ name, core, summary, dsp, fpu }: CortexM): TargetRecord {
  const float = fpu === undefined ? ['-mfloat-abi=soft'] : ['-mfloat-abi=hard'];
  const unit = fpu === undefined || fpu === 'auto' ? [] : [`-mfpu=${fpu}`];
  const flags = [`-mcpu=${core}`, '-mthumb', ...float, ...unit];
  return {
    name,
    summary,
    family: 'cortex-m',
    features: { dsp, fpu: fpu !== undefined, bits: 32 },
    littleEndian: true,
    compilers: [
      { command: 'arm-none-eabi-gcc', flags, package: 'gcc-arm-none-eabi' },
      { command: 'clang', flags: ['--target=arm-none-eabi', ...flags], package: 'clang' },
    ],
  };
}

function riscv32(name: string, summary: string, march: string): TargetRecord {
  const flags = [`-march=${march}`, '-mabi=ilp32'];
  return {
    name,
    summary,
    family: 'riscv',
    features: { dsp: false, fpu: false, bits: 32 },
    littleEndian: true,
    compilers: [
      {
        command: 'riscv64-unknown-elf-gcc',
        flags: [...flags, '-mcmodel=medany'],
        package: 'gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf',
      },
      { command: 'clang', flags: ['--target=riscv32-unknown-elf', ...flags], package: 'clang' },
    ],
  };
}

/** All targets; `f` behind a Cortex-M name means that the floating-point unit is there. */
export const targets: readonly TargetRecord[] = [
  cortexM({ name: 'cortex-m0', core: 'cortex-m0', summary: 'Arm Cortex-M0, Armv6-M', dsp: false }),
  cortexM({ name: 'cortex-m0plus', core: 'cortex-m0plus', summary: 'Arm Cortex-M0+, Armv6-M', dsp: false }),
  cortexM({ name: 'cortex-m3', core: 'cortex-m3', summary: 'Arm Cortex-M3, Armv7-M', dsp: false }),
  cortexM({ name: 'cortex-m4', core: 'cortex-m4', summary: 'Arm Cortex-M4, Armv7E-M with DSP', dsp: true }),
  cortexM({
    name: 'cortex-m4f',
    core: 'cortex-m4',
    summary: 'Arm Cortex-M4F, Armv7E-M with DSP and single-precision floats',
    dsp: true,
    fpu: 'fpv4-sp-d16',
  }),
  cortexM({
    name: 'cortex-m7f',
    core: 'cortex-m7',
    summary: 'Arm Cortex-M7F, Armv7E-M with DSP and floats',
    dsp: true,
    fpu: 'fpv5-sp-d16',
  }),
  cortexM({
    name: 'cortex-m33f',
    core: 'cortex-m33',
    summary: 'Arm Cortex-M33, Armv8-M Mainline with DSP and single-precision floats',
    dsp: true,
    fpu: 'fpv5-sp-d16',
  }),
  cortexM({
    name: 'cortex-m55f',
    core: 'cortex-m55',
    summary: 'Arm Cortex-M55, Armv8.1-M Mainline with DSP, Helium and floats',
    dsp: true,
    fpu: 'auto',
  }),
  riscv32('rv32imc', 'RISC-V RV32IMC: 32 bits, multiply and divide, compressed instructions', 'rv32imc'),
  {
    name: 'host',
    summary: 'This machine: portable C',
    family: 'host',
    features: { dsp: false, fpu: true, bits: 64 },
    littleEndian: true,
    compilers: [
      { command: 'gcc', flags: [], package: 'gcc' },
      { command: 'clang', flags: [], package: 'clang' },
    ],
  },
];

/** The target of that name. */
export function targetNamed(name: string): Result<TargetRecord> {
  const target = targets.find((t) => t.name === name);
  if (target) return ok(target);
  const names = targets.map((t) => t.name).join(', ');
  return fail('unknown-target', `There is no compiler target named '${name}'.`, `Targets: ${names}.`);
}
