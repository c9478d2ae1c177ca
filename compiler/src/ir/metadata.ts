/** The metadata section of a printed module, in TVM's JSON graph: constants as base64 arrays, and index maps. */
import { encodeBase64 } from '../base/base64.ts';
import type { IndexMap, IndexTerm } from '../operators/index-map.ts';
import { encodeBlob } from '../tensor/blob.ts';
import type { NDArray } from '../tensor/ndarray.ts';

type Node = Readonly<Record<string, unknown>>;

const operators: Readonly<Record<string, string>> = {
  '+': 'tir.Add',
  '-': 'tir.Sub',
  '*': 'tir.Mul',
  floordiv: 'tir.FloorDiv',
  floormod: 'tir.FloorMod',
  min: 'tir.Min',
  max: 'tir.Max',
};

/** The graph's nodes; an object refers to another by its position. */
class Graph {
  readonly nodes: Node[] = [];

  add(node: Node): number {
    return this.nodes.push(node) - 1;
  }

  /** An object with fields; `span` is none. */
  object(type_key: string, attrs: Readonly<Record<string, string | number>>): number {
    const fields = Object.entries({ ...attrs, span: 0 }).map(([key, value]) => [key, String(value)] as const);
    return this.add({ type_key, attrs: Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1))) });
  }

  array(data: readonly number[]): number {
    return this.add({ type_key: 'Array', data });
  }

  indexMap(map: IndexMap): number {
    const variables = Array.from({ length: map.rank }, (_, i) => {
      const name = this.add({ type_key: 'runtime.String', repr_str: `i${i}` });
      const type = this.add({ type_key: 'PrimType', attrs: { dtype: 'int32' } });
      return this.object('tir.Var', { dtype: 'int32', name, type_annotation: type });
    });
    const terms = map.terms.map((term) => this.term(term, variables));
    const attrs = {
      final_indices: String(this.array(terms)),
      initial_indices: String(this.array(variables)),
      inverse_index_map: '0',
    };
    return this.add({ type_key: 'tir.IndexMap', attrs });
  }

  private term(term: IndexTerm, variables: readonly number[]): number {
    if (term.kind === 'index') return variables[term.position] ?? 0;
    if (term.kind === 'number') return this.object('IntImm', { dtype: 'int32', value: term.value });
    const [a, b] = [this.term(term.left, variables), this.term(term.right, variables)];
    return this.object(operators[term.op] ?? 'tir.Add', { dtype: 'int32', a, b });
  }
}

/** The JSON payload that defines `meta[relay.Constant][i]` and `meta[tir.IndexMap][i]` for each of the arguments. */
export function metadataJson(constants: readonly NDArray[], maps: readonly IndexMap[] = []): string {
  const graph = new Graph();
  graph.add({ type_key: '' });
  const keys = [...(constants.length > 0 ? ['relay.Constant'] : []), ...(maps.length > 0 ? ['tir.IndexMap'] : [])];
  graph.add({ type_key: 'Map', keys, data: keys.map((_, i) => i + 2) });
  const lists = keys.map((): number[] => []);
  for (const data of lists) graph.array(data);
  const list = (key: string): number[] => lists[keys.indexOf(key)] ?? [];
  constants.forEach((_, data) =>
    list('relay.Constant').push(graph.object('relay.Constant', { _checked_type_: 0, data, virtual_device_: 0 })),
  );
  for (const map of maps) list('tir.IndexMap').push(graph.indexMap(map));
  const b64ndarrays = constants.map((c) => encodeBase64(encodeBlob(c)));
  return JSON.stringify({ root: 1, nodes: graph.nodes, b64ndarrays, attrs: { tvm_version: '0.12.0' } }, undefined, 2);
}
