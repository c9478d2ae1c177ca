/** Primitives on ranges of loops: where conditions change, and where two loops walk over one stretch of memory. */
import { ok } from '../../base/result.ts';
import { affineOf } from '../../loops/affine.ts';
import { add, block, ix } from '../../loops/build.ts';
import { arithmetic, relations, type IntegerOperation } from '../../loops/integers.ts';
import type { LExpr, Local, LoopVar, Stmt } from '../../loops/ir.ts';
import { mapStatement } from '../../loops/map.ts';
import { tidy } from '../../loops/tidy.ts';
import { expressionsOf, operands, substatements } from '../../loops/visit.ts';
import { effectsOf } from './dependence.ts';
import * as examples from './examples.ts';
import {
  constantTurns,
  findLoop,
  freshVariable,
  illegal,
  instance,
  onlyStatement,
  replaced,
  withNamedLoops,
  type Loop,
  type Primitive,
} from './primitive.ts';

/** Most parts that a loop is taken into. */
const mostParts = 4;

/** Most turns that are looked at one by one. */
const mostTurns = 4096;

type Compare = Extract<LExpr, { kind: 'compare' }>;

/** Values of a loop's variable and of locals that are made of it; undefined where anything else has a say. */
class Turn {
  private readonly variable: LoopVar;
  private readonly locals: ReadonlyMap<Local, LExpr>;
  private readonly at: number;
  constructor(variable: LoopVar, locals: ReadonlyMap<Local, LExpr>, at: number) {
    this.variable = variable;
    this.locals = locals;
    this.at = at;
  }

  truth(c: Compare): boolean | undefined {
    const [l, r] = [this.value(c.left), this.value(c.right)];
    return l === undefined || r === undefined ? undefined : relations[c.op](l, r);
  }

  private value(e: LExpr): number | undefined {
    const v = this.plain(e);
    // Beyond 31 bits arithmetic wraps.
    return v !== undefined && Number.isInteger(v) && Math.abs(v) < 2 ** 31 ? v : undefined;
  }

  private plain(e: LExpr): number | undefined {
    if (e === this.variable) return this.at;
    switch (e.kind) {
      case 'const':
        return whole.has(e.dtype) ? Number(e.value) : undefined;
      case 'local': {
        const value = this.locals.get(e);
        return value && whole.has(e.dtype) ? this.value(value) : undefined;
      }
      case 'cast':
        return whole.has(e.dtype) ? this.value(e.operand) : undefined;
      case 'binary': {
        if (!whole.has(e.dtype)) return undefined;
        const [l, r] = [this.value(e.left), this.value(e.right)];
        return l === undefined || r === undefined ? undefined : combined[e.op]?.(l, r);
      }
      default:
        return undefined;
    }
  }
}

const whole = new Set(['index', 'int32', 'int64']);

const combined: Readonly<Record<string, IntegerOperation>> = {
  ...arithmetic,
  floormod: (l, r) => (r === 0 ? undefined : l - r * Math.floor(l / r)),
};

/** All comparisons of a piece of code. */
function comparisonsOf(root: Stmt): readonly Compare[] {
  const found: Compare[] = [];
  const expression = (e: LExpr): void => {
    if (e.kind === 'compare') found.push(e);
    operands(e).forEach(expression);
  };
  const statement = (s: Stmt): void => {
    expressionsOf(s).forEach(expression);
    substatements(s).forEach(statement);
  };
  statement(root);
  return found;
}

/** Locals of a body that are declared once and never assigned, with their values. */
function settledLocals(root: Stmt): ReadonlyMap<Local, LExpr> {
  const effects = effectsOf(root);
  const assigned = new Set<Local>([...effects.assigned.map((a) => a.local), ...effects.performed]);
  const found = new Map<Local, LExpr>();
  const statement = (s: Stmt): void => {
    if (s.kind === 'declare' && !assigned.has(s.local)) found.set(s.local, s.value);
    substatements(s).forEach(statement);
  };
  statement(root);
  return found;
}

const bool = (value: boolean): LExpr => ({ kind: 'const', dtype: 'bool', value: value ? 1 : 0 });

/** The statements with conditions that are constants carried out. */
function withoutSettledBranches(s: Stmt): Stmt {
  if (s.kind === 'if' && s.condition.kind === 'const')
    return withoutSettledBranches(Number(s.condition.value) !== 0 ? s.then : (s.otherwise ?? block()));
  if (s.kind === 'block') return { kind: 'block', body: s.body.map(withoutSettledBranches) };
  if (s.kind === 'for') return { ...s, body: withoutSettledBranches(s.body) };
  if (s.kind !== 'if') return s;
  const then = withoutSettledBranches(s.then);
  return { ...s, then, ...(s.otherwise ? { otherwise: withoutSettledBranches(s.otherwise) } : {}) };
}

export const partition: Primitive = {
  name: 'partition',
  summary: 'Takes a loop apart where a condition in it changes, so that none is asked in its parts.',
  args: [{ name: 'loop', kind: 'loop', summary: 'The loop; its parts run one after the other.' }],
  checks: [
    `the number of turns is constant and at most ${mostTurns}`,
    `comparisons of sums of the loop’s variable and constants change their truth at most ${mostParts - 1} times`,
  ],
  example: () => ({ kernel: examples.padded(), args: { loop: 'i' } }),
  apply: (kernel, { loop: name }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const { loop } = at.value;
    const turns = constantTurns(loop);
    if (!turns.ok) return turns;
    if (turns.value > mostTurns) return illegal(`\`${String(name)}\` runs more than ${mostTurns} turns.`);
    const locals = settledLocals(loop.body);
    const truthAt = (c: Compare, i: number): boolean | undefined => new Turn(loop.variable, locals, i).truth(c);
    const decided = comparisonsOf(loop.body).filter((c) => truthAt(c, 0) !== undefined);
    const starts = [0];
    for (let i = 1; i < turns.value; i++)
      if (decided.some((c) => truthAt(c, i) !== truthAt(c, i - 1))) starts.push(i);
    if (starts.length === 1) return illegal(`No condition changes with \`${String(name)}\` alone.`);
    if (starts.length > mostParts) return illegal(`Conditions change ${starts.length - 1} times with \`${String(name)}\`.`);
    const parts = starts.map((start, p): Stmt => {
      const extent = (starts[p + 1] ?? turns.value) - start;
      const known = new Map(decided.map((c) => [c, bool(truthAt(c, start) === true)] as const));
      const body = mapStatement(loop.body, (e) => (e.kind === 'compare' ? (known.get(e) ?? e) : e));
      const suffix = p === 0 ? '' : `_part${p + 1}`;
      if (extent === 1) return instance(body, new Map([[loop.variable, ix(start)]]), suffix);
      const variable: LoopVar = { kind: 'loopvar', name: loop.variable.name + suffix };
      return { ...loop, variable, extent: ix(extent), body: instance(body, new Map([[loop.variable, add(variable, start)]]), suffix) };
    });
    const made = replaced(kernel, loop, { kind: 'block', body: parts });
    return ok(withNamedLoops({ ...made, body: withoutSettledBranches(tidy(made.body)) }));
  },
}; // prettier-ignore

/** The subscripts of a piece of code, and whether loop variables stand outside of them too. */
function subscriptsOf(root: Stmt, variables: ReadonlySet<LExpr>): { readonly all: LExpr[]; readonly outside: boolean } {
  const all: LExpr[] = [];
  let outside = false;
  const expression = (e: LExpr): void => {
    if (variables.has(e)) outside = true;
    if (e.kind === 'load') all.push(e.index);
    else operands(e).forEach(expression);
  };
  const statement = (s: Stmt): void => {
    if (s.kind === 'store') {
      all.push(s.index);
      expression(s.value);
    } else expressionsOf(s).forEach(expression);
    if (s.kind === 'point' || s.kind === 'advance' || s.kind === 'store_via' || s.kind === 'perform') outside = true;
    substatements(s).forEach(statement);
  };
  statement(root);
  return { all, outside };
}

/** Whether a loop holds one that takes neighbouring elements, or one: joined, they walk over one stretch of memory. */
export function holdsStretch(outer: Loop): boolean {
  const inner = onlyStatement(outer);
  if (inner?.kind !== 'for') return false;
  const { all } = subscriptsOf(inner.body, new Set());
  return all.every((index) => [0, 1].includes(affineOf(index)?.terms.get(inner.variable) ?? 0));
}

export const collapse: Primitive = {
  name: 'collapse',
  summary: 'Makes one loop of two that walk on in equal steps.',
  args: [{ name: 'loop', kind: 'loop', summary: 'The outer loop; the new one has the inner one’s name.' }],
  checks: [
    'the loop holds one loop and nothing else, and both run a constant number of turns',
    'a step of the outer loop is as far, in every subscript, as all steps of the inner one',
    'the variables stand nowhere but in subscripts',
  ],
  example: () => ({ kernel: examples.flatScaled(), args: { loop: 'i' } }),
  apply: (kernel, { loop: name }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const outer = at.value.loop;
    const inner = onlyStatement(outer);
    if (inner?.kind !== 'for') return illegal(`\`${String(name)}\` does not hold one loop alone.`);
    const [many, few] = [constantTurns(outer), constantTurns(inner)];
    if (!many.ok) return many;
    if (!few.ok) return few;
    const { all, outside } = subscriptsOf(inner.body, new Set<LExpr>([outer.variable, inner.variable]));
    if (outside) return illegal(`The variables of \`${String(name)}\` and its inner loop stand outside of subscripts.`);
    const behind = all.every((index) => {
      const a = affineOf(index);
      const step = a?.terms.get(inner.variable) ?? 0;
      return a && (a.terms.get(outer.variable) ?? 0) === few.value * step;
    });
    if (!behind) return illegal(`Turns of \`${String(name)}\` do not go on where those of its inner loop end.`);
    const variable = freshVariable(kernel, `${inner.variable.name}_flat`);
    const values = new Map<LExpr, LExpr>([
      [outer.variable, ix(0)],
      [inner.variable, variable],
    ]);
    const flat: Stmt = { ...inner, variable, extent: ix(many.value * few.value), body: instance(inner.body, values) };
    return ok(replaced(kernel, outer, flat));
  },
};
