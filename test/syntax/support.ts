/** Shared by the tests of the syntax room. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Diagnostic } from '../../compiler/src/base/diagnostic.ts';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import type { AnchorMap, Span } from '../../compiler/src/base/span.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));

/** A file of the shared material; undefined where it is absent. */
function sharedFile(path: string): string | undefined {
  return existsSync(shared + path) ? shared + path : undefined;
}

/** Paths of the files with an ending in a shared folder; empty where it is absent. */
export function sharedFiles(folder: string, ending: string): string[] {
  if (!existsSync(shared + folder)) return [];
  return readdirSync(shared + folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => `${shared}${folder}/${name}`);
}

/** Programs of a conformance corpus. */
export function corpus(name: string): { id: string; text: string; ok: boolean; stage?: string; group?: string }[] {
  const path = sharedFile(`conformance/${name}.jsonl`);
  if (!path) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; text: string; ok: boolean });
}

/** A tree with all spans as absolute offsets, free of identities: equal for equal parses. */
export function plain(tree: SourceTree): unknown {
  return {
    version: resolved(tree.version, tree.anchors),
    definitions: resolved(tree.definitions, tree.anchors),
    expression: resolved(tree.expression, tree.anchors),
    metadata: resolved(tree.metadata, tree.anchors),
    errors: resolved(tree.errors, tree.anchors),
    anchors: [...tree.anchors.values()],
  };
}

function resolved(value: unknown, anchors: AnchorMap): unknown {
  if (Array.isArray(value)) return value.map((item) => resolved(item, anchors));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value;
  if ('anchor' in value) {
    const span = value as Span;
    if (!anchors.has(span.anchor)) throw new Error('a span has an anchor that is not in the tree');
    const { start, end } = resolveSpan(anchors, span);
    return `${start}-${end}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, anchors)]));
}

/** `code` at the text it covers, one line an error, in order of place. */
export function errorLines(tree: SourceTree, text: string): string[] {
  const at = (error: Diagnostic): number => resolveSpan(tree.anchors, error.span).start;
  return [...tree.errors]
    .sort((a, b) => at(a) - at(b))
    .map((error) => {
      const { start, end } = resolveSpan(tree.anchors, error.span);
      return `${error.code} «${text.slice(start, end)}»`;
    });
}
