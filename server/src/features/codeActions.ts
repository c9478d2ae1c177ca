/** Quick fixes: the checked repairs that diagnostics carry. */
import type { Diagnostic, Fix } from '../../../compiler/src/base/diagnostic.ts';
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';
import { diagnostics } from './diagnostics.ts';

export interface QuickFix {
  readonly diagnostic: Diagnostic;
  readonly fix: Fix;
}

/** The fixes of every diagnostic that touches `range`. */
export function codeActions(snapshot: CheckedSnapshot, range: TextRange): readonly QuickFix[] {
  return diagnostics(snapshot)
    .filter((diagnostic) => {
      const at = rangeOf(snapshot, diagnostic.span);
      return at.start <= range.end && range.start <= at.end;
    })
    .flatMap((diagnostic) => (diagnostic.fixes ?? []).map((fix) => ({ diagnostic, fix })));
}
