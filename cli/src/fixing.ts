/** `relay check --fix`: fixes that leave the program better, applied one after the other. */
import type { Diagnostic, Fix } from '../../compiler/src/base/diagnostic.ts';
import { LineIndex, resolveSpan, type Position } from '../../compiler/src/base/span.ts';
import { computedRepairs } from '../../compiler/src/check/repairs/repairs.ts';
import { noWorse, tryEdits, type CheckedText, type RepairOptions } from '../../compiler/src/check/repairs/verify.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';

export interface Applied {
  readonly code: string;
  readonly title: string;
  /** Where the diagnostic began in the text of that moment. */
  readonly position: Position;
}

export interface Fixed {
  readonly text: string;
  readonly applied: readonly Applied[];
}

const mostFixes = 1000;

/**
 * Applies the fix of each diagnostic that has exactly one, or one marked as preferred. With `repair` also computed shape
 * repairs where a single one fits. Each is taken only when its diagnostic goes and no new error comes.
 */
export function fixAll(file: CheckedText, options: RepairOptions, repair: boolean): Fixed {
  const applied: Applied[] = [];
  const refused = new Set<string>();
  let current = file;
  while (applied.length < mostFixes) {
    const next = step(current, options, repair, refused);
    if (!next) break;
    applied.push(next.applied);
    current = next.file;
  }
  return { text: current.text, applied };
}

function step(
  file: CheckedText,
  options: RepairOptions,
  repair: boolean,
  refused: Set<string>,
): { readonly file: CheckedText; readonly applied: Applied } | undefined {
  for (const diagnostic of findings(file.check)) {
    const key = keyOf(diagnostic);
    const { start } = resolveSpan(file.check.tree.anchors, diagnostic.span);
    const place = `${key} ${file.text.length - start}`;
    if (refused.has(place)) continue;
    const fix = onlyFix(diagnostic.fixes) ?? (repair ? onlyFix(computedRepairs(file, diagnostic, options)) : undefined);
    const after = fix && tryEdits(file, fix.edits, options);
    if (fix && after && count(after.check, key) < count(file.check, key) && noWorse(file.check, after.check)) {
      const position = new LineIndex(file.text).position(start);
      return { file: after, applied: { code: diagnostic.code, title: fix.title, position } };
    }
    refused.add(place);
  }
  return undefined;
}

function onlyFix(fixes: readonly Fix[] | undefined): Fix | undefined {
  if (fixes?.length === 1) return fixes[0];
  const preferred = fixes?.filter((fix) => fix.preferred === true) ?? [];
  return preferred.length === 1 ? preferred[0] : undefined;
}

function findings(check: CheckResult): readonly Diagnostic[] {
  return [...check.tree.errors, ...check.diagnostics].filter(
    ({ severity }) => severity === 'error' || severity === 'warning',
  );
}

function keyOf({ code, message }: Diagnostic): string {
  return `${code} ${message}`;
}

function count(check: CheckResult, key: string): number {
  return findings(check).filter((diagnostic) => keyOf(diagnostic) === key).length;
}
