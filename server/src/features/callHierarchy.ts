/** Which functions call which, in one file. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { FunctionDefinition } from '../../../compiler/src/syntax/tree.ts';
import { walk } from '../../../compiler/src/syntax/walk.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import { occurrenceAt, pathAt } from '../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

export interface CallItem {
  /** Without the sigil. */
  readonly name: string;
  readonly detail: string;
  readonly range: TextRange;
  readonly nameRange: TextRange;
}

/** One end of calls, and the places of the calls: in the caller, whichever end that is. */
export interface Calls {
  readonly item: CallItem;
  readonly places: readonly TextRange[];
}

/** The function named at `offset`, or the one around it. */
export function prepareCalls(snapshot: CheckedSnapshot, offset: number): CallItem | undefined {
  const symbol = occurrenceAt(snapshot, offset)?.symbol;
  const named = symbol?.kind === 'global' ? symbol.definition : undefined;
  const [outer] = pathAt(snapshot, offset);
  const definition = named ?? (outer?.kind === 'def' ? outer : undefined);
  return definition && itemOf(snapshot, definition);
}

/** The functions that use `name`. */
export function incomingCalls(snapshot: CheckedSnapshot, name: string): readonly Calls[] {
  return definitions(snapshot).flatMap((definition) => {
    const places = usesIn(snapshot, definition).get(name) ?? [];
    return places.length > 0 ? [{ item: itemOf(snapshot, definition), places }] : [];
  });
}

/** The functions of this file that `name` uses. */
export function outgoingCalls(snapshot: CheckedSnapshot, name: string): readonly Calls[] {
  const all = definitions(snapshot);
  const caller = all.find((definition) => definition.name.text === name);
  if (!caller) return [];
  return [...usesIn(snapshot, caller)].flatMap(([callee, places]) => {
    const definition = all.find((d) => d.name.text === callee);
    return definition ? [{ item: itemOf(snapshot, definition), places }] : [];
  });
}

/** The definitions that count: a later one of the same name replaces an earlier one. */
function definitions(snapshot: CheckedSnapshot): readonly FunctionDefinition[] {
  const byName = new Map<string, FunctionDefinition>();
  for (const definition of snapshot.tree.definitions)
    if (definition.kind === 'def') byName.set(definition.name.text, definition);
  return [...byName.values()];
}

function usesIn(snapshot: CheckedSnapshot, definition: FunctionDefinition): ReadonlyMap<string, readonly TextRange[]> {
  const found = new Map<string, TextRange[]>();
  walk(definition, (node) => {
    if (node.kind !== 'global') return;
    const places = found.get(node.name) ?? [];
    places.push(rangeOf(snapshot, node.span));
    found.set(node.name, places);
  });
  return found;
}

function itemOf(snapshot: CheckedSnapshot, definition: FunctionDefinition): CallItem {
  const type = snapshot.check.globals.get(definition.name.text);
  return {
    name: definition.name.text,
    detail: type ? printType(type) : '',
    range: rangeOf(snapshot, definition.span),
    nameRange: rangeOf(snapshot, definition.name.span),
  };
}
