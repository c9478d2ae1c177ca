/** The standard prelude's types and functions, known without being pasted in (relay-language reference, section 6). */
import type { SourceTree } from '../syntax/tree.ts';
import type { AdtInfo, ConstructorInfo, GlobalInfo } from './scope.ts';

/** Adds what the file does not define itself. */
export function preludeFor(
  tree: SourceTree,
  scope: {
    readonly adts: Map<string, AdtInfo>;
    readonly constructors: Map<string, ConstructorInfo>;
    readonly globals: Map<string, GlobalInfo>;
  },
): void {
  void tree;
  void scope;
}
