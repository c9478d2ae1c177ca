/** Where the metadata section holds the object that `meta[key][index]` names. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { MetadataSection } from '../../../compiler/src/syntax/tree.ts';
import { rangeOf, type Snapshot } from '../snapshot.ts';

interface Entries {
  /** Ranges of the elements of `nodes` and of `b64ndarrays`, relative to the section's JSON. */
  readonly nodes: readonly TextRange[];
  readonly tensors: readonly TextRange[];
  /** Numbers of the nodes that a key's list holds. */
  readonly lists: ReadonlyMap<string, readonly number[]>;
}

const known = new WeakMap<MetadataSection, Entries | undefined>();

/** The entry's text: of a constant its data, of another object its node. Undefined where there is none. */
export function metadataEntry(snapshot: Snapshot, key: string, index: number): TextRange | undefined {
  const { metadata } = snapshot.tree;
  if (!metadata) return undefined;
  const entries = entriesOf(metadata);
  const number = entries?.lists.get(key)?.[index];
  const node = number === undefined ? undefined : entries?.nodes[number];
  if (!node) return undefined;
  const tensor = /"data":\s*"(\d+)"/.exec(metadata.json.slice(node.start, node.end))?.[1];
  const range = (key === 'relay.Constant' && tensor !== undefined && entries?.tensors[Number(tensor)]) || node;
  const section = rangeOf(snapshot, metadata.span);
  const base = section.end - metadata.json.length;
  return { start: base + range.start, end: base + range.end };
}

function entriesOf(section: MetadataSection): Entries | undefined {
  if (!known.has(section)) known.set(section, scan(section.json));
  return known.get(section);
}

function scan(json: string): Entries | undefined {
  let parsed: { readonly root?: unknown; readonly nodes?: unknown };
  try {
    parsed = JSON.parse(json) as typeof parsed;
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || !Array.isArray(parsed.nodes)) return undefined;
  const members = membersOf(json);
  const nodes = parsed.nodes as readonly { readonly keys?: unknown; readonly data?: unknown }[];
  const root = nodes[Number(parsed.root)];
  const lists = new Map<string, readonly number[]>();
  if (Array.isArray(root?.keys) && Array.isArray(root.data))
    root.keys.forEach((key: unknown, i) => {
      const list = nodes[Number((root.data as readonly unknown[])[i])]?.data;
      if (typeof key === 'string' && Array.isArray(list)) lists.set(key, list.map(Number));
    });
  return { nodes: members.get('nodes') ?? [], tensors: members.get('b64ndarrays') ?? [], lists };
}

/** Ranges of the elements of the arrays that are members of the outermost object. The text is valid JSON. */
function membersOf(json: string): ReadonlyMap<string, readonly TextRange[]> {
  const found = new Map<string, TextRange[]>();
  let depth = 0;
  let key = '';
  let list: TextRange[] | undefined;
  let start = -1;
  const close = (end: number): void => {
    if (list && start >= 0) list.push({ start, end: start + json.slice(start, end).trimEnd().length });
    start = -1;
  };
  for (let i = 0; i < json.length; i++) {
    const c = json[i];
    if (c === '"') {
      const from = i;
      for (i = json.indexOf('"', i + 1); json[i - 1] === '\\' && oddBackslashes(json, i);) i = json.indexOf('"', i + 1);
      if (depth === 1) key = json.slice(from + 1, i);
      else if (depth === 2 && list && start < 0) start = from;
    } else if (c === '[' || c === '{') {
      if (depth === 2 && list && start < 0) start = i;
      depth++;
      if (depth === 2 && c === '[') found.set(key, (list = []));
    } else if (c === ']' || c === '}') {
      if (depth === 2) {
        close(i);
        list = undefined;
      }
      depth--;
    } else if (c === ',' && depth === 2) close(i);
    else if (depth === 2 && list && start < 0 && c !== undefined && c.trim() !== '') start = i;
  }
  return found;
}

function oddBackslashes(json: string, quote: number): boolean {
  let count = 0;
  while (json[quote - 1 - count] === '\\') count++;
  return count % 2 === 1;
}
