/** Long work in slices, between which messages are read: no change and no hover waits for it. */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import type { Steps } from '../../compiler/src/base/steps.ts';
import type { Node, SourceTree } from '../../compiler/src/syntax/tree.ts';
import { children } from '../../compiler/src/syntax/walk.ts';

/** Milliseconds of work before messages are let through; at first fewer, for the next change may be here already. */
const slice = 8;
const firstSlice = 2;

/** Resolves once the messages that wait were read. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => afterMessages(resolve));
}

/** Timers wait a millisecond or more, so the host's queue of immediate work is taken where there is one. */
const afterMessages = pickQueue();

function pickQueue(): (run: () => void) => void {
  const { setImmediate } = globalThis as { readonly setImmediate?: (run: () => void) => unknown };
  if (setImmediate) return (run) => void setImmediate(run);
  return (run) => void setTimeout(run, 0);
}

/** The result of the work; undefined when it was given up. Work that is given up is closed. */
export async function inSlices<T>(steps: Steps<T>, token?: CancellationToken): Promise<T | undefined> {
  for (let end = performance.now() + firstSlice; ;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < end) continue;
    await breathe();
    if (token?.isCancellationRequested) {
      steps.return(undefined as never);
      return undefined;
    }
    end = performance.now() + slice;
  }
}

/** Nodes visited between two stops of the work: about a millisecond. */
const nodesAtATime = 1000;

/** Visits every node of a file in steps, parents first. `false` keeps out of a node's children. */
export function* walkInSteps(tree: SourceTree, visit: (node: Node) => boolean | void): Steps<void> {
  const pending: Node[] = tree.expression ? [tree.expression] : tree.definitions.toReversed();
  let count = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (++count % nodesAtATime === 0) yield;
    if (visit(next) === false) continue;
    const below = children(next);
    for (let i = below.length - 1; i >= 0; i--) pending.push(below[i] as Node);
  }
}
