/** What a template makes; `spaces.ts` adds name, flags and origin. */
import { buffer } from '../../loops/build.ts';
import type { Buffer, LoweredKernel } from '../../loops/kernel.ts';
import type { ConvProblem } from '../problem.ts';

export type KernelParts = Omit<LoweredKernel, 'name' | 'flags' | 'origin'>;

/** The buffer of a fused residual's other operand: the input itself when `same`; undefined without one. */
export function residualBuffer(p: ConvProblem, input: Buffer, length: number, same: boolean): Buffer | undefined {
  const residual = p.epilogue.residual;
  if (!residual) return undefined;
  return same ? input : buffer('residual', residual.other.dtype, length);
}
