/** Shared by the tests of the checker: one function a feature. */
import { check, type CheckOptions } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import type { Diagnostic } from '../../compiler/src/base/diagnostic.ts';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import { printType } from '../../compiler/src/types/print.ts';

export const header = '#[version = "0.0.5"]\n';

export interface Checked {
  readonly text: string;
  readonly result: CheckResult;
  /** Syntax errors and findings of the checker. */
  readonly diagnostics: readonly Diagnostic[];
}

export function checkText(body: string, options: CheckOptions = {}): Checked {
  const text = header + body;
  const tree = parseSource(text);
  const result = check(tree, options);
  return { text, result, diagnostics: [...tree.errors, ...result.diagnostics] };
}

/** Reads `import`s from texts by path; an import in a file of a folder is relative to that folder. */
export function importsFrom(files: Readonly<Record<string, string>>): NonNullable<CheckOptions['imports']> {
  const trees = new Map<string, SourceTree>();
  const names = new Map<SourceTree, string>();
  return (path, from) => {
    const name = new URL(path, `file:///${names.get(from) ?? 'main.relay'}`).pathname.slice(1);
    const text = files[name];
    if (text === undefined) return undefined;
    const tree = trees.get(name) ?? parseSource(header + text);
    trees.set(name, tree);
    names.set(tree, name);
    return tree;
  };
}

export function codes(body: string, options: CheckOptions = {}): string[] {
  return [...new Set(checkText(body, options).diagnostics.map((diagnostic) => diagnostic.code))].sort();
}

export function errors(body: string): string[] {
  return checkText(body)
    .diagnostics.filter((diagnostic) => diagnostic.severity === 'error')
    .map((diagnostic) => diagnostic.code);
}

/** The text under a diagnostic. */
export function under(checked: Checked, diagnostic: Diagnostic): string {
  const range = resolveSpan(checked.result.tree.anchors, diagnostic.span);
  return checked.text.slice(range.start, range.end);
}

/** The text after applying a diagnostic's first fix. */
export function fixed(checked: Checked, diagnostic: Diagnostic): string {
  let text = checked.text;
  const edits = [...(diagnostic.fixes?.[0]?.edits ?? [])].map((edit) => ({
    ...resolveSpan(checked.result.tree.anchors, edit.span),
    newText: edit.newText,
  }));
  for (const edit of edits.sort((a, b) => b.start - a.start))
    text = text.slice(0, edit.start) + edit.newText + text.slice(edit.end);
  return text.slice(header.length);
}

/** The type of a global function. */
export function typeOfGlobal(body: string, name = 'main'): string {
  const type = checkText(body).result.globals.get(name);
  return type ? printType(type) : 'none';
}
