/**
 * Embeddings of programs: a vector of how often each feature occurs in a program's normal form, and a distance that is
 * a metric. Features are the operator calls with ever wider surroundings, as in the Weisfeiler-Lehman subtree kernel
 * (Shervashidze et al., JMLR 12, 2011): the bare operator, its types and attributes, then what feeds it, one to three
 * steps back.
 */
import type { Expr, Func } from '../ir/expr.ts';
import { childrenOf, postOrder } from '../ir/visit.ts';
import { canonicalJson } from '../operators/attribute-text.ts';
import { operatorRegistry } from '../operators/registry.ts';
import { printType } from '../types/print.ts';
import type { Type } from '../types/type.ts';

/** How many steps back the widest feature looks. */
const reach = 3;

/** Length of an embedding; features are spread over it by a hash, so unlike features rarely meet. */
const embeddingLength = 4096;

/** A program as a point; entries are counts, none negative. */
export type Embedding = Float64Array;

/** FNV-1a, 32 bit. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}

/** dtype and rank: what stays when a model is scaled. */
function outline(type: Type): string {
  if (type.kind === 'tensor') return `${type.dtype}/${type.shape.length}`;
  if (type.kind === 'tuple') return `(${type.fields.map(outline).join(',')})`;
  return type.kind;
}

/** What an expression is, without its operands: coarse to fine. Undefined for what only names or groups others. */
function labelsOf(e: Expr): readonly [coarse: string, fine: string] | undefined {
  switch (e.kind) {
    case 'call': {
      const name = e.callee.kind === 'op' || e.callee.kind === 'constructor' ? e.callee.name : e.callee.kind;
      return [name, `${name} ${canonicalJson(e.attrs)} ${printType(e.type)}`];
    }
    case 'var':
      return [`input ${outline(e.type)}`, `input ${printType(e.type)}`];
    case 'constant':
      return [`constant ${outline(e.type)}`, `constant ${printType(e.type)} ${valuesKey(e.value.data)}`];
    case 'op':
    case 'global':
    case 'constructor':
      return undefined;
    case 'get':
      return [`get`, `get ${e.index}`];
    case 'tuple':
      return [`tuple`, `tuple ${e.fields.length}`];
    default:
      return [e.kind, `${e.kind} ${outline(e.type)}`];
  }
}

/** A hash over at most 4,096 evenly spaced elements: other weights move a program a little. */
function valuesKey(data: ArrayLike<number | bigint>): number {
  const step = Math.max(1, Math.floor(data.length / 4096));
  let h = 0x811c9dc5;
  for (let i = 0; i < data.length; i += step) h = Math.imul(h ^ hash(String(data[i])), 0x01000193);
  return h >>> 0;
}

/** The embedding of a function in normal form, and of the functions handed along (those that it calls). */
export function embed(functions: readonly Func[]): Embedding {
  const vector = new Float64Array(embeddingLength);
  const count = (feature: string): void => {
    const i = hash(feature) % embeddingLength;
    vector[i] = (vector[i] ?? 0) + 1;
  };
  for (const func of functions) {
    const order = postOrder(func.body);
    let context = new Map<Expr, string>();
    for (const e of order) {
      const labels = labelsOf(e);
      if (labels === undefined) continue;
      count(`0 ${labels[0]}`);
      count(`0 ${labels[0]} ${outline(e.type)}`);
      count(`1 ${labels[1]}`);
      context.set(e, labels[0]);
    }
    for (let depth = 1; depth <= reach; depth++) {
      const wider = new Map<Expr, string>();
      for (const e of order) {
        const own = context.get(e);
        if (own === undefined) continue;
        const fed = childrenOf(e).flatMap((child) => context.get(child) ?? []);
        if (commutes(e)) fed.sort();
        const text = String(hash(`${depth} ${own} <- ${fed.join('; ')}`));
        wider.set(e, text);
        if (fed.length > 0) count(`back ${depth} ${text}`);
      }
      context = wider;
    }
    count(`result ${outline(func.body.type)}`);
  }
  return vector;
}

function commutes(e: Expr): boolean {
  return e.kind === 'call' && e.callee.kind === 'op' && operatorRegistry.get(e.callee.name)?.algebra !== undefined;
}

/**
 * The Ruzicka (weighted Jaccard) distance 1 − Σ min / Σ max of two embeddings: a metric between 0 (same features,
 * equally often) and 1 (none in common).
 */
export function embeddingDistance(a: Embedding, b: Embedding): number {
  let shared = 0;
  let all = 0;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    shared += Math.min(x, y);
    all += Math.max(x, y);
  }
  return all === 0 ? 0 : 1 - shared / all;
}
