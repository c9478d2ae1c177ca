/** Runs the command line in this process. */
import { builtinProfiles, examineTools } from '../../boards/src/index.ts';
import { dispatch } from '../../cli/src/main.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The exit code, and what was printed on standard output and standard error. */
export async function relay(...argv: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await dispatch(argv, {
    out: (t) => void out.push(t),
    err: (t) => void err.push(t),
    token: { isCancellationRequested: false },
    colour: false,
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** Names of missing tools of a board; tests that need them skip with a message. */
export async function missingTools(board: string): Promise<string[]> {
  const tools = await examineTools(builtinProfiles);
  return tools.filter((t) => !t.found && t.boards.includes(board)).map((t) => t.name);
}
