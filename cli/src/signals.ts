/**
 * Ctrl-C. A verb that has children, boards or records to put away stops in order: its token is cancelled, and a second
 * Ctrl-C ends the process. All else ends at once, as a shell expects: a long computation would hear of it too late.
 */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;
let handler: (() => void) | undefined;

/** From now on, Ctrl-C cancels the token that is returned. */
export function stopInOrder(): CancellationToken {
  const token = { isCancellationRequested: false };
  handler = () => {
    if (token.isCancellationRequested) process.exit(130);
    token.isCancellationRequested = true;
    process.stderr.write('\nrelay: stopping; press Ctrl-C again to stop at once\n');
  };
  for (const signal of signals) process.on(signal, handler);
  return token;
}

/** Does work that holds nothing to put away; Ctrl-C ends the process during it. */
export async function endingAtOnce<T>(work: () => Promise<T>): Promise<T> {
  const own = handler;
  if (own === undefined) return work();
  for (const signal of signals) process.off(signal, own);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.on(signal, own);
  }
}
