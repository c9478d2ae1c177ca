/** How a program is compiled: the options a user has, and the points of the schedule spaces, by the program's seed. */
import { backend } from '../../compiler/src/pipeline/backend.ts';
import type { CompileRequest } from '../../compiler/src/pipeline/compile.ts';
import { passes } from '../../compiler/src/pipeline/simplification.ts';
import type { ScheduleConfig, TuningTask } from '../../compiler/src/schedule/task.ts';
import type { Target } from '../../compiler/src/targets/target.ts';
import { targets } from '../../compiler/src/targets/targets.ts';
import { Random } from './random.ts';

/** What is asked of the compiler beside the program. */
export type Variation = Pick<
  CompileRequest,
  'target' | 'configFor' | 'preset' | 'inTurns' | 'arenaBudget' | 'arenaRegions' | 'withoutPasses'
>;

/** Passes without which a program may be refused: they turn functions and branches into calls of operators. */
const needed: ReadonlySet<string> = new Set(['inline', 'partial-evaluation', 'select-branches']);

/**
 * The variation of a seed: odd seeds take random valid points of the schedule spaces, even ones the heuristic's. A part of
 * both is compiled for other processors than `target` (their C is portable), with the size preset, without some passes,
 * with little memory or in several regions.
 */
export function variationOf(seed: number, target: Target): Variation {
  const r = new Random(seed ^ 0x2468ace);
  const tuned = seed % 2 === 1;
  const chosen = r.chance(0.75) ? target : r.pick(targets);
  const regions = r.chance(0.1) ? Array.from({ length: r.int(1, 3) }, () => 16 << r.int(0, 8)) : undefined;
  return {
    target: chosen,
    ...(tuned ? { configFor: randomConfigs(seed, chosen) } : r.chance(0.3) ? { preset: 'size' } : {}),
    ...(r.chance(0.2) ? { inTurns: r.chance(0.5) } : {}),
    ...(r.chance(0.3) ? { arenaBudget: r.pick([1, r.int(16, 4096), 'untuned'] as const) } : {}),
    ...(regions ? { arenaRegions: [...regions, 1 << 24] } : {}),
    ...(r.chance(0.15) ? { withoutPasses: passes.map((p) => p.name).filter((n) => !needed.has(n) && r.chance(0.4)) } : {}),
  }; // prettier-ignore
}

/** Random valid points of the schedule spaces, one after another for the tasks of a program. */
function randomConfigs(seed: number, target: Target): (task: TuningTask) => ScheduleConfig | undefined {
  const r = new Random(seed ^ 0x1234567);
  return (task) => {
    const space = backend.spaceOf(task, target);
    for (let tries = 0; tries < 30; tries++) {
      const config = Object.fromEntries(space.knobs.map((k) => [k.name, r.pick(k.values)]));
      if (space.isValid(config)) return config;
    }
    return undefined;
  };
}
