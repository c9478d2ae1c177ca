/** What a scheduling primitive is: a named rewrite of a kernel's loops with documented arguments and legality checks. */
import { fail, ok, type Result } from '../../base/result.ts';
import { bin } from '../../loops/build.ts';
import type { LExpr, LoopVar, Stmt } from '../../loops/ir.ts';
import { typeOfExpr } from '../../loops/ir.ts';
import type { LoweredKernel } from '../../loops/kernel.ts';
import { copyOf, mapStatement, mapSubstatements } from '../../loops/map.ts';
import { substatements } from '../../loops/visit.ts';
import type { Extents } from '../../loops/affine.ts';

export type Loop = Extract<Stmt, { kind: 'for' }>;
export type ArgumentValue = number | string | boolean;
export type Arguments = Readonly<Record<string, ArgumentValue>>;

export interface ArgumentSpec {
  readonly name: string;
  /** `loop` and `buffer` are names in the kernel as it is at that step. */
  readonly kind: 'loop' | 'buffer' | 'count' | 'choice';
  readonly summary: string;
  /** What a choice is made from. */
  readonly values?: readonly ArgumentValue[];
  /** What stands when the argument is left out. */
  readonly default?: ArgumentValue;
}

export interface Primitive {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly args: readonly ArgumentSpec[];
  /** What is checked before anything changes, a clause each. */
  readonly checks: readonly string[];
  /** A kernel and arguments: documentation and test. */
  readonly example: () => { readonly kernel: LoweredKernel; readonly args: Arguments };
  /** The rewritten kernel. Arguments are complete and of their kinds; a failure says what check does not hold. */
  readonly apply: (kernel: LoweredKernel, args: Arguments) => Result<LoweredKernel>;
}

/** A refusal of a step: what does not hold, and what could be done instead. */
export function illegal(message: string, remedy?: string): Result<never> {
  return fail('illegal-step', message, remedy);
}

export interface LocatedLoop {
  readonly loop: Loop;
  /** Loops around it, the outermost first. */
  readonly around: readonly Loop[];
}

/** All loops, each before those in it. */
export function loopsOf(root: Stmt): LocatedLoop[] {
  const found: LocatedLoop[] = [];
  const collect = (s: Stmt, around: readonly Loop[]): void => {
    if (s.kind === 'for') found.push({ loop: s, around });
    const inside = s.kind === 'for' ? [...around, s] : around;
    for (const inner of substatements(s)) collect(inner, inside);
  };
  collect(root, []);
  return found;
}

/** The loop of that name. */
export function findLoop(kernel: LoweredKernel, name: ArgumentValue | undefined): Result<LocatedLoop> {
  const all = loopsOf(kernel.body);
  const found = all.find((l) => l.loop.variable.name === name);
  if (found) return ok(found);
  const names = all.map((l) => l.loop.variable.name).join(', ') || 'none';
  return fail('no-such-loop', `There is no loop \`${String(name)}\` here.`, `Loops: ${names}.`);
}

/** The number of turns when it is a constant. */
export function turnsOf(loop: Loop): number | undefined {
  return loop.extent.kind === 'const' ? Number(loop.extent.value) : undefined;
}

/** Turns of a loop that has to be of constant length. */
export function constantTurns(loop: Loop): Result<number> {
  const turns = turnsOf(loop);
  if (turns !== undefined && turns >= 1) return ok(turns);
  return illegal(`The loop \`${loop.variable.name}\` has no constant number of turns.`);
}

/** Extents of the loops in a list that are of constant length. */
export function extentsOf(loops: readonly Loop[]): Extents {
  return new Map(
    loops.flatMap((l) => {
      const turns = turnsOf(l);
      return turns === undefined ? [] : [[l.variable, turns] as const];
    }),
  );
}

/** The statements of a body. */
export function statementsOf(s: Stmt): readonly Stmt[] {
  return s.kind === 'block' ? s.body.flatMap(statementsOf) : [s];
}

/** The one statement that a loop holds; undefined when it holds several. */
export function onlyStatement(loop: Loop): Stmt | undefined {
  const body = statementsOf(loop.body);
  return body.length === 1 ? body[0] : undefined;
}

/** The kernel with one statement replaced, found by identity. */
export function replaced(kernel: LoweredKernel, from: Stmt, to: Stmt): LoweredKernel {
  const visit = (s: Stmt): Stmt => (s === from ? to : mapSubstatements(s, visit));
  return { ...kernel, body: folded(visit(kernel.body)) };
}

/** Subscript arithmetic on constants carried out. */
export function folded(s: Stmt): Stmt {
  return mapStatement(s, (e): LExpr => (e.kind === 'binary' && e.dtype === 'index' ? bin(e.op, e.left, e.right) : e));
}

/** A loop with variables replaced; `suffix` is appended to what it declares. */
export function instance(body: Stmt, values: ReadonlyMap<LExpr, LExpr>, suffix = ''): Stmt {
  return folded(copyOf(body, values, suffix));
}

/** A loop variable whose name no other loop of the kernel has. */
export function freshVariable(kernel: LoweredKernel, wanted: string): LoopVar {
  const taken = new Set(loopsOf(kernel.body).map((l) => l.loop.variable.name));
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  return { kind: 'loopvar', name };
}

/** The kernel with a name of its own for every loop, in program order: `i`, `i_2`, … */
export function withNamedLoops(kernel: LoweredKernel): LoweredKernel {
  const taken = new Set<string>();
  const variables = new Map<LExpr, LoopVar>();
  const fresh = (wanted: string): string => {
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };
  const written = loopsOf(kernel.body);
  // Code that stands in two places has its variables twice: it is taken apart first.
  const distinct = new Set(written.map((l) => l.loop.variable)).size === written.length;
  const root = distinct ? kernel.body : copyOf(kernel.body, new Map(), '');
  for (const { loop } of loopsOf(root)) {
    const name = fresh(loop.variable.name);
    if (name !== loop.variable.name) variables.set(loop.variable, { kind: 'loopvar', name });
  }
  if (variables.size === 0) return distinct ? kernel : { ...kernel, body: root };
  const visit = (s: Stmt): Stmt => {
    const inside = mapSubstatements(s, visit);
    return inside.kind === 'for' ? { ...inside, variable: variables.get(inside.variable) ?? inside.variable } : inside;
  };
  return { ...kernel, body: mapStatement(visit(root), (e) => variables.get(e) ?? e) };
}

/** Whether a type is an integer of at most 32 bits, in which sums may be taken in any order. */
export function isWrapping(e: LExpr): boolean {
  const type = typeOfExpr(e);
  return type === 'index' || /^u?int/.test(type) || type === 'bool';
}
