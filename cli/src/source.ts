/** Loading and checking a `.relay` file for the verbs that need one. */
import { check } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import type { Diagnostic } from '../../compiler/src/base/diagnostic.ts';
import { ok, type Result } from '../../compiler/src/base/result.ts';
import { LineIndex } from '../../compiler/src/base/span.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { decodeParams } from '../../compiler/src/tensor/params.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { readBytes, readText, type CommandIO } from './io.ts';
import { renderDiagnostic, type SourceView } from './render.ts';

export interface LoadedSource {
  readonly view: SourceView;
  readonly check: CheckResult;
  /** Syntactic and semantic diagnostics in order of place. */
  readonly diagnostics: readonly Diagnostic[];
  readonly hasErrors: boolean;
}

/**
 * Parses and checks `text`. Never fails: what is wrong stands in the diagnostics. `strict` accepts what TVM 0.12 accepts:
 * extensions are errors and the prelude has to be pasted in.
 */
export function loadText(name: string, text: string, token: CommandIO['token'], strict = false): LoadedSource {
  const tree = parseSource(text);
  const result = check(tree, { token, strict, prelude: !strict });
  const view: SourceView = { name, text, lines: new LineIndex(text), anchors: tree.anchors };
  const place = (d: Diagnostic): number => (tree.anchors.get(d.span.anchor) ?? 0) + d.span.start;
  const diagnostics = [...tree.errors, ...result.diagnostics].sort((a, b) => place(a) - place(b));
  return { view, check: result, diagnostics, hasErrors: diagnostics.some((d) => d.severity === 'error') };
}

/** Reads, parses and checks a file; fails only when it cannot be read. */
export function loadSource(path: string, token: CommandIO['token'], strict = false): Result<LoadedSource> {
  const text = readText(path);
  return text.ok ? ok(loadText(path, text.value, token, strict)) : text;
}

/** Prints the diagnostics of at least `severity`, most severe kinds first in the count line. */
export function printDiagnostics(source: LoadedSource, io: CommandIO, print: (text: string) => void): void {
  const limit = 100;
  const shown = source.diagnostics.filter((d) => d.severity === 'error' || d.severity === 'warning');
  for (const d of shown.slice(0, limit)) print(renderDiagnostic(source.view, d, io.colour));
  if (shown.length > limit) print(`… and ${shown.length - limit} more`);
}

/** Reads a parameter file. */
export function loadParams(path: string): Result<ReadonlyMap<string, NDArray>> {
  const bytes = readBytes(path);
  return bytes.ok ? decodeParams(bytes.value) : bytes;
}
