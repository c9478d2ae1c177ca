/** Makes a failing program small: fewer outputs, fewer nodes, smaller tensors, as long as it goes on failing. */
import type { AttributeValueData } from '../../compiler/src/operators/attributes.ts';
import { staticShape } from '../../compiler/src/types/type.ts';
import { withoutDead } from './generate.ts';
import { typesOf, type Node, type Program } from './graph.ts';

/** Tries at most `limit` variants. */
export async function shrink(
  program: Program,
  fails: (candidate: Program) => boolean | Promise<boolean>,
  limit = 400,
): Promise<Program> {
  let best = withoutDead(program);
  if (!(await fails(best))) best = program;
  let tries = 0;
  for (let progress = true; progress && tries < limit;) {
    progress = false;
    for (const candidate of candidates(best)) {
      if (tries++ >= limit) break;
      if (!valid(candidate) || !(await fails(candidate))) continue;
      best = candidate;
      progress = true;
      break;
    }
  }
  return best;
}

function valid(program: Program): boolean {
  try {
    return typesOf(program.nodes).every((t) => t.kind !== 'tensor' || staticShape(t)?.includes(0) === false);
  } catch {
    return false;
  }
}

/** Smaller variants, the boldest first. */
function* candidates(program: Program): Generator<Program> {
  const { nodes, outputs } = program;
  if (outputs.length > 1) for (const o of outputs) yield withoutDead({ ...program, outputs: [o] });
  const types = typesOf(nodes);
  // An intermediate value as the only result.
  for (let i = 0; i < nodes.length; i++)
    if (nodes[i]?.kind === 'call' && types[i]?.kind === 'tensor' && !(outputs.length === 1 && outputs[0] === i))
      yield withoutDead({ ...program, outputs: [i] });
  // A computed value given as an input.
  for (let i = nodes.length - 1; i >= 0; i--) {
    const type = types[i];
    const node = nodes[i];
    if ((node?.kind !== 'call' && node?.kind !== 'get') || type?.kind !== 'tensor' || outputs.includes(i)) continue;
    const input: Node = { kind: 'input', shape: staticShape(type) ?? [], dtype: type.dtype };
    yield withoutDead({ ...program, nodes: nodes.map((n, k) => (k === i ? input : n)) });
  }
  // An operator skipped: its users take its argument.
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    const first = node?.kind === 'call' ? node.args[0] : undefined;
    if (typeof first !== 'number') continue;
    const to = (k: number): number => (k === i ? first : k);
    yield withoutDead({
      ...program,
      outputs: [...new Set(outputs.map(to))],
      nodes: nodes.map((n) =>
        n.kind === 'call'
          ? { ...n, args: n.args.map((a) => (typeof a === 'number' ? to(a) : a.map(to))) }
          : n.kind === 'get'
            ? { ...n, tuple: to(n.tuple) }
            : n,
      ),
    });
  }
  yield* smaller(program);
}

/** A size made smaller wherever it stands: in the shapes of inputs and parameters, and in attributes. */
function* smaller(program: Program): Generator<Program> {
  const { nodes } = program;
  const sizes = new Set<number>();
  for (const n of nodes) if (n.kind === 'input' || n.kind === 'param') n.shape.forEach((s) => sizes.add(s));
  for (const size of [...sizes].sort((a, b) => b - a)) {
    if (size <= 1) continue;
    for (const next of new Set([1, size >> 1, size - 1])) {
      const to = (v: number): number => (v === size ? next : v);
      yield {
        ...program,
        nodes: nodes.map((n) => {
          if (n.kind === 'input' || n.kind === 'param') return { ...n, shape: n.shape.map(to) };
          return n.kind === 'call' ? { ...n, attrs: sized(n.attrs, to) } : n;
        }),
      };
    }
  }
  // One dimension of one tensor.
  for (const [i, n] of nodes.entries()) {
    if (n.kind !== 'input' && n.kind !== 'param') continue;
    for (const [d, size] of n.shape.entries())
      for (const next of new Set([1, size >> 1, size - 1]))
        if (next >= 1 && next < size) {
          const shape = n.shape.map((s, k) => (k === d ? next : s));
          yield { ...program, nodes: nodes.map((m, k) => (k === i ? { ...n, shape } : m)) };
        }
  }
}

/** Attributes that speak of sizes. */
function sized(
  attrs: Readonly<Record<string, AttributeValueData>>,
  to: (v: number) => number,
): Record<string, AttributeValueData> {
  const names = ['channels', 'units', 'groups', 'kernel_size', 'newshape', 'end', 'shape'];
  const change = (v: AttributeValueData): AttributeValueData =>
    typeof v === 'number' ? to(v) : Array.isArray(v) ? v.map(change) : v;
  return Object.fromEntries(Object.entries(attrs).map(([k, v]) => [k, names.includes(k) ? change(v) : v]));
}
