/** Edits tried out on the text: what they leave behind is parsed and checked like any other version of the file. */
import type { Diagnostic, TextEdit } from '../../base/diagnostic.ts';
import { resolveSpan } from '../../base/span.ts';
import { reparse, type TextChange } from '../../syntax/incremental.ts';
import type { SourceTree } from '../../syntax/tree.ts';
import { check, type CheckOptions } from '../check.ts';
import type { CheckResult } from '../result.ts';

/** A checked file with its text. */
export interface CheckedText {
  readonly text: string;
  readonly check: CheckResult;
  /** The files that it imports. */
  readonly imports?: CheckOptions['imports'];
}

/** How files are checked where the program comes from; incremental checks are set up here. */
export type RepairOptions = Pick<CheckOptions, 'imports' | 'strict' | 'operators' | 'prelude'>;

/** The text after edits that do not overlap, and the changes that lead there, last first. */
export function applyEdits(
  text: string,
  tree: SourceTree,
  edits: readonly TextEdit[],
): { readonly text: string; readonly changes: readonly TextChange[] } {
  const placed = edits.map(({ span, newText }, order) => ({ ...resolveSpan(tree.anchors, span), newText, order }));
  placed.sort((a, b) => b.start - a.start || b.order - a.order);
  let result = text;
  const changes: TextChange[] = [];
  for (const { start, end, newText } of placed) {
    result = result.slice(0, start) + newText + result.slice(end);
    changes.push({ start, end, newLength: newText.length });
  }
  return { text: result, changes };
}

/** The file as it would be after the edits. Only what they touch is parsed and checked again. */
export function tryEdits(file: CheckedText, edits: readonly TextEdit[], options: RepairOptions = {}): CheckedText {
  const { text, changes } = applyEdits(file.text, file.check.tree, edits);
  const tree = reparse(file.check.tree, file.text, text, changes);
  const imports = file.imports ? { imports: file.imports } : {};
  return { text, check: check(tree, { ...imports, ...options, previous: file.check }), ...imports };
}

/** Syntax errors and errors of the checker. */
export function errorsOf(check: CheckResult): readonly Diagnostic[] {
  return [...check.tree.errors, ...check.diagnostics].filter((diagnostic) => diagnostic.severity === 'error');
}

/** Errors by what they say; places move with edits, messages do not. */
function counted(errors: readonly Diagnostic[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { code, message } of errors) {
    const key = `${code} ${message}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** True when every error of `after` is one of `before` too. */
export function noWorse(before: CheckResult, after: CheckResult): boolean {
  const allowed = counted(errorsOf(before));
  for (const [key, count] of counted(errorsOf(after))) if (count > (allowed.get(key) ?? 0)) return false;
  return true;
}

/** True when the edits take `diagnostic` away and bring no other error. */
export function repairs(
  file: CheckedText,
  diagnostic: Diagnostic,
  edits: readonly TextEdit[],
  options: RepairOptions = {},
): boolean {
  const after = tryEdits(file, edits, options).check;
  const key = `${diagnostic.code} ${diagnostic.message}`;
  const before = counted(errorsOf(file.check)).get(key) ?? 0;
  const left = counted(errorsOf(after)).get(key) ?? 0;
  return left < before && noWorse(file.check, after);
}
