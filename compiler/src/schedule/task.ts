/**
 * The contract between compiler and tuner: a fused function, its schedule space, and a kernel made from a point of it.
 */
import type { Result } from '../base/result.ts';
import type { Call, Func } from '../ir/expr.ts';
import type { LoweredKernel } from '../loops/kernel.ts';
import type { Target } from '../targets/target.ts';

/** A primitive function after fusion: tensors in, tensors out, weights and other constants inside. */
export interface FusedFunction {
  /** A valid, unique C identifier stem, e.g. `fused_qnn_conv2d_3`. */
  readonly name: string;
  readonly func: Func;
  /** The operator the schedule is about (convolution, dense, pooling …); undefined for pointwise groups. */
  readonly anchor: Call | undefined;
}

/** What tuning records are keyed by. Equal functions up to names and constant values share a task. */
export interface TuningTask {
  /** Stable over runs: a readable prefix and a hash of the canonical form, e.g. `conv2d-3x3-s1-64x64-1a2b3c4d`. */
  readonly key: string;
  /** For people (`title.ts`): `conv2d 3×3, 16→16, 32×32, int8`. */
  readonly description: string;
  readonly fused: FusedFunction;
  /** Multiply–accumulates of one run. */
  readonly macs: number;
}

export interface Knob {
  readonly name: string;
  readonly summary: string;
  readonly values: readonly (number | string | boolean)[];
}

/** A point of a space: a value for every knob. Plain JSON; it replays to the same kernel. */
export type ScheduleConfig = Readonly<Record<string, number | string | boolean>>;

/** Identity of a config: equal points have equal keys, whatever the order of their fields. */
export function configKey(config: ScheduleConfig): string {
  return JSON.stringify(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

export interface ScheduleSpace {
  /** Version-stable template name, e.g. `conv2d_nhwc_smlad`. */
  readonly template: string;
  readonly knobs: readonly Knob[];
  /** The heuristic's choice: what an untuned build uses. */
  readonly default: ScheduleConfig;
  /** Whether the combination makes sense; invalid points are never lowered. */
  isValid(config: ScheduleConfig): boolean;
  /** Numbers for a cost model, same length for every config of the space (log sizes, one-hots, working-set bytes …). */
  features(config: ScheduleConfig): readonly number[];
}

/** Rows of one input that output row `y` reads: `y · stride − top` and `window` rows from there, those that exist. */
export interface RowInput {
  readonly rows: number;
  readonly rowBytes: number;
  readonly stride: number;
  readonly top: number;
  readonly window: number;
}

/** How the rows of a kernel's output depend on rows of its inputs, one an input. Rows lie one behind the other. */
export interface RowAccess {
  readonly rows: number;
  readonly rowBytes: number;
  /** The input whose padding calls tell; the others have none. */
  readonly main: number;
  readonly inputs: readonly RowInput[];
}

/** The functions a template offers; `schedule/spaces.ts` implements them over all templates. */
export interface Scheduler {
  spaceOf(task: TuningTask, target: Target): ScheduleSpace;
  lower(fused: FusedFunction, target: Target, config: ScheduleConfig): Result<LoweredKernel>;
  /** Of functions that can be computed some rows a call; undefined of others. */
  rowsOf?(fused: FusedFunction, target: Target): RowAccess | undefined;
  /**
   * The kernel that computes `most` rows a call, or fewer. Its scalars: rows of this call, rows of padding above the main
   * input's buffer, and rows of the main input from its buffer's start on. Every buffer starts at the first row that is
   * read or written.
   */
  lowerRows?(fused: FusedFunction, target: Target, config: ScheduleConfig, most: number): Result<LoweredKernel>;
}
