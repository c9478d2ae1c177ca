/** Random programs by seed: shapes are valid by construction, because the operators' own relations admit each node. */
import { addBranch, addFunctions } from './control-flow.ts';
import { buildFloat } from './generate-float.ts';
import { buildImperative } from './generate-imperative.ts';
import { buildInteger } from './generate-integer.ts';
import { buildOperators } from './generate-operators.ts';
import { buildQuantised } from './generate-quantised.ts';
import { GraphBuilder, type Node, type Program } from './graph.ts';
import { Random } from './random.ts';
import { addTwins } from './twins.ts';

export const families = ['quantised', 'float', 'integer', 'operators', 'imperative'] as const;
export type Family = (typeof families)[number];

const builders = {
  quantised: buildQuantised,
  float: buildFloat,
  integer: buildInteger,
  operators: buildOperators,
  imperative: buildImperative,
} satisfies Record<Family, (b: GraphBuilder, r: Random) => unknown>;

/** Up to which part of all seeds a family goes. */
const shares: readonly (readonly [Family, number])[] = [
  ['quantised', 0.5],
  ['float', 0.65],
  ['integer', 0.87],
  ['operators', 0.95],
  ['imperative', 1],
];

/** The program of a seed. Half of all programs are quantised networks. */
export function generate(seed: number, only?: Family): Program {
  const r = new Random(seed);
  const share = r.real();
  const family: Family = only ?? shares.find(([, below]) => share < below)?.[0] ?? 'imperative';
  const b = new GraphBuilder();
  const built = builders[family](b, r);
  const { approximate } = built;
  const outputs = [...new Set([...built.outputs, ...(r.chance(0.3) ? addTwins(b, r) : [])])];
  const branch = r.chance(0.1) ? addBranch(b, r) : undefined;
  if (branch !== undefined) outputs[r.int(0, outputs.length - 1)] = branch;
  if (r.chance(0.1)) addFunctions(b, r);
  const program = { seed, family, nodes: b.nodes, outputs, lets: r.chance(0.3), approximate };
  // Some programs keep nodes that nothing needs.
  return r.chance(0.15) ? program : withoutDead(program);
}

/** Leaves out what no output needs; inputs too. */
export function withoutDead(program: Program): Program {
  const needed = new Set<number>();
  const visit = (i: number): void => {
    if (needed.has(i)) return;
    needed.add(i);
    const node = program.nodes[i];
    if (node?.kind === 'call') node.args.flat().forEach(visit);
    if (node?.kind === 'get') visit(node.tuple);
  };
  program.outputs.forEach(visit);
  const place = new Map<number, number>();
  const nodes = program.nodes.flatMap((node, i): Node[] => {
    if (!needed.has(i)) return [];
    place.set(i, place.size);
    const at = (k: number): number => place.get(k) as number;
    if (node.kind === 'call')
      return [{ ...node, args: node.args.map((a) => (typeof a === 'number' ? at(a) : a.map(at))) }];
    return [node.kind === 'get' ? { ...node, tuple: at(node.tuple) } : node];
  });
  return { ...program, nodes, outputs: program.outputs.map((o) => place.get(o) as number) };
}
