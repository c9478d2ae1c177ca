/** Lines above definitions: how often they are used, and what can be done with the program's entry. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Steps } from '../../../compiler/src/base/steps.ts';
import { declarationOf } from '../locate.ts';
import { walkInSteps } from '../slices.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

export interface Lens {
  readonly range: TextRange;
  readonly title: string;
  /** A command of the client; absent for a lens that only tells something. */
  readonly command?: string;
}

/** The client's command that lists the uses of the name at a place: it takes the document's URI and the position. */
export const showUses = 'relay.showUses';

/** Lenses of the functions and types, in the order of the text. */
export function* codeLenses(snapshot: CheckedSnapshot): Steps<readonly Lens[]> {
  const uses = yield* countUses(snapshot);
  return snapshot.tree.definitions.flatMap((definition): readonly Lens[] => {
    const declared = declarationOf(definition);
    if (!declared || definition.kind === 'import' || definition.name.text === '') return [];
    const range = rangeOf(snapshot, declared.span);
    if (definition.kind === 'def' && definition.name.text === 'main')
      return [
        { range, title: 'Tune and deploy', command: 'relay.tuneAndDeploy' },
        { range, title: 'Show lowering', command: 'relay.showLowering' },
      ];
    const count = uses.get(`${definition.kind} ${definition.name.text}`) ?? 0;
    return [{ range, title: count === 1 ? '1 use' : `${count} uses`, command: showUses }];
  });
}

/** How often each function (`def name`) and type (`type name`) of the file is mentioned in it. */
function* countUses(snapshot: CheckedSnapshot): Steps<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const add = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  yield* walkInSteps(snapshot.tree, (node) => {
    if (node.kind === 'global') add(`def ${node.name}`);
    else if (node.kind === 'namedtype' && snapshot.check.symbolOf(node)?.kind === 'adt') add(`type ${node.name.text}`);
  });
  return counts;
}
