/** Code actions: what the records of `actions/` offer at a selection. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { CheckedSnapshot } from '../snapshot.ts';
import type { KnownDiagnostics } from './diagnostics.ts';
import { contextAt, type ActionKind, type Offer } from './actions/action.ts';
import { codeActionRecords } from './actions/index.ts';

export interface OfferedAction extends Offer {
  readonly kind: ActionKind;
}

/**
 * Every action at the selection, in the order of the records; `only` are the kinds (or beginnings of kinds)
 * wanted, `ranges` what value ranges prove.
 */
export function codeActions(
  snapshot: CheckedSnapshot,
  range: TextRange,
  only?: readonly string[],
  ranges?: KnownDiagnostics,
): readonly OfferedAction[] {
  const context = contextAt(snapshot, range, ranges);
  return codeActionRecords
    .filter(({ kind }) => !only || only.some((wanted) => kind === wanted || kind.startsWith(`${wanted}.`)))
    .flatMap(({ kind, offers }) => offers(context).map((offer) => ({ kind, ...offer })));
}
