/**
 * The integer-programming solver HiGHS for arenas that the planner's own search leaves a gap in. It is an optional
 * package of some megabytes, loaded when it is needed; without it, plans tell their gap.
 */
import type { IntegerSolver } from '../../compiler/src/memory/integer-program.ts';

/** Limits of one solution. Nodes come first, so that a build gives the same on every machine. */
const limits = { mip_max_nodes: 2000, time_limit: 60, output_flag: false, threads: 1 };

/** The solver; undefined when the package is not installed. */
export async function loadSolver(): Promise<IntegerSolver | undefined> {
  try {
    const { default: load } = await import('highs');
    const highs = await load();
    return (program) => {
      try {
        const { Status, Columns } = highs.solve(program, limits);
        const values = new Map<string, number>();
        for (const [name, column] of Object.entries(Columns))
          if ('Primal' in column && typeof column.Primal === 'number') values.set(name, column.Primal);
        return values.size === 0 ? undefined : { optimal: Status === 'Optimal', values };
      } catch {
        // A solver that gives up leaves the plan that is known.
        return undefined;
      }
    };
  } catch {
    return undefined;
  }
}
