/** Nodes that resemble others: what sharing of equal expressions must keep apart, and what it may join. */
import type { AttributeValueData } from '../../compiler/src/operators/attributes.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import type { GraphBuilder } from './graph.ts';
import type { Random } from './random.ts';

/** Adds a few; returns those that become further outputs. */
export function addTwins(b: GraphBuilder, r: Random): number[] {
  const made: number[] = [];
  for (let i = r.int(1, 3); i > 0; i--) {
    const at = r.pick([twin, twin, twin, resemblingConstants, neighbours])(b, r);
    if (at !== undefined && b.typeOf(at).kind === 'tensor' && !b.shape(at).includes(0)) made.push(at);
  }
  return made;
}

/** A call again on the same arguments, with the same attributes or with one changed. */
function twin(b: GraphBuilder, r: Random): number | undefined {
  const calls = b.nodes.filter((n) => n.kind === 'call');
  if (calls.length === 0) return undefined;
  const node = r.pick(calls);
  const attrs: Record<string, AttributeValueData> = { ...node.attrs };
  // What the sizes of arguments fix has no other value.
  const fixed = ['channels', 'units', 'groups', 'num_groups', 'kernel_size', 'k1', 'k2', 'n_fft', 'win_length'];
  const keys = Object.keys(attrs).filter((k) => !fixed.includes(k));
  if (keys.length > 0 && r.chance(0.7)) {
    const key = r.pick(keys);
    const other = changed(attrs[key] ?? null, r);
    if (admitted(node.op, key, other)) attrs[key] = other;
  }
  const again = b.attempt(node.op, node.args, attrs);
  const first = b.nodes.indexOf(node);
  if (again === undefined || r.chance(0.5) || b.shape(again).join() !== b.shape(first).join()) return again;
  return b.attempt('subtract', [first, again]) ?? again;
}

/** Differences of neighbouring elements of something computed, as a stencil reads it. */
function neighbours(b: GraphBuilder, r: Random): number | undefined {
  const usable = b.nodes.flatMap((_, i) =>
    ['int8', 'int16', 'int32', 'float32'].includes(b.dtype(i)) && b.shape(i).some((n) => n >= 4) ? [i] : [],
  );
  if (usable.length === 0) return undefined;
  const from = r.pick(usable);
  const shape = b.shape(from);
  const axis = shape.findIndex((n) => n >= 4);
  const computed = b.call(r.pick(['abs', 'negative', 'nn.relu']), [from]);
  const part = (start: number): number =>
    b.call('strided_slice', [computed], {
      begin: shape.map((_, d) => (d === axis ? start : 0)),
      end: shape.map((n, d) => (d === axis ? n - 3 + start : n)),
      strides: shape.map(() => 1),
      axes: null,
    });
  return b.call('subtract', [part(r.int(0, 1)), part(r.int(2, 3))]);
}

/** Whether the operator's record lets the attribute have the value; relations alone do not look at bounds. */
function admitted(op: string, key: string, value: AttributeValueData): boolean {
  const spec = operatorRegistry.get(op)?.attributes[key];
  const min = spec && 'min' in spec ? spec.min : undefined;
  return typeof min !== 'number' || typeof value !== 'number' || value >= min;
}

function changed(value: AttributeValueData, r: Random): AttributeValueData {
  if (typeof value === 'number') return value + r.pick([-1, 1]);
  if (typeof value === 'boolean') return !value;
  if (Array.isArray(value) && value.length > 1) return r.shuffled(value as readonly AttributeValueData[]);
  return value;
}

/** Two constants that begin and end alike, each combined with one value. */
function resemblingConstants(b: GraphBuilder, r: Random): number | undefined {
  const usable = b.nodes.flatMap((_, i) =>
    ['int8', 'int32', 'float32', 'int16'].includes(b.dtype(i)) && b.shape(i).reduce((x, y) => x * y, 1) >= 3 ? [i] : [],
  );
  if (usable.length === 0) return undefined;
  const at = r.pick(usable);
  const shape = b.shape(at);
  const count = shape.reduce((x, y) => x * y, 1);
  const constant = (middle: number): number => {
    const values = Array.from({ length: count }, (_, i) => (i === 0 || i === count - 1 ? 7 : middle));
    return b.add({ kind: 'param', shape, dtype: b.dtype(at), seed: 1, values });
  };
  const [x, y] = [b.call('maximum', [at, constant(3)]), b.call('maximum', [at, constant(90)])];
  return b.attempt('subtract', [y, x]);
}
