/** The functions, types and constructors that a file sees: its own, those of its imports, those of the prelude. */
import type { ConstructorNode, FunctionDefinition, TypeDefinition } from '../../../compiler/src/syntax/tree.ts';
import { importsOf } from '../files.ts';
import { preludeUri } from '../protocol.ts';
import { textOf, type Snapshot } from '../snapshot.ts';
import type { FileByUri } from './declared.ts';

/** Where a declaration comes from; nearer ones hide those farther away. */
export type Nearness = 'here' | 'imported' | 'prelude';

export interface Seen<D> {
  readonly name: string;
  readonly definition: D;
  readonly file: Snapshot;
  readonly from: Nearness;
}

export interface Visible {
  readonly functions: readonly Seen<FunctionDefinition>[];
  readonly types: readonly Seen<TypeDefinition>[];
  readonly constructors: readonly (Seen<ConstructorNode> & { readonly type: TypeDefinition })[];
}

/** Everything visible at the top level of a file, each name once. */
export function visibleFrom(file: Snapshot, byUri: FileByUri): Visible {
  const functions = new Map<string, Seen<FunctionDefinition>>();
  const types = new Map<string, Seen<TypeDefinition>>();
  const constructors = new Map<string, Visible['constructors'][number]>();
  const add = (source: Snapshot, from: Nearness): void => {
    for (const definition of source.tree.definitions.toReversed()) {
      if (definition.kind === 'import' || definition.name.text === '') continue;
      const name = definition.name.text;
      if (definition.kind === 'def') {
        if (!functions.has(name)) functions.set(name, { name, definition, file: source, from });
        continue;
      }
      if (types.has(name)) continue;
      types.set(name, { name, definition, file: source, from });
      for (const constructor of definition.constructors ?? []) {
        const seen = { name: constructor.name.text, definition: constructor, file: source, from, type: definition };
        if (seen.name !== '' && !constructors.has(seen.name)) constructors.set(seen.name, seen);
      }
    }
  };
  add(file, 'here');
  for (const imported of importedBy(file, byUri)) add(imported, 'imported');
  const prelude = byUri(preludeUri);
  if (prelude) add(prelude, 'prelude');
  return { functions: [...functions.values()], types: [...types.values()], constructors: [...constructors.values()] };
}

function importedBy(file: Snapshot, byUri: FileByUri): readonly Snapshot[] {
  const found: Snapshot[] = [];
  const seen = new Set([file.tree]);
  const pending = [file];
  for (let next = pending.shift(); next; next = pending.shift())
    for (const uri of importsOf(next).toReversed()) {
      const imported = byUri(uri);
      if (!imported || seen.has(imported.tree)) continue;
      seen.add(imported.tree);
      found.push(imported);
      pending.push(imported);
    }
  return found;
}

/** A function's signature as it is written: `[A](%f: fn (A) -> A, %x: A) -> A`. */
export function signatureText(file: Snapshot, { fn }: FunctionDefinition): string {
  const typeParams = fn.typeParams.length > 0 ? `[${fn.typeParams.map(({ text }) => text).join(', ')}]` : '';
  const params = fn.params.map(({ name, type }) => `%${name.text}${type ? `: ${textOf(file, type.span)}` : ''}`);
  return `${typeParams}(${params.join(', ')})${fn.ret ? ` -> ${textOf(file, fn.ret.span)}` : ''}`;
}

/** The whole-line comments right above an offset, without their slashes: what the author says of what follows. */
export function commentAbove({ text }: Snapshot, offset: number): string {
  const found: string[] = [];
  let end = text.lastIndexOf('\n', offset - 1);
  while (end > 0) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const comment = /^\s*\/\/\/?\s?(.*?)\r?$/.exec(text.slice(start, end))?.[1];
    if (comment === undefined) break;
    found.unshift(comment);
    end = start - 1;
  }
  return found.join('\n').trim();
}
