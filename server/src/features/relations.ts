/** Where types lead: to the data type of a value, to the constructors of a type, to the function behind a name. */
import type { Node, TypeDefinition } from '../../../compiler/src/syntax/tree.ts';
import type { Type } from '../../../compiler/src/types/type.ts';
import { occurrenceAt, pathAt } from '../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';
import { declarationOf, type Declared, type FileByUri } from './declared.ts';
import { definition, type Target } from './navigation.ts';

/** The definitions of the data types in the type of what stands at `offset`, wherever they are. */
export function typeDefinition(
  snapshot: CheckedSnapshot,
  offset: number,
  byUri: FileByUri = () => undefined,
): readonly Target[] {
  const node = pathAt(snapshot, offset).findLast((n) => typeAt(snapshot, n) !== undefined);
  const type = node && typeAt(snapshot, node);
  if (!node || !type) return [];
  const origin = rangeOf(snapshot, node.span);
  return [...headsOf(type)].flatMap((name) => {
    const declared = declarationOf(snapshot, { kind: 'adt', name }, byUri);
    return declared ? [{ origin, ...declared }] : [];
  });
}

function typeAt(snapshot: CheckedSnapshot, node: Node): Type | undefined {
  switch (node.kind) {
    case 'def':
    case 'type':
    case 'import':
    case 'constructor':
    case 'attribute':
    case 'block':
    case 'intdim':
    case 'anydim':
    case 'nameddim':
    case 'exprdim':
    case 'sequence':
      return undefined;
    default:
      return snapshot.check.typeOf(node);
  }
}

/** Names of the data types that a type mentions; of a function, those of its result. */
function headsOf(type: Type): ReadonlySet<string> {
  const names = new Set<string>();
  const pending: Type[] = [type];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.kind === 'adt') {
      if (typeof next.head === 'string') names.add(next.head);
      pending.push(...next.args);
    } else if (next.kind === 'tuple') pending.push(...next.fields);
    else if (next.kind === 'ref') pending.push(next.content);
    else if (next.kind === 'func') pending.push(next.ret);
  }
  return names;
}

/** The constructors of a type, the body of a function, the function literal that a local is bound to. */
export function implementation(
  snapshot: CheckedSnapshot,
  offset: number,
  byUri: FileByUri = () => undefined,
): readonly Target[] {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return [];
  const origin = rangeOf(snapshot, found.span);
  const { symbol } = found;
  if (symbol.kind === 'operator') return [];
  if (symbol.kind === 'adt') {
    const declared = declarationOf(snapshot, { kind: 'adt', name: symbol.name }, byUri);
    const definition = declared?.file.tree.definitions.findLast(
      (d): d is TypeDefinition => d.kind === 'type' && d.name.text === symbol.name,
    );
    return (definition?.constructors ?? []).flatMap((constructor) => {
      const { file } = declared as Declared;
      const name = rangeOf(file, constructor.name.span);
      return [{ origin, file, full: rangeOf(file, constructor.span), name }];
    });
  }
  if ((symbol.kind === 'local' && symbol.definition.kind === 'let') || symbol.kind === 'graph') {
    const value = 'value' in symbol.definition ? symbol.definition.value : undefined;
    if (value?.kind === 'fn') {
      const full = rangeOf(snapshot, value.span);
      return [{ origin, full, name: { start: full.start, end: full.start + 2 } }];
    }
  }
  const target = definition(snapshot, offset, byUri);
  return target ? [target] : [];
}
