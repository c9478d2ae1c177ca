/** Index maps: where a scheduler moves each element, stored as an object of the metadata section. */
import { minus, plus, times, type Interval } from './ranges/interval.ts';
import { arithmetic } from './relations/dims.ts';

/** What is read of a stored object; the metadata reader's nodes have this form. */
export interface StoredObject {
  readonly typeKey: string;
  readonly items: readonly (StoredObject | undefined)[];
  text(attribute: string): string | undefined;
  integer(attribute: string): bigint | undefined;
  node(attribute: string): StoredObject | undefined;
}

/** An index expression over the source's indices. */
export type IndexTerm =
  | { readonly kind: 'index'; readonly position: number }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'binary'; readonly op: IndexOp; readonly left: IndexTerm; readonly right: IndexTerm };
type IndexOp = '+' | '-' | '*' | 'floordiv' | 'floormod' | 'min' | 'max';

export interface IndexMap {
  /** Number of source indices. */
  readonly rank: number;
  /** One term a result dimension. */
  readonly terms: readonly IndexTerm[];
}

const operators: Readonly<Record<string, IndexOp>> = {
  'tir.Add': '+',
  'tir.Sub': '-',
  'tir.Mul': '*',
  'tir.Div': 'floordiv',
  'tir.FloorDiv': 'floordiv',
  'tir.Mod': 'floormod',
  'tir.FloorMod': 'floormod',
  'tir.Min': 'min',
  'tir.Max': 'max',
};

/** Reads a stored `tir.IndexMap`; undefined when the object is none or uses other expressions. */
export function readIndexMap(object: StoredObject): IndexMap | undefined {
  if (object.typeKey !== 'tir.IndexMap') return undefined;
  const names = object.node('initial_indices')?.items.map((v) => v?.text('name'));
  const finals = object.node('final_indices')?.items;
  if (!names || !finals) return undefined;
  const terms = finals.map((node) => (node ? readTerm(node, names, 0) : undefined));
  return terms.every((term) => term !== undefined) ? { rank: names.length, terms } : undefined;
}

function readTerm(node: StoredObject, names: readonly (string | undefined)[], depth: number): IndexTerm | undefined {
  if (depth > 64) return undefined;
  if (node.typeKey === 'tir.Var' || node.typeKey === 'tir.SizeVar') {
    const position = names.indexOf(node.text('name'));
    return position < 0 ? undefined : { kind: 'index', position };
  }
  if (node.typeKey === 'IntImm') {
    const value = node.integer('value');
    return value === undefined ? undefined : { kind: 'number', value: Number(value) };
  }
  const op = operators[node.typeKey];
  const [a, b] = [node.node('a'), node.node('b')];
  if (op === undefined || !a || !b) return undefined;
  const [left, right] = [readTerm(a, names, depth + 1), readTerm(b, names, depth + 1)];
  return left && right ? { kind: 'binary', op, left, right } : undefined;
}

/** The least and greatest value of a term over the indices of `shape`; undefined where a size is not known. */
export function termRange(term: IndexTerm, shape: readonly (number | undefined)[]): Interval | undefined {
  if (term.kind === 'number') return { low: term.value, high: term.value };
  if (term.kind === 'index') {
    const size = shape[term.position];
    return size === undefined ? undefined : { low: 0, high: Math.max(0, size - 1) };
  }
  const a = termRange(term.left, shape);
  const b = termRange(term.right, shape);
  if (!b) return undefined;
  if (term.op === 'floormod' && b.low === b.high && b.low > 0)
    return a && a.low >= 0 && a.high < b.low ? a : { low: 0, high: b.low - 1 };
  if (!a) return undefined;
  switch (term.op) {
    case '+':
      return plus(a, b);
    case '-':
      return minus(a, b);
    case '*':
      return times(a, b);
    case 'floordiv':
      if (b.low !== b.high || b.low <= 0) return undefined;
      return { low: Math.floor(a.low / b.low), high: Math.floor(a.high / b.low) };
    case 'min':
      return { low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) };
    case 'max':
      return { low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) };
    case 'floormod':
      return undefined;
  }
}

/** A term's value at given indices. */
export function termValue(term: IndexTerm, indices: readonly number[]): number {
  if (term.kind === 'number') return term.value;
  if (term.kind === 'index') return indices[term.position] ?? 0;
  return arithmetic(term.op, termValue(term.left, indices), termValue(term.right, indices));
}
