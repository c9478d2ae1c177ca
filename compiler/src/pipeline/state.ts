/** What each stage adds to what is known about a program. */
import type { CheckResult } from '../check/result.ts';
import type { EmittedModule } from '../emit/module.ts';
import type { IRModule } from '../ir/expr.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import type { PassNote } from '../passes/pass.ts';
import type { FusedProgram } from '../passes/program.ts';
import type { ArenaPlan } from './arena.ts';
import type { ScheduledKernel } from './context.ts';

export interface PassRun {
  readonly name: string;
  readonly statistics: Readonly<Record<string, number>>;
  readonly notes: readonly PassNote[];
}

/** Everything known about a program so far; each stage fills in its part. */
export interface CompileState {
  readonly text: string;
  readonly check?: CheckResult;
  readonly typed?: IRModule;
  readonly simplified?: IRModule;
  readonly passes?: readonly PassRun[];
  readonly program?: FusedProgram;
  /** Every kernel as a plain loop nest, before any schedule. */
  readonly loops?: readonly LoweredKernel[];
  readonly kernels?: readonly ScheduledKernel[];
  readonly arena?: ArenaPlan;
  readonly emitted?: EmittedModule;
}
