/** When the turns of loops may run in another order. */
import type { LExpr, Local, LoopVar, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer } from '../../loops/kernel.ts';
import { sameExpression } from '../../loops/map.ts';
import { expressionsOf, operands, substatements } from '../../loops/visit.ts';
import { affineOf, isInjective, sameAffine, type Affine } from '../../loops/affine.ts';
import { extentsOf, isWrapping, loopsOf, type Loop } from './primitive.ts';

/** What a piece of code reads and writes. */
export interface Effects {
  readonly loads: readonly { readonly buffer: Buffer; readonly index: LExpr }[];
  readonly stores: readonly Extract<Stmt, { kind: 'store' }>[];
  /** Buffers read or written at a pointer. */
  readonly pointed: ReadonlySet<Buffer>;
  readonly pointedWrites: ReadonlySet<Buffer>;
  readonly declared: ReadonlySet<Local>;
  readonly assigned: readonly Extract<Stmt, { kind: 'assign' }>[];
  readonly performed: ReadonlySet<Local>;
  readonly pointers: ReadonlySet<Pointer>;
  readonly moved: ReadonlySet<Pointer>;
  /** How often each local is read. */
  readonly reads: ReadonlyMap<Local, number>;
}

export function effectsOf(root: Stmt): Effects {
  const loads: { buffer: Buffer; index: LExpr }[] = [];
  const stores: Extract<Stmt, { kind: 'store' }>[] = [];
  const assigned: Extract<Stmt, { kind: 'assign' }>[] = [];
  const [pointed, pointedWrites] = [new Set<Buffer>(), new Set<Buffer>()];
  const [declared, performed] = [new Set<Local>(), new Set<Local>()];
  const [pointers, moved] = [new Set<Pointer>(), new Set<Pointer>()];
  const reads = new Map<Local, number>();
  const expression = (e: LExpr): void => {
    if (e.kind === 'load') loads.push(e);
    if (e.kind === 'deref') pointed.add(e.pointer.buffer);
    if (e.kind === 'local') reads.set(e, (reads.get(e) ?? 0) + 1);
    operands(e).forEach(expression);
  };
  const statement = (s: Stmt): void => {
    if (s.kind === 'store') stores.push(s);
    if (s.kind === 'declare') declared.add(s.local);
    if (s.kind === 'assign') assigned.push(s);
    if (s.kind === 'point') pointers.add(s.pointer);
    if (s.kind === 'advance') moved.add(s.pointer);
    if (s.kind === 'store_via') pointedWrites.add(s.pointer.buffer);
    if (s.kind === 'perform') {
      s.results.forEach((r) => performed.add(r));
      // Without a table of what each instruction does, one at a pointer may write there.
      if (s.at) pointedWrites.add(s.at.pointer.buffer);
    }
    expressionsOf(s).forEach(expression);
    substatements(s).forEach(statement);
  };
  statement(root);
  return { loads, stores, pointed, pointedWrites, declared, assigned, performed, pointers, moved, reads };
}

/** All buffers that the code may change. */
export function writtenBy(effects: Effects): Set<Buffer> {
  return new Set([...effects.stores.map((s) => s.buffer), ...effects.pointedWrites]);
}

const commutative = new Set(['add', 'mul', 'min', 'max', 'and', 'or', 'xor']);

/** `target op e` where the order of several such steps does not matter; the other operand. */
function accumulation(value: LExpr, isTarget: (e: LExpr) => boolean): { op: string; other: LExpr } | undefined {
  if (value.kind !== 'binary' || !commutative.has(value.op) || !isWrapping(value)) return undefined;
  if (isTarget(value.left)) return { op: value.op, other: value.right };
  return isTarget(value.right) ? { op: value.op, other: value.left } : undefined;
}

/**
 * Why the turns of the loops of `over` around `body` may not run in any order; undefined when they may. `around` are
 * all loops outside of `body`, those of `over` among them.
 */
export function orderMatters(body: Stmt, over: readonly LoopVar[], around: readonly Loop[]): string | undefined {
  const effects = effectsOf(body);
  const outerLocals = localsThatLeave(effects);
  if (typeof outerLocals === 'string') return outerLocals;
  for (const pointer of effects.moved)
    if (!effects.pointers.has(pointer)) return `the pointer \`${pointer.name}\` moves from turn to turn`;
  for (const buffer of effects.pointedWrites) return `\`${buffer.name}\` is written at a pointer`;
  const inside = [...around, ...loopsOf(body).map((l) => l.loop)];
  const moving = new Set(over);
  const extents = extentsOf(inside.filter((l) => moving.has(l.variable) || !around.includes(l)));
  for (const buffer of writtenBy(effects)) {
    if (effects.pointed.has(buffer)) return `\`${buffer.name}\` is read at a pointer and written`;
    const why = storesInOrder(buffer, effects, over, extents);
    if (why !== undefined) return why;
  }
  return undefined;
}

function localsThatLeave(effects: Effects): string | undefined {
  const perLocal = new Map<Local, string>();
  for (const { local, value } of effects.assigned) {
    if (effects.declared.has(local)) continue;
    const step = accumulation(value, (e) => e === local);
    const op = perLocal.get(local);
    const count = effects.assigned.filter((a) => a.local === local).length;
    if (!step || (op !== undefined && op !== step.op) || (effects.reads.get(local) ?? 0) !== count)
      return `\`${local.name}\` is carried from turn to turn, and its steps give another result in another order`;
    perLocal.set(local, step.op);
  }
  for (const local of effects.performed)
    if (!effects.declared.has(local)) return `\`${local.name}\` is carried from turn to turn by an instruction`;
  return undefined;
}

function storesInOrder(
  buffer: Buffer,
  effects: Effects,
  over: readonly LoopVar[],
  extents: ReturnType<typeof extentsOf>,
): string | undefined {
  const stores = effects.stores.filter((s) => s.buffer === buffer);
  const loads = effects.loads.filter((l) => l.buffer === buffer);
  const places: (Affine | undefined)[] = [...stores, ...loads].map((a) => affineOf(a.index));
  const [first] = places;
  if (!first || places.some((p) => !p || !sameAffine(p, first)))
    return `turns read or write elements of \`${buffer.name}\` that other turns write`;
  if (isInjective(first, over, extents)) return undefined;
  const [store] = stores;
  const step = store && accumulation(store.value, (e) => e.kind === 'load' && e.buffer === buffer && sameExpression(e.index, store.index)); // prettier-ignore
  if (stores.length === 1 && loads.length === 1 && step) return undefined;
  return `several turns write the same element of \`${buffer.name}\``;
}
