/** Primitives on loops: how turns are grouped and in which order they run. */
import { fail, ok, type Result } from '../../base/result.ts';
import { add, bin, block, ix, mul } from '../../loops/build.ts';
import type { LExpr, LoopVar, Stmt } from '../../loops/ir.ts';
import type { LoweredKernel } from '../../loops/kernel.ts';
import { orderMatters } from './dependence.ts';
import * as examples from './examples.ts';
import {
  constantTurns,
  findLoop,
  freshVariable,
  illegal,
  instance,
  onlyStatement,
  replaced,
  statementsOf,
  type Loop,
  type Primitive,
} from './primitive.ts';

/** Most copies of a body that `unroll` writes out. */
export const mostCopies = 64;

function loopOver(variable: LoopVar, extent: number, body: Stmt): Loop {
  return { kind: 'for', variable, extent: ix(extent), unroll: false, body };
}

export const split: Primitive = {
  name: 'split',
  summary: 'Makes two loops of one: the inner one runs `factor` turns.',
  args: [
    { name: 'loop', kind: 'loop', summary: 'The loop; the new ones are called `…_outer` and `…_inner`.' },
    { name: 'factor', kind: 'count', summary: 'Turns of the inner loop.' },
    {
      name: 'tail',
      kind: 'choice',
      values: ['loop', 'guard'],
      default: 'loop',
      summary: 'Turns that are left over: a `loop` of their own, or a `guard` around the body.',
    },
  ],
  checks: ['the number of turns is constant', 'the factor lies between 1 and the number of turns'],
  example: () => ({ kernel: examples.scaled(10), args: { loop: 'i', factor: 4, tail: 'loop' } }),
  apply: (kernel, { loop: name, factor: given, tail }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const { loop } = at.value;
    const turns = constantTurns(loop);
    if (!turns.ok) return turns;
    const factor = Number(given);
    if (factor > turns.value)
      return illegal(`\`${String(name)}\` runs ${turns.value} turns, which is less than ${factor}.`);
    const whole = Math.floor(turns.value / factor);
    const rest = turns.value % factor;
    const guarded = rest > 0 && tail === 'guard';
    const outer = freshVariable(kernel, `${loop.variable.name}_outer`);
    const inner = freshVariable(kernel, `${loop.variable.name}_inner`);
    const position = add(mul(outer, factor), inner);
    const body = instance(loop.body, new Map([[loop.variable, position]]));
    const limit: LExpr = { kind: 'compare', op: 'lt', left: position, right: ix(turns.value) };
    const once: Stmt = guarded ? { kind: 'if', condition: limit, then: body } : body;
    const main = loopOver(outer, guarded ? whole + 1 : whole, loopOver(inner, factor, once));
    if (rest === 0 || guarded) return ok(replaced(kernel, loop, main));
    const last = freshVariable(kernel, `${loop.variable.name}_rest`);
    const remainder = instance(loop.body, new Map([[loop.variable, add(last, whole * factor)]]), '_rest');
    return ok(replaced(kernel, loop, block(main, loopOver(last, rest, remainder))));
  },
};

export const fuse: Primitive = {
  name: 'fuse',
  summary: 'Makes one loop of two, where the inner one is all that the outer one holds.',
  args: [{ name: 'loop', kind: 'loop', summary: 'The outer loop; the new one is called `…_fused`.' }],
  checks: ['the loop holds one loop and nothing else', 'both run a constant number of turns'],
  example: () => ({ kernel: examples.transposed(), args: { loop: 'i' } }),
  apply: (kernel, { loop: name }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const outer = at.value.loop;
    const inner = onlyStatement(outer);
    if (inner?.kind !== 'for') return illegal(`\`${String(name)}\` does not hold one loop alone.`);
    const [many, few] = [constantTurns(outer), constantTurns(inner)];
    if (!many.ok) return many;
    if (!few.ok) return few;
    const variable = freshVariable(kernel, `${outer.variable.name}_fused`);
    const values = new Map<LExpr, LExpr>([
      [outer.variable, bin('floordiv', variable, few.value)],
      [inner.variable, bin('floormod', variable, few.value)],
    ]);
    return ok(replaced(kernel, outer, loopOver(variable, many.value * few.value, instance(inner.body, values))));
  },
};

/** Swaps a loop with the one loop that it holds. */
function interchanged(kernel: LoweredKernel, outer: Loop, around: readonly Loop[]): Result<LoweredKernel> {
  const inner = onlyStatement(outer);
  if (inner?.kind !== 'for') return illegal(`\`${outer.variable.name}\` does not hold one loop alone.`, 'Hoist what stands between them first.'); // prettier-ignore
  const turns = constantTurns(inner);
  if (!turns.ok) return turns;
  const why = orderMatters(inner.body, [outer.variable, inner.variable], [...around, outer, inner]);
  if (why !== undefined) return illegal(`\`${outer.variable.name}\` and \`${inner.variable.name}\` cannot change places: ${why}.`); // prettier-ignore
  const swapped: Loop = { ...inner, body: { ...outer, body: inner.body } };
  // In another order, elements may be written before others at their place are read.
  return ok({ ...replaced(kernel, outer, swapped), overlaps: [] });
}

export const reorder: Primitive = {
  name: 'reorder',
  summary: 'Swaps a loop with the one that it holds.',
  args: [{ name: 'loop', kind: 'loop', summary: 'The outer of the two loops.' }],
  checks: [
    'the loop holds one loop of constant length and nothing else',
    'turns write elements of their own, or take part in a sum, product, minimum or maximum of integers',
    'what one turn writes no other turn reads; nothing else is carried from turn to turn',
  ],
  example: () => ({ kernel: examples.transposed(), args: { loop: 'i' } }),
  apply: (kernel, { loop: name }) => {
    const at = findLoop(kernel, name);
    return at.ok ? interchanged(kernel, at.value.loop, at.value.around) : at;
  },
};

export const tile: Primitive = {
  name: 'tile',
  summary: 'Visits two nested loops in rectangles: splits both and moves the rectangle inward.',
  args: [
    { name: 'loop', kind: 'loop', summary: 'The outer of the two loops.' },
    { name: 'rows', kind: 'count', summary: 'Turns of the outer loop in a rectangle.' },
    { name: 'columns', kind: 'count', summary: 'Turns of the inner loop in a rectangle.' },
  ],
  checks: ['both numbers of turns are constant and are multiples of the rectangle', 'as for `reorder`'],
  example: () => ({ kernel: examples.transposed(), args: { loop: 'i', rows: 2, columns: 3 } }),
  apply: (kernel, { loop: name, rows, columns }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const outer = at.value.loop;
    const inner = onlyStatement(outer);
    if (inner?.kind !== 'for') return illegal(`\`${String(name)}\` does not hold one loop alone.`);
    for (const [loop, by] of [
      [outer, rows],
      [inner, columns],
    ] as const) {
      const turns = constantTurns(loop);
      if (!turns.ok) return turns;
      if (turns.value % Number(by) !== 0) return illegal(`${turns.value} turns of \`${loop.variable.name}\` are no multiple of ${Number(by)}.`); // prettier-ignore
    }
    const first = split.apply(kernel, { loop: inner.variable.name, factor: columns ?? 1, tail: 'loop' });
    if (!first.ok) return first;
    const second = split.apply(first.value, { loop: outer.variable.name, factor: rows ?? 1, tail: 'loop' });
    return second.ok ? reorder.apply(second.value, { loop: `${outer.variable.name}_inner` }) : second;
  },
};

export const unroll: Primitive = {
  name: 'unroll',
  summary: 'Writes the turns of a loop out, one after the other.',
  args: [
    { name: 'loop', kind: 'loop', summary: 'The loop, an inner one of a `split` as a rule.' },
    {
      name: 'how',
      kind: 'choice',
      values: ['written', 'compiler'],
      default: 'written',
      summary: '`written`: in the C; `compiler`: the C compiler is asked to.',
    },
  ],
  checks: [`the number of turns is constant and at most ${mostCopies}`],
  example: () => ({ kernel: examples.dot(4), args: { loop: 'k', how: 'written' } }),
  apply: (kernel, { loop: name, how }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const { loop } = at.value;
    const turns = constantTurns(loop);
    if (!turns.ok) return turns;
    if (turns.value > mostCopies)
      return illegal(`${turns.value} turns are more than ${mostCopies}.`, 'Split the loop and unroll the inner one.');
    if (how === 'compiler') return ok(replaced(kernel, loop, { ...loop, unroll: true }));
    const copies = Array.from({ length: turns.value }, (_, i) =>
      instance(loop.body, new Map([[loop.variable, ix(i)]]), i === 0 ? '' : `_${i}`),
    );
    return ok(replaced(kernel, loop, block(...copies)));
  },
};

export const distribute: Primitive = {
  name: 'distribute',
  summary: 'Gives every statement of a loop a loop of its own.',
  args: [{ name: 'loop', kind: 'loop', summary: 'The loop; the new ones are numbered.' }],
  checks: [
    'no statement declares what a later one reads',
    'what one statement writes, another reads or writes in the same turn only',
  ],
  example: () => ({ kernel: examples.twoResults(), args: { loop: 'i' } }),
  apply: (kernel, { loop: name }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const { loop, around } = at.value;
    const body = statementsOf(loop.body);
    const turns = constantTurns(loop);
    if (!turns.ok) return turns;
    if (body.length < 2) return fail('illegal-step', `\`${String(name)}\` holds one statement.`);
    if (body.some((s) => s.kind === 'declare' || s.kind === 'point' || s.kind === 'assign' || s.kind === 'advance'))
      return illegal(`A statement of \`${String(name)}\` declares or assigns what others read.`);
    const why = orderMatters(loop.body, [loop.variable], [...around, loop]);
    if (why !== undefined) return illegal(`\`${String(name)}\` cannot be taken apart: ${why}.`);
    const loops = body.map((s, i) => {
      const variable = freshVariable(kernel, `${loop.variable.name}_${i + 1}`);
      return loopOver(variable, turns.value, instance(s, new Map([[loop.variable, variable]])));
    });
    return ok({ ...replaced(kernel, loop, block(...loops)), overlaps: [] });
  },
};

export const loopPrimitives: readonly Primitive[] = [split, fuse, reorder, tile, unroll, distribute];
