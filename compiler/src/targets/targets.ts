/** The processors that board profiles may name. */
import { fail, ok, type Result } from '../base/result.ts';
import type { Target } from './target.ts';

function cortexM(name: string, dsp: boolean, fpu: boolean): Target {
  return { name, features: { dsp, fpu, bits: 32 }, littleEndian: true };
}

/** All targets; `f` behind a Cortex-M name means that the floating-point unit is there. */
export const targets: readonly Target[] = [
  cortexM('cortex-m0plus', false, false),
  cortexM('cortex-m3', false, false),
  cortexM('cortex-m4', true, false),
  cortexM('cortex-m4f', true, true),
  cortexM('cortex-m7f', true, true),
  cortexM('cortex-m33f', true, true),
  { name: 'host', features: { dsp: false, fpu: true, bits: 64 }, littleEndian: true },
];

/** The target of that name. */
export function targetNamed(name: string): Result<Target> {
  const target = targets.find((t) => t.name === name);
  if (target) return ok(target);
  const names = targets.map((t) => t.name).join(', ');
  return fail('unknown-target', `There is no compiler target named '${name}'.`, `Targets: ${names}.`);
}
