/** Which functions call which, across files. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { FunctionDefinition } from '../../../compiler/src/syntax/tree.ts';
import { walk } from '../../../compiler/src/syntax/walk.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import { occurrenceAt, pathAt } from '../locate.ts';
import { rangeOf, textOf, type CheckedSnapshot, type Snapshot } from '../snapshot.ts';
import { declarationOf, type FileByUri } from './declared.ts';

export interface CallItem {
  readonly file: Snapshot;
  /** Without the sigil. */
  readonly name: string;
  readonly detail: string;
  readonly range: TextRange;
  readonly nameRange: TextRange;
}

/** The uses of one function in another; the places are in the caller's file. */
export interface Calls {
  readonly caller: CallItem;
  readonly callee: CallItem;
  readonly places: readonly TextRange[];
}

/** The function named at `offset`, wherever it is declared, or else the one around the offset. */
export function functionAt(snapshot: CheckedSnapshot, offset: number, byUri: FileByUri): CallItem | undefined {
  const symbol = occurrenceAt(snapshot, offset)?.symbol;
  if (symbol?.kind === 'global') return calleeNamed(snapshot, symbol.name, byUri);
  const [outer] = pathAt(snapshot, offset);
  return outer?.kind === 'def' ? itemOf(snapshot, outer, snapshot) : undefined;
}

/** The function of that name in this file; of several the one that counts. */
export function itemNamed(file: CheckedSnapshot, name: string): CallItem | undefined {
  const definition = definitions(file).find((d) => d.name.text === name);
  return definition && itemOf(file, definition, file);
}

/** Every pair of functions of which the first, in this file, uses the second. */
export function callsIn(file: CheckedSnapshot, byUri: FileByUri): readonly Calls[] {
  return definitions(file).flatMap((definition) => {
    const caller = itemOf(file, definition, file);
    return [...usesIn(file, definition)].flatMap(([name, places]) => {
      const callee = calleeNamed(file, name, byUri);
      return callee ? [{ caller, callee, places }] : [];
    });
  });
}

function calleeNamed(file: CheckedSnapshot, name: string, byUri: FileByUri): CallItem | undefined {
  const own = itemNamed(file, name);
  if (own) return own;
  const declared = declarationOf(file, { kind: 'global', name }, byUri);
  const definition = declared?.file.tree.definitions.findLast(
    (d): d is FunctionDefinition => d.kind === 'def' && d.name.text === name,
  );
  return declared && definition ? itemOf(declared.file, definition, undefined) : undefined;
}

/** The definitions that count: a later one of the same name replaces an earlier one. */
function definitions(snapshot: Snapshot): readonly FunctionDefinition[] {
  const byName = new Map<string, FunctionDefinition>();
  for (const definition of snapshot.tree.definitions)
    if (definition.kind === 'def') byName.set(definition.name.text, definition);
  return [...byName.values()];
}

function usesIn(snapshot: Snapshot, definition: FunctionDefinition): ReadonlyMap<string, readonly TextRange[]> {
  const found = new Map<string, TextRange[]>();
  walk(definition, (node) => {
    if (node.kind !== 'global') return;
    const places = found.get(node.name) ?? [];
    places.push(rangeOf(snapshot, node.span));
    found.set(node.name, places);
  });
  return found;
}

/** The type where it is known, else the signature as written. */
function itemOf(file: Snapshot, definition: FunctionDefinition, types: CheckedSnapshot | undefined): CallItem {
  const type = types?.check.globals.get(definition.name.text);
  return {
    file,
    name: definition.name.text,
    detail: type ? printType(type) : signatureText(file, definition),
    range: rangeOf(file, definition.span),
    nameRange: rangeOf(file, definition.name.span),
  };
}

function signatureText(file: Snapshot, { fn }: FunctionDefinition): string {
  const params = fn.params.map((param) => (param.type ? textOf(file, param.type.span) : '_'));
  return `fn (${params.join(', ')})${fn.ret ? ` -> ${textOf(file, fn.ret.span)}` : ''}`;
}
