/** The primitive that computes what does not change in a loop before it. */
import { ok } from '../../base/result.ts';
import { block, declare, local } from '../../loops/build.ts';
import type { LExpr, Local, LoopVar, Stmt } from '../../loops/ir.ts';
import { typeOfExpr } from '../../loops/ir.ts';
import { mapOperands, mapOwnExpressions, sameExpression } from '../../loops/map.ts';
import { operands } from '../../loops/visit.ts';
import { effectsOf, writtenBy } from './dependence.ts';
import * as examples from './examples.ts';
import { constantTurns, findLoop, illegal, loopsOf, replaced, statementsOf, type Primitive } from './primitive.ts';

export const hoist: Primitive = {
  name: 'hoist',
  summary: 'Computes before a loop what is the same in all of its turns.',
  args: [{ name: 'loop', kind: 'loop', summary: 'The loop.' }],
  checks: [
    'the loop runs a constant number of turns, at least one',
    'only what every turn computes is moved, and no load of a buffer that the loop writes or that may share its memory',
  ],
  example: () => ({ kernel: examples.outer(), args: { loop: 'j' } }),
  apply: (kernel, { loop: name }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const { loop } = at.value;
    const turns = constantTurns(loop);
    if (!turns.ok) return turns;
    const effects = effectsOf(loop);
    const written = writtenBy(effects);
    const changing = new Set<Local | LoopVar>([
      ...effects.declared,
      ...effects.assigned.map((a) => a.local),
      ...effects.performed,
      loop.variable,
      ...loopsOf(loop.body).map((l) => l.loop.variable),
    ]);
    const fixed = (e: LExpr): boolean => {
      if (e.kind === 'local' || e.kind === 'loopvar') return !changing.has(e);
      if (e.kind === 'deref') return false;
      if (e.kind === 'load' && written.has(e.buffer)) return false;
      return operands(e).every(fixed);
    };
    const moved: { value: LExpr; name: Local }[] = [];
    const take = (e: LExpr): LExpr => {
      const known = moved.find((m) => sameExpression(m.value, e));
      if (known) return known.name;
      const name = local('fixed', typeOfExpr(e));
      moved.push({ value: e, name });
      return name;
    };
    /** The largest fixed parts that cost something; the branches of a selection are left, as they may not be taken. */
    const lift = (e: LExpr): LExpr => {
      // Sums and products of subscripts are left to the compiler: where elements lie is read from them.
      const sum = e.kind === 'binary' && e.dtype === 'index' && ['add', 'sub', 'mul'].includes(e.op);
      if (!sum && isWorthwhile(e) && fixed(e)) return take(e);
      if (e.kind === 'select') return { ...e, condition: lift(e.condition) };
      // What stands to the right may be guarded by what stands to the left.
      if (e.kind === 'binary' && e.dtype === 'bool' && (e.op === 'and' || e.op === 'or'))
        return { ...e, left: lift(e.left) };
      return mapOperands(e, lift);
    };
    const settled: Stmt[] = [];
    const assigned = new Set<Local>([...effects.assigned.map((a) => a.local), ...effects.performed]);
    /** A local that is declared in every turn with the same value moves as a whole. */
    const isSettled = (s: Stmt): boolean => {
      if (s.kind !== 'declare' || assigned.has(s.local) || !fixed(s.value)) return false;
      settled.push(s);
      changing.delete(s.local);
      return true;
    };
    const visit = (s: Stmt): Stmt => {
      switch (s.kind) {
        case 'block':
          return { kind: 'block', body: s.body.filter((inner) => !isSettled(inner)).map(visit) };
        case 'for':
          return constantTurns(s).ok ? { ...s, body: visit(s.body) } : s;
        case 'if':
          return { ...s, condition: lift(s.condition) };
        default:
          return mapOwnExpressions(s, lift);
      }
    };
    const body = visit(loop.body);
    if (moved.length + settled.length === 0) return illegal(`Nothing in \`${String(name)}\` is the same in all turns.`);
    const before = [...settled, ...moved.map((m) => declare(m.name, m.value))];
    return ok({ ...replaced(kernel, loop, block(...before, { ...loop, body: block(...statementsOf(body)) })), overlaps: [] }); // prettier-ignore
  },
};

/**
 * Loads, calls of functions, and of subscripts what is no sum of products; arithmetic around them comes along, arithmetic
 * alone is the compiler's.
 */
function isWorthwhile(e: LExpr): boolean {
  if (e.kind === 'const' || e.kind === 'local' || e.kind === 'loopvar') return false;
  if (e.kind === 'load' || e.kind === 'unary' || e.kind === 'intrinsic' || operands(e).some(isWorthwhile)) return true;
  if (typeOfExpr(e) !== 'index') return false;
  if (e.kind === 'cast') return /^float/.test(typeOfExpr(e.operand));
  return e.kind === 'select' || (e.kind === 'binary' && !['add', 'sub', 'mul'].includes(e.op));
}
