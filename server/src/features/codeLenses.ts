/** Lines above definitions: how often they are used, and what can be done with the program's entry. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Symbol } from '../../../compiler/src/check/result.ts';
import { declarationOf } from '../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

export interface Lens {
  readonly range: TextRange;
  readonly title: string;
  /** A command of the client; absent for a lens that only tells something. */
  readonly command?: string;
}

/** Lenses of the functions and types, in the order of the text. */
export function codeLenses(snapshot: CheckedSnapshot): readonly Lens[] {
  return snapshot.tree.definitions.flatMap((definition): readonly Lens[] => {
    const declared = declarationOf(definition);
    if (!declared || definition.kind === 'import' || definition.name.text === '') return [];
    const range = rangeOf(snapshot, declared.span);
    if (definition.kind === 'def' && definition.name.text === 'main')
      return [
        { range, title: 'Tune and deploy', command: 'relay.tuneAndDeploy' },
        { range, title: 'Show lowering', command: 'relay.showLowering' },
      ];
    const count = uses(snapshot, declared.symbol, range);
    return [{ range, title: count === 1 ? '1 use' : `${count} uses` }];
  });
}

function uses(snapshot: CheckedSnapshot, symbol: Symbol, name: TextRange): number {
  const places = snapshot.check.referencesTo(symbol).map((span) => rangeOf(snapshot, span).start);
  return new Set(places.filter((start) => start < name.start || start >= name.end)).size;
}
