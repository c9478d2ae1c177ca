/** Values that relations may read: literals and metadata constants, also through graph numbers. */
import type { NDArray } from '../tensor/ndarray.ts';
import { allocateElements } from '../tensor/ndarray.ts';
import type { Expr, GraphRef, MetadataSection } from '../syntax/tree.ts';
import type { Context } from './context.ts';
import { bindingOf } from './messages.ts';
import { metadataConstant } from './metadata.ts';

/** The value of an argument, or undefined when it is computed. */
export function constantOf(cx: Context, expr: Expr | undefined): NDArray | undefined {
  return constantValue(expr, cx.metadata, (node) => bindingOf(cx, node)?.value);
}

/** The same, with the expression behind a graph number given by `valueOf`. */
export function constantValue(
  expr: Expr | undefined,
  metadata: MetadataSection | undefined,
  valueOf: (node: GraphRef) => Expr | undefined,
): NDArray | undefined {
  const current = throughNumbers(expr, valueOf);
  if (!current) return undefined;
  switch (current.kind) {
    case 'int':
      return current.value === undefined ? undefined : scalar(current.dtype, current.value);
    case 'float':
      return current.value === undefined ? undefined : scalar(current.dtype, current.value);
    case 'bool':
      return scalar('bool', current.value ? 1 : 0);
    case 'meta':
      return current.key === 'relay.Constant' ? metadataConstant(metadata, current.index) : undefined;
    default:
      return undefined;
  }
}

/** The expression behind parentheses and graph numbers. */
function throughNumbers(expr: Expr | undefined, valueOf: (node: GraphRef) => Expr | undefined): Expr | undefined {
  let current = expr;
  for (let hops = 0; current && hops < 100; hops++) {
    if (current.kind === 'paren') current = current.inner;
    else if (current.kind === 'block' && current.statements.length === 0) current = current.result;
    else if (current.kind === 'graphref') current = valueOf(current);
    else break;
  }
  return current;
}

/** What a binding's value tells beyond its type: a constant, or the name of an operator or constructor. */
export function knownBehind(cx: Context, value: Expr | undefined): NDArray | string | undefined {
  const read = (node: GraphRef): Expr | undefined => bindingOf(cx, node)?.value;
  const current = throughNumbers(value, read);
  return current?.kind === 'name' ? current.name : constantValue(current, cx.metadata, read);
}

/** Whether they are the same. Arrays of metadata are compared by identity. */
export function sameBehind(a: NDArray | string | undefined, b: NDArray | string | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  if (a.dtype !== b.dtype || a.shape.length > 0 || b.shape.length > 0) return false;
  return Object.is(a.data[0], b.data[0]);
}

function scalar(dtype: string, value: number | bigint): NDArray | undefined {
  const data = allocateElements(dtype, 1);
  if (!data) return undefined;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[0] = BigInt(value);
  else data[0] = Number(value);
  return { dtype, shape: [], data };
}
