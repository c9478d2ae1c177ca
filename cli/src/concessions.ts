/** What a build gives up for less memory: how far its schedules are from the fastest that were measured. */
import type { ScheduledKernel } from '../../compiler/src/pipeline/context.ts';
import { flashOf } from '../../compiler/src/records/objective.ts';
import { configKey } from '../../compiler/src/schedule/task.ts';
import type { RecordDigest } from '../../compiler/src/records/best.ts';

export interface Concessions {
  /** Kernels whose schedule is not the fastest on record. */
  readonly kernels: number;
  /** Cost beyond that of the fastest schedules, in the records' unit. */
  readonly cost: number;
  /** Bytes of flash less than theirs. */
  readonly flash: number;
}

/** Compares a build with the fastest records of its kernels; kernels without a record of their schedule are left out. */
export function concessionsOf(kernels: readonly ScheduledKernel[], { best }: RecordDigest): Concessions {
  let [changed, cost, flash] = [0, 0, 0];
  for (const { task, config } of kernels) {
    const choices = (Object.hasOwn(best, task.key) ? best[task.key]?.choices : undefined) ?? [];
    const key = configKey(config);
    const own = choices.find((c) => configKey(c.config) === key);
    const [fastest] = choices;
    if (!own || !fastest || own.cost <= fastest.cost) continue;
    changed++;
    cost += own.cost - fastest.cost;
    if (fastest.bytes && own.bytes) flash += flashOf(fastest.bytes) - flashOf(own.bytes);
  }
  return { kernels: changed, cost, flash };
}
