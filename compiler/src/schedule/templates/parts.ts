/** What a template makes; `spaces.ts` adds name, flags and origin. */
import type { LoweredKernel } from '../../loops/kernel.ts';

export type KernelParts = Omit<LoweredKernel, 'name' | 'flags' | 'origin'>;
