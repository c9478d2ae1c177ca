/** What a kernel's loops cost, estimated from their text: a measure for comparing schedules that were never run. */
import { arithmetic, relations, type IntegerOperation } from './integers.ts';
import type { LExpr, Local, LoopVar, Stmt } from './ir.ts';
import { expressionsOf, operands, substatements } from './visit.ts';

/**
 * Operations of one run: nodes of the loop IR, as often as they are executed. Where data decides, a loop counts as one
 * turn, and of two branches the longer one counts.
 */
export function estimateOperations(body: Stmt): number {
  return operationsOf(body, new Map(), mostTurns);
}

/**
 * Turns that are walked one by one where a loop's variable decides what is executed. Of more, as many are walked, at
 * equal distances, and stand for the rest: no estimate takes time that grows with the tensors.
 */
const mostTurns = 1 << 14;
const fewestTurns = 4;

/** Values of loop variables and locals, as far as they are known. */
type Known = Map<Local | LoopVar, number>;

function operationsOf(s: Stmt, known: Known, most: number): number {
  switch (s.kind) {
    case 'for': {
      const turns = Math.max(0, valueOf(s.extent, known) ?? 1);
      const own = s.unroll ? 0 : 2;
      if (!steers(s.body, s.variable)) return 1 + turns * (operationsOf(s.body, new Map(known), most) + own);
      const walked = Math.min(turns, most);
      const left = Math.max(fewestTurns, Math.floor(most / Math.max(1, turns)));
      let sum = 0;
      for (let i = 0; i < walked; i++) {
        const turn = walked === turns ? i : Math.floor(((i + 0.5) * turns) / walked);
        sum += operationsOf(s.body, new Map(known).set(s.variable, turn), left) + own;
      }
      return 1 + (walked === turns ? sum : Math.round((sum / walked) * turns));
    }
    case 'if': {
      const condition = valueOf(s.condition, known);
      const [then = 0, otherwise = 0] = substatements(s).map((inner) => operationsOf(inner, new Map(known), most));
      const taken = condition === undefined ? Math.max(then, otherwise) : condition !== 0 ? then : otherwise;
      return nodesOf(s.condition) + 1 + taken;
    }
    case 'block':
      return s.body.reduce((sum, inner) => sum + operationsOf(inner, known, most), 0);
    case 'declare':
    case 'assign': {
      const value = valueOf(s.value, known);
      if (value === undefined) known.delete(s.local);
      else known.set(s.local, value);
      return 1 + nodesOf(s.value);
    }
    default:
      return 1 + expressionsOf(s).reduce((sum, e) => sum + nodesOf(e), 0);
  }
}

/** Whether a loop's variable has a say in how often something inside is executed. */
function steers(s: Stmt, variable: LoopVar): boolean {
  const marked = new Set<Local | LoopVar>([variable]);
  const reads = (e: LExpr): boolean =>
    ((e.kind === 'local' || e.kind === 'loopvar') && marked.has(e)) || operands(e).some(reads);
  const visit = (inner: Stmt): boolean => {
    if (inner.kind === 'for' && reads(inner.extent)) return true;
    if (inner.kind === 'if' && reads(inner.condition)) return true;
    if ((inner.kind === 'declare' || inner.kind === 'assign') && inner.local.dtype === 'index' && reads(inner.value))
      marked.add(inner.local);
    return substatements(inner).some(visit);
  };
  return visit(s);
}

function nodesOf(e: LExpr): number {
  if (e.kind === 'const' || e.kind === 'local' || e.kind === 'loopvar') return 0;
  return 1 + operands(e).reduce((sum, inner) => sum + nodesOf(inner), 0);
}

/** The value of an integer or a condition; undefined when data decides. */
function valueOf(e: LExpr, known: Known): number | undefined {
  switch (e.kind) {
    case 'const':
      return Number(e.value);
    case 'local':
    case 'loopvar':
      return known.get(e);
    case 'cast':
      return valueOf(e.operand, known);
    case 'select': {
      const condition = valueOf(e.condition, known);
      return condition === undefined ? undefined : valueOf(condition !== 0 ? e.then : e.otherwise, known);
    }
    case 'compare':
    case 'binary': {
      const [l, r] = [valueOf(e.left, known), valueOf(e.right, known)];
      if (l === undefined || r === undefined) return undefined;
      return e.kind === 'compare' ? Number(relations[e.op](l, r)) : combined[e.op]?.(l, r);
    }
    default:
      return undefined;
  }
}

const combined: Readonly<Record<string, IntegerOperation>> = {
  ...arithmetic,
  truncdiv: (l, r) => (r === 0 ? undefined : Math.trunc(l / r)),
  and: (l, r) => Number(l !== 0 && r !== 0),
  or: (l, r) => Number(l !== 0 || r !== 0),
};
