/** What is wrong with a document: syntax and types together, in the order of the text. */
import type { Diagnostic } from '../../../compiler/src/base/diagnostic.ts';
import { rangeOf, type CheckedSnapshot, type Snapshot } from '../snapshot.ts';

/** More than these nobody reads; the editor stays quick. */
const most = 1000;

/** Diagnostics of an analysis of its own. */
export interface KnownDiagnostics {
  readonly diagnostics: readonly Diagnostic[];
}

/** All diagnostics of a checked document; with `ranges` those that value ranges prove, too. */
export function diagnostics(snapshot: CheckedSnapshot, ranges?: KnownDiagnostics): readonly Diagnostic[] {
  return ordered(snapshot, [...snapshot.tree.errors, ...snapshot.check.diagnostics, ...(ranges?.diagnostics ?? [])]);
}

/** What is known without types. */
export function syntaxDiagnostics(snapshot: Snapshot): readonly Diagnostic[] {
  return ordered(snapshot, snapshot.tree.errors);
}

function ordered(snapshot: Snapshot, all: readonly Diagnostic[]): readonly Diagnostic[] {
  const placed = all.map((diagnostic) => ({ diagnostic, start: rangeOf(snapshot, diagnostic.span).start }));
  placed.sort((a, b) => a.start - b.start);
  return placed.slice(0, most).map((entry) => entry.diagnostic);
}

/** The message as the editor shows it: what is wrong, then what to do. */
export function messageOf(diagnostic: Diagnostic): string {
  return diagnostic.remedy ? `${diagnostic.message}\n${diagnostic.remedy}` : diagnostic.message;
}
