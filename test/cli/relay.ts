/** Runs the command line in this process. */
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
