/** Where a name that this file does not declare is declared: in an imported file, or in the prelude. */
import type { Symbol } from '../../../compiler/src/check/result.ts';
import type { Definition, Name } from '../../../compiler/src/syntax/tree.ts';
import { importsOf } from '../files.ts';
import { preludeUri } from '../protocol.ts';
import { rangeOf, type Snapshot } from '../snapshot.ts';
import type { TextRange } from '../../../compiler/src/base/span.ts';

/** What other files may know by its name: a function, a type, a constructor. */
export interface SharedName {
  readonly kind: 'global' | 'adt' | 'constructor';
  readonly name: string;
}

/** A declaration in some file. */
export interface Declared {
  readonly file: Snapshot;
  readonly full: TextRange;
  readonly name: TextRange;
}

/** A file by its URI, open or not. */
export type FileByUri = (uri: string) => Snapshot | undefined;

/** The name that other files know the symbol by. */
export function sharedNameOf(symbol: Symbol | undefined): SharedName | undefined {
  return symbol?.kind === 'global' || symbol?.kind === 'adt' || symbol?.kind === 'constructor'
    ? { kind: symbol.kind, name: symbol.name }
    : undefined;
}

/** Where the file itself declares the name; of several declarations of a function, the one that counts. */
export function declaredHere(file: Snapshot, shared: SharedName): Declared | undefined {
  for (const definition of file.tree.definitions.toReversed()) {
    const found = namedIn(definition, shared);
    if (found) return { file, full: rangeOf(file, found.full), name: rangeOf(file, found.name.span) };
  }
  return undefined;
}

function namedIn(
  definition: Definition,
  { kind, name }: SharedName,
): { readonly full: Definition['span']; readonly name: Name } | undefined {
  if (definition.kind === 'import' || (definition.kind === 'def') !== (kind === 'global')) return undefined;
  if (definition.kind === 'def' || kind === 'adt')
    return definition.name.text === name ? { full: definition.span, name: definition.name } : undefined;
  const constructor = definition.constructors?.find((c) => c.name.text === name);
  return constructor && { full: constructor.span, name: constructor.name };
}

/** Where the name is declared as the file sees it: by itself, by what it imports (the last import wins), by the prelude. */
export function declarationOf(file: Snapshot, shared: SharedName, byUri: FileByUri): Declared | undefined {
  const found = declaredHere(file, shared) ?? declaredByImports(file, shared, byUri, new Set([file.tree]));
  if (found) return found;
  const prelude = byUri(preludeUri);
  return prelude && declaredHere(prelude, shared);
}

function declaredByImports(
  file: Snapshot,
  shared: SharedName,
  byUri: FileByUri,
  seen: Set<Snapshot['tree']>,
): Declared | undefined {
  for (const uri of importsOf(file).toReversed()) {
    const imported = byUri(uri);
    if (!imported || seen.has(imported.tree)) continue;
    seen.add(imported.tree);
    const found = declaredHere(imported, shared) ?? declaredByImports(imported, shared, byUri, seen);
    if (found) return found;
  }
  return undefined;
}
