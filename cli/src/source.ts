/** Loading and checking a `.relay` file, with the files that it imports, for the verbs that need one. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { check, type CheckOptions } from '../../compiler/src/check/check.ts';
import { computedRepairs } from '../../compiler/src/check/repairs/repairs.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import type { Diagnostic, Fix } from '../../compiler/src/base/diagnostic.ts';
import { ok, type Result } from '../../compiler/src/base/result.ts';
import { LineIndex } from '../../compiler/src/base/span.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import { decodeParams } from '../../compiler/src/tensor/params.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { readBytes, readInput, readText, shownPath, type CommandIO } from './io.ts';
import { renderDiagnostic, renderFix, type SourceView } from './render.ts';

export interface LoadedSource {
  readonly view: SourceView;
  readonly check: CheckResult;
  /** How it was checked, for checking what an edit would do. */
  readonly options: Pick<CheckOptions, 'strict' | 'prelude' | 'imports'>;
  /** The texts of the files that it imports, by their trees. */
  readonly imported: ReadonlyMap<SourceTree, string>;
  /** Syntactic and semantic diagnostics in order of place. */
  readonly diagnostics: readonly Diagnostic[];
  readonly hasErrors: boolean;
}

/**
 * Parses and checks `text`. Never fails: what is wrong stands in the diagnostics. `strict` accepts what TVM 0.12 accepts:
 * extensions are errors and the prelude has to be pasted in.
 */
export function loadText(
  name: string,
  text: string,
  token: CommandIO['token'],
  strict = false,
  file?: string,
): LoadedSource {
  const tree = parseSource(text);
  const imported = new Map<SourceTree, string>();
  const options = { strict, prelude: !strict, imports: importsOf(tree, file, imported) };
  const result = check(tree, { ...options, token });
  const view: SourceView = { name, text, lines: new LineIndex(text), anchors: tree.anchors };
  const place = (d: Diagnostic): number => (tree.anchors.get(d.span.anchor) ?? 0) + d.span.start;
  const diagnostics = [...tree.errors, ...result.diagnostics].sort((a, b) => place(a) - place(b));
  return {
    view,
    check: result,
    options,
    imported,
    diagnostics,
    hasErrors: diagnostics.some((d) => d.severity === 'error'),
  };
}

/**
 * Reads what a file imports. Each file is read once and known by its real path, so that circles are seen as such;
 * paths in an imported file are relative to it. Text without a file imports nothing.
 */
function importsOf(
  root: SourceTree,
  file: string | undefined,
  texts: Map<SourceTree, string>,
): NonNullable<CheckOptions['imports']> {
  const files = new Map<SourceTree, string>();
  const trees = new Map<string, SourceTree>();
  const remember = (real: string, tree: SourceTree): SourceTree => {
    files.set(tree, real);
    trees.set(real, tree);
    return tree;
  };
  // What standard input imports is relative to the working directory.
  const real = file === undefined ? undefined : file === '-' ? path.resolve('<stdin>') : realFile(file);
  if (real !== undefined) remember(real, root);
  return (written, from) => {
    // A tree that is not known is a later version of the file itself.
    const importer = files.get(from) ?? real;
    const target = importer === undefined ? undefined : realFile(path.resolve(path.dirname(importer), written));
    if (target === undefined) return undefined;
    const known = trees.get(target);
    if (known) return known;
    const text = readText(target);
    if (!text.ok) return undefined;
    const tree = remember(target, parseSource(text.value));
    texts.set(tree, text.value);
    return tree;
  };
}

function realFile(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/** Reads, parses and checks a file (`-` is standard input); fails only when it cannot be read. */
export function loadSource(file: string, token: CommandIO['token'], strict = false): Result<LoadedSource> {
  const text = readInput(file);
  return text.ok ? ok(loadText(shownPath(file), text.value, token, strict, file)) : text;
}

/** Diagnostics shown of a file, and how many of them are searched for computed repairs, which takes checks of their own. */
const limit = 100;
const repairedLimit = 20;

/** Repairs of a shape error that fit, simplest first. */
export function repairsOf(source: LoadedSource, diagnostic: Diagnostic): readonly Fix[] {
  return computedRepairs({ text: source.view.text, check: source.check }, diagnostic, source.options);
}

/** Prints the errors and warnings in order of place, each with the repairs that were found for it. */
export function printDiagnostics(source: LoadedSource, io: CommandIO, print: (text: string) => void): void {
  const shown = source.diagnostics.filter((d) => d.severity === 'error' || d.severity === 'warning');
  shown.slice(0, limit).forEach((diagnostic, i) => {
    const repairs = i < repairedLimit ? repairsOf(source, diagnostic).slice(0, 3) : [];
    const lines = [renderDiagnostic(source.view, diagnostic, io.colour)];
    for (const fix of repairs) lines.push(renderFix(source.view, fix, io.colour));
    print(lines.join('\n'));
  });
  if (shown.length > limit) print(`… and ${shown.length - limit} more`);
}

/** Reads a parameter file. */
export function loadParams(file: string): Result<ReadonlyMap<string, NDArray>> {
  const bytes = readBytes(file);
  return bytes.ok ? decodeParams(bytes.value) : bytes;
}
