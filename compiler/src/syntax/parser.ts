/** The entry of the syntax room: text to tree. */
import { complete, type Steps } from '../base/steps.ts';
import { assemble } from './assemble.ts';
import { buildTree } from './state.ts';
import type { SourceTree } from './tree.ts';

/**
 * Parses a module, or a stand-alone expression where the text holds no definition. Never fails and never throws:
 * what is wrong stands in `errors`, and the rest of the text keeps its tree.
 */
export function parseSource(text: string): SourceTree {
  return complete(parseSteps(text));
}

/** The same in steps of about a millisecond; the first of a long text, which finds its tokens, takes longer. */
export function* parseSteps(text: string): Steps<SourceTree> {
  return buildTree(yield* assemble(text));
}
