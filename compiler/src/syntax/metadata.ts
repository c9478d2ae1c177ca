/**
 * The `#[metadata]` section: a graph of objects in JSON. Nothing is parsed before it is asked for, and constants are
 * decoded one at a time, so that large sections cost nothing while typing.
 */
import { decodeBase64 } from '../base/base64.ts';
import { fail, ok } from '../base/result.ts';
import type { Failure, Result } from '../base/result.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { decodeBlob, headerBytes, readBlobHeader } from '../tensor/blob.ts';
import type { DType } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { MetadataSection } from './tree.ts';

/**
 * One object of the section. Attribute values are text in the file, whether they are numbers or references to other
 * objects; which one is meant depends on the object's type, so the reader chooses: `text`, `integer`, `node`.
 */
export interface MetadataNode {
  /** For example `relay.Constant`, `IntImm`, `Array`, `relay.attrs.Conv2DAttrs`. */
  readonly typeKey: string;
  readonly attributeNames: readonly string[];
  /** The raw text of an attribute. */
  text(attribute: string): string | undefined;
  /** An attribute that is a whole number. */
  integer(attribute: string): bigint | undefined;
  /** An attribute that is a number; `inf`, `-inf` and `nan` included. */
  number(attribute: string): number | undefined;
  /** An attribute that refers to an object; undefined for none and for the null object. */
  node(attribute: string): MetadataNode | undefined;
  /** Elements of an `Array`. */
  readonly items: readonly (MetadataNode | undefined)[];
  /** Entries of a `Map` with string keys. */
  readonly entries: ReadonlyMap<string, MetadataNode | undefined>;
  /** The text of a `runtime.String`, the name of an `Op`, `EnvFunc` or `SourceName`. */
  readonly repr: string | undefined;
}

/** A node as plain data: what strings, numbers, arrays and maps of the section mean. */
export type PlainValue =
  | null
  | string
  | number
  | bigint
  | boolean
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue }
  | MetadataNode;

export interface MetadataTable {
  /** Why the section cannot be used; undefined when it can, or when there is none. */
  readonly problem: Failure | undefined;
  /** Type keys that `meta[key][…]` can name, with their counts. */
  readonly counts: ReadonlyMap<string, number>;
  /** The object that `meta[key][index]` names. */
  lookup(key: string, index: number): Result<MetadataNode>;
  /** Element type and shape of `meta[relay.Constant][index]`, without decoding its data. */
  constantType(index: number): Result<{ readonly dtype: DType; readonly shape: readonly number[] }>;
  /** The value of `meta[relay.Constant][index]`; decoded once. */
  constant(index: number): Result<NDArray>;
}

const tables = new WeakMap<MetadataSection, MetadataTable>();

/** The objects of a section (none for undefined). Cheap: work happens when something is looked up. */
export function decodeMetadata(section: MetadataSection | undefined): MetadataTable {
  if (section === undefined) return new Table(undefined);
  const known = tables.get(section);
  if (known) return known;
  const table = new Table(section.json);
  tables.set(section, table);
  return table;
}

interface JsonNode {
  readonly type_key?: unknown;
  readonly repr_str?: unknown;
  readonly repr_b64?: unknown;
  readonly attrs?: Readonly<Record<string, unknown>>;
  readonly keys?: readonly unknown[];
  readonly data?: readonly unknown[];
}

/** A section after JSON parsing. */
class Graph {
  readonly root: number;
  readonly tensors: readonly unknown[];
  private readonly nodes: readonly unknown[];
  private readonly wrapped: (Node | undefined)[] = [];

  constructor(root: number, nodes: readonly unknown[], tensors: readonly unknown[]) {
    this.root = root;
    this.nodes = nodes;
    this.tensors = tensors;
  }

  /** The object with an index; undefined for the null object and for indices out of range. */
  at(index: number): Node | undefined {
    const known = this.wrapped[index];
    if (known) return known;
    const raw = this.nodes[index];
    if (typeof raw !== 'object' || raw === null) return undefined;
    const json = raw as JsonNode;
    if (typeof json.type_key !== 'string' || json.type_key === '') return undefined;
    return (this.wrapped[index] = new Node(this, json));
  }
}

class Node implements MetadataNode {
  private readonly graph: Graph;
  private readonly json: JsonNode;

  constructor(graph: Graph, json: JsonNode) {
    this.graph = graph;
    this.json = json;
  }

  get typeKey(): string {
    return String(this.json.type_key);
  }
  get attributeNames(): readonly string[] {
    return Object.keys(this.json.attrs ?? {});
  }
  text(attribute: string): string | undefined {
    const value = this.json.attrs?.[attribute];
    return typeof value === 'string' ? value : undefined;
  }
  integer(attribute: string): bigint | undefined {
    const text = this.text(attribute);
    return text !== undefined && /^-?[0-9]+$/.test(text) ? BigInt(text) : undefined;
  }
  number(attribute: string): number | undefined {
    const text = this.text(attribute);
    if (text === undefined || text === '') return undefined;
    const special = /^(-?)(inf|nan)$/.exec(text);
    if (special) return special[2] === 'nan' ? NaN : special[1] ? -Infinity : Infinity;
    const value = Number(text);
    return Number.isNaN(value) ? undefined : value;
  }
  node(attribute: string): MetadataNode | undefined {
    const index = this.integer(attribute);
    return index === undefined ? undefined : this.graph.at(Number(index));
  }
  get items(): readonly (MetadataNode | undefined)[] {
    if (this.typeKey !== 'Array') return [];
    return (this.json.data ?? []).map((i) => this.graph.at(Number(i)));
  }
  get entries(): ReadonlyMap<string, MetadataNode | undefined> {
    const { keys, data } = this.json;
    const entries = new Map<string, MetadataNode | undefined>();
    keys?.forEach((key, i) => entries.set(String(key), this.graph.at(Number(data?.[i]))));
    return entries;
  }
  get repr(): string | undefined {
    const { repr_str: text, repr_b64: encoded } = this.json;
    if (typeof text === 'string') return text;
    if (typeof encoded !== 'string') return this.typeKey === 'runtime.String' ? '' : undefined;
    const bytes = decodeBase64(encoded);
    return bytes === undefined ? undefined : decodeUtf8(bytes.subarray(8));
  }
}

class Table implements MetadataTable {
  private readonly json: string | undefined;
  private parsed: Result<Graph> | undefined;
  private readonly constants = new Map<number, Result<NDArray>>();

  constructor(json: string | undefined) {
    this.json = json;
  }

  private get graph(): Result<Graph> {
    return (this.parsed ??= this.json === undefined ? noSection : parseGraph(this.json));
  }

  get problem(): Failure | undefined {
    if (this.json === undefined) return undefined;
    const graph = this.graph;
    return graph.ok ? undefined : graph.error;
  }

  get counts(): ReadonlyMap<string, number> {
    const graph = this.graph;
    const counts = new Map<string, number>();
    if (graph.ok)
      for (const [key, list] of graph.value.at(graph.value.root)?.entries ?? [])
        counts.set(key, list?.items.length ?? 0);
    return counts;
  }

  lookup(key: string, index: number): Result<MetadataNode> {
    const graph = this.graph;
    if (!graph.ok) return graph;
    const list = graph.value.at(graph.value.root)?.entries.get(key);
    if (list === undefined)
      return fail(
        'metadata-missing-key',
        `The metadata section holds nothing of kind “${key}”.`,
        'Print the program again together with its metadata.',
      );
    const node = list.items[index];
    if (node === undefined)
      return fail(
        'metadata-missing-index',
        `The metadata section holds ${list.items.length} of kind “${key}”; number ${index} is not among them.`,
        'Indices start at 0.',
      );
    return ok(node);
  }

  private blob(index: number): Result<string> {
    const node = this.lookup('relay.Constant', index);
    if (!node.ok) return node;
    const graph = this.graph;
    const tensor = node.value.integer('data');
    const text = graph.ok && tensor !== undefined ? graph.value.tensors[Number(tensor)] : undefined;
    if (typeof text !== 'string')
      return fail('metadata-damaged', `Constant ${index} of the metadata section has no data.`);
    return ok(text);
  }

  constantType(index: number): Result<{ readonly dtype: DType; readonly shape: readonly number[] }> {
    const text = this.blob(index);
    if (!text.ok) return text;
    const bytes = decodeBase64(text.value, headerBytes);
    return bytes ? readBlobHeader(bytes) : notBase64(index);
  }

  constant(index: number): Result<NDArray> {
    const known = this.constants.get(index);
    if (known) return known;
    const value = this.decode(index);
    this.constants.set(index, value);
    return value;
  }

  private decode(index: number): Result<NDArray> {
    const text = this.blob(index);
    if (!text.ok) return text;
    const bytes = decodeBase64(text.value);
    if (!bytes) return notBase64(index);
    const tensor = decodeBlob(bytes);
    return tensor.ok ? ok(tensor.value.array) : tensor;
  }
}

const noSection = fail(
  'metadata-missing',
  'The text refers to metadata but has no #[metadata] section.',
  'Print the program again with its metadata.',
);

function notBase64(index: number): { readonly ok: false; readonly error: Failure } {
  return fail('metadata-damaged', `The data of constant ${index} in the metadata section is not base64.`);
}

function parseGraph(text: string): Result<Graph> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // TVM ignores what follows the value, so cut there before giving up.
    try {
      value = JSON.parse(text.slice(0, endOfJson(text)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return fail('metadata-damaged', `The metadata section is not JSON: ${reason}.`, 'Print the program again.');
    }
  }
  const graph = value as { root?: unknown; nodes?: unknown; b64ndarrays?: unknown } | null;
  if (typeof graph !== 'object' || graph === null || typeof graph.root !== 'number' || !Array.isArray(graph.nodes))
    return fail('metadata-damaged', 'The metadata section lacks “root” or “nodes”.', 'Print the program again.');
  return ok(new Graph(graph.root, graph.nodes, Array.isArray(graph.b64ndarrays) ? graph.b64ndarrays : []));
}

/** Offset behind the first JSON object of `text`. */
function endOfJson(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
    } else if (c === '{' || c === '[') depth++;
    else if ((c === '}' || c === ']') && --depth === 0) return i + 1;
  }
  return text.length;
}

/** What a node means as plain data; nodes of other types stay what they are. Broken cycles give null. */
export function plainValue(node: MetadataNode | undefined, enclosing: readonly MetadataNode[] = []): PlainValue {
  if (node === undefined || enclosing.includes(node)) return null;
  const inner = [...enclosing, node];
  switch (node.typeKey) {
    case 'runtime.String':
      return node.repr ?? '';
    case 'IntImm': {
      const value = node.integer('value') ?? 0n;
      return node.text('dtype') === 'bool' ? value !== 0n : value;
    }
    case 'FloatImm':
      return node.number('value') ?? NaN;
    case 'Array':
      return node.items.map((item) => plainValue(item, inner));
    case 'Map':
      return Object.fromEntries([...node.entries].map(([key, value]) => [key, plainValue(value, inner)]));
    default:
      return node;
  }
}
