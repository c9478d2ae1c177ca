/** Primitives on values and buffers: where they are computed, how they lie in memory. */
import { ok, type Result } from '../../base/result.ts';
import { add, block, cast, ix, load, loop, store } from '../../loops/build.ts';
import type { LExpr, LoopVar, Stmt } from '../../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../../loops/kernel.ts';
import { mapStatement, mapSubstatements } from '../../loops/map.ts';
import { allocateElements } from '../../tensor/ndarray.ts';
import { dtypeInfo } from '../../tensor/dtype.ts';
import {
  affineOf,
  expressionOf,
  isInjective,
  parted,
  plus,
  rangeOf,
  sameAffine,
  type Affine,
} from '../../loops/affine.ts';
import { effectsOf, writtenBy } from './dependence.ts';
import * as examples from './examples.ts';
import { findLoop, extentsOf, illegal, instance, loopsOf, replaced, type Loop, type Primitive } from './primitive.ts';

/** A name that no buffer of the kernel has. */
function freshBuffer(kernel: LoweredKernel, wanted: string): string {
  const all = [...kernel.inputs, ...kernel.outputs, ...kernel.scratch, ...kernel.constants.map((c) => c.buffer)];
  const taken = new Set(all.map((b) => b.name));
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  return name;
}

/** A statement with the loads of a buffer replaced. */
function withLoads(root: Stmt, buffer: Buffer, value: (index: LExpr) => LExpr): Stmt {
  return mapStatement(root, (e) => (e.kind === 'load' && e.buffer === buffer ? value(e.index) : e));
}

export const cacheRead: Primitive = {
  name: 'cache_read',
  summary: 'Copies what each turn of a loop reads of a buffer into working memory first, widened if asked for.',
  args: [
    { name: 'buffer', kind: 'buffer', summary: 'An input or constant.' },
    { name: 'loop', kind: 'loop', summary: 'The loop before whose body the copy is made, in each turn.' },
    {
      name: 'dtype',
      kind: 'choice',
      values: ['same', 'int16', 'int32'],
      default: 'same',
      summary: 'Element type of the copy; wider integers are converted once instead of at every use.',
    },
  ],
  checks: [
    'subscripts are sums of loop variables with constant factors, alike in the loops around the copy',
    'the buffer is not written in the loop, nor read at a pointer',
    'all that is copied lies inside the buffer',
    'the wider type is an integer that holds all values',
  ],
  example: () => ({ kernel: examples.filtered(), args: { buffer: 'w', loop: 'i', dtype: 'int32' } }),
  apply: (kernel, { buffer: name, loop: at, dtype: asked }) => {
    const found = findLoop(kernel, at);
    if (!found.ok) return found;
    const { loop: outer, around } = found.value;
    const effects = effectsOf(outer.body);
    const buffer = effects.loads.find((l) => l.buffer.name === name)?.buffer;
    if (!buffer) return illegal(`\`${String(name)}\` is not read in \`${String(at)}\`.`);
    if (writtenBy(effects).has(buffer) || effects.pointed.has(buffer)) return illegal(`\`${buffer.name}\` is written, or read at a pointer, in \`${String(at)}\`.`); // prettier-ignore
    const dtype = asked === 'same' ? buffer.dtype : String(asked);
    if (!holds(dtype, buffer.dtype)) return illegal(`${dtype} does not hold all values of ${buffer.dtype}.`);
    const inner = loopsOf(outer.body).map((l) => l.loop);
    const innerVariables = new Set(inner.map((l) => l.variable));
    const extents = extentsOf([...around, outer, ...inner]);
    let base: Affine | undefined;
    let [low, high] = [Infinity, -Infinity];
    for (const { index } of effects.loads.filter((l) => l.buffer === buffer)) {
      const whole = affineOf(index);
      if (!whole) return illegal(`A subscript of \`${buffer.name}\` is no sum of loop variables.`);
      const { part, rest } = parted(whole, (v) => innerVariables.has(v));
      const common: Affine = { constant: 0, terms: rest.terms };
      base ??= common;
      const range = rangeOf({ ...part, constant: rest.constant }, extents);
      if (!range || !sameAffine(common, base)) return illegal(`\`${buffer.name}\` is read at places that move apart.`);
      low = Math.min(low, range.low);
      high = Math.max(high, range.high);
    }
    const start = { ...(base ?? { terms: new Map<LoopVar, number>() }), constant: low };
    const reach = rangeOf(start, extents);
    if (!reach || reach.low < 0 || reach.high + (high - low) >= buffer.length)
      return illegal(`Some of what would be copied lies outside of \`${buffer.name}\`.`);
    const cache: Buffer = {
      name: freshBuffer(kernel, `${buffer.name}_cache`),
      dtype,
      length: high - low + 1,
      align: 8,
    };
    const copy = loop(`${buffer.name}_copy`, cache.length, (t) =>
      store(cache, t, cast(dtype, load(buffer, add(expressionOf(start), t)))),
    );
    const body = withLoads(outer.body, buffer, (index) => {
      const whole = affineOf(index);
      const place = whole ? plus(whole, start, -1) : { constant: 0, terms: new Map<LoopVar, number>() };
      return cast(buffer.dtype, load(cache, expressionOf(place)));
    });
    // What was narrowed to its old type only to be widened again stays as it is.
    const direct = mapStatement(body, (e) =>
      e.kind === 'cast' && e.operand.kind === 'cast' && e.operand.operand.kind === 'load' && e.operand.operand.buffer === cache
        ? cast(e.dtype, e.operand.operand)
        : e,
    ); // prettier-ignore
    const next = replaced(kernel, outer, { ...outer, body: block(copy, direct) });
    return ok({ ...next, scratch: [...kernel.scratch, cache] });
  },
};

function holds(wide: string, narrow: string): boolean {
  if (wide === narrow) return true;
  const [w, n] = [dtypeInfo(wide), dtypeInfo(narrow)];
  if (!w || !n || w.code !== 'int') return false;
  return n.code === 'int' ? w.bits >= n.bits : n.code === 'uint' && w.bits > n.bits;
}

export const pack: Primitive = {
  name: 'pack',
  summary: 'Lays a constant out in the order in which the loops read it, at compile time.',
  args: [{ name: 'buffer', kind: 'buffer', summary: 'A constant.' }],
  checks: [
    'the constant is read at one place, or at several by the same subscript',
    'the subscript is a sum of variables of loops of constant length, which gives every element at most once',
  ],
  example: () => ({ kernel: examples.filtered(), args: { buffer: 'w' } }),
  apply: (kernel, { buffer: name }) => {
    const constant = kernel.constants.find((c) => c.buffer.name === name);
    if (!constant) return illegal(`\`${String(name)}\` is no constant of this kernel.`);
    const { buffer, value } = constant;
    const effects = effectsOf(kernel.body);
    if (effects.pointed.has(buffer)) return illegal(`\`${buffer.name}\` is read at a pointer.`);
    const places = effects.loads.filter((l) => l.buffer === buffer).map((l) => affineOf(l.index));
    const [first] = places;
    if (!first || places.some((p) => !p || !sameAffine(p, first)))
      return illegal(`\`${buffer.name}\` is read by several subscripts, or by none that is a sum of loop variables.`);
    const order = loopsOf(kernel.body).map((l) => l.loop).filter((l) => first.terms.has(l.variable)); // prettier-ignore
    const extents = extentsOf(order);
    if (!isInjective(first, order.map((l) => l.variable), extents) || extents.size !== order.length)
      return illegal(`Turns share elements of \`${buffer.name}\`, or a loop has no constant length.`); // prettier-ignore
    const counts = order.map((l) => extents.get(l.variable) ?? 1);
    const length = counts.reduce((a, b) => a * b, 1);
    const data = allocateElements(buffer.dtype, length);
    if (!data) return illegal(`${buffer.dtype} has no memory layout.`);
    const terms = new Map<LoopVar, number>();
    order.reduceRight((stride, l, d) => {
      terms.set(l.variable, stride);
      return stride * (counts[d] ?? 1);
    }, 1);
    for (let i = 0; i < length; i++) {
      let from = first.constant;
      for (const [v, stride] of terms)
        from += (Math.floor(i / stride) % (extents.get(v) ?? 1)) * (first.terms.get(v) ?? 0);
      const element = value.data[from];
      // A condition around the read keeps it inside; packed, it would be read for every turn.
      if (element === undefined) return illegal(`Some turns would read outside \`${buffer.name}\`.`);
      data[i] = element as never; // the same element type on both sides
    }
    const packed: Buffer = { ...buffer, name: freshBuffer(kernel, `${buffer.name}_packed`), length };
    const body = withLoads(kernel.body, buffer, () => load(packed, expressionOf({ constant: 0, terms })));
    const stored = { buffer: packed, value: { dtype: value.dtype, shape: [length], data } };
    return ok({ ...kernel, body, constants: kernel.constants.map((c) => (c === constant ? stored : c)) });
  },
};

/** The top-level statement that fills a temporary, and those behind it. */
function producerOf(kernel: LoweredKernel, name: unknown): Result<{ buffer: Buffer; nest: Loop; at: number; body: readonly Stmt[] }> {
  const buffer = kernel.scratch.find((b) => b.name === name);
  if (!buffer) return illegal(`\`${String(name)}\` is no temporary of this kernel.`);
  const body = flattened(kernel.body);
  const writers = body.flatMap((s, i) => (writtenBy(effectsOf(s)).has(buffer) ? [i] : []));
  const [at] = writers;
  const nest = at === undefined ? undefined : body[at];
  if (writers.length !== 1 || at === undefined || nest?.kind !== 'for')
    return illegal(`\`${buffer.name}\` is not written by one loop nest.`);
  const effects = effectsOf(nest);
  if (effects.loads.some((l) => l.buffer === buffer) || effects.pointed.size > 0 || effects.pointedWrites.size > 0)
    return illegal(`The loops that write \`${buffer.name}\` read it, or use pointers.`);
  if (writtenBy(effects).size !== 1) return illegal(`The loops that write \`${buffer.name}\` write something else too.`);
  return ok({ buffer, nest, at, body });
} // prettier-ignore

function flattened(s: Stmt): readonly Stmt[] {
  return s.kind === 'block' ? s.body.flatMap(flattened) : [s];
}

export const computeAt: Primitive = {
  name: 'compute_at',
  summary: 'Computes a part of a temporary in each turn of the loop that reads it, and keeps no more of it.',
  args: [
    { name: 'buffer', kind: 'buffer', summary: 'A temporary.' },
    { name: 'loop', kind: 'loop', summary: 'An outermost loop that reads it.' },
  ],
  checks: [
    'one loop nest writes the temporary and nothing else; only the given loop reads it',
    'both run the same number of turns, and a turn reads what the same turn of the other writes',
    'nothing that the producer reads is written between them or in the consumer',
  ],
  example: () => ({ kernel: examples.rowSums(), args: { buffer: 't', loop: 'r' } }),
  apply: (kernel, { buffer: name, loop: target }) => {
    const made = producerOf(kernel, name);
    if (!made.ok) return made;
    const { buffer, nest, at, body } = made.value;
    const found = findLoop(kernel, target);
    if (!found.ok) return found;
    const consumer = found.value.loop;
    const to = body.indexOf(consumer);
    if (to <= at) return illegal(`\`${String(target)}\` is no outermost loop behind the one that writes \`${buffer.name}\`.`); // prettier-ignore
    const turns = extentsOf([nest]).get(nest.variable);
    if (turns === undefined || turns !== extentsOf([consumer]).get(consumer.variable))
      return illegal(`The two loops do not run the same number of turns.`);
    const needed = new Set(effectsOf(nest).loads.map((l) => l.buffer));
    for (const [i, s] of body.entries()) {
      const effects = effectsOf(s);
      if (i !== to && (effects.loads.some((l) => l.buffer === buffer) || effects.pointed.has(buffer)))
        return illegal(`\`${buffer.name}\` is read elsewhere too.`);
      if (i > at && i <= to) for (const b of writtenBy(effects)) if (needed.has(b)) return illegal(`\`${b.name}\` is written before the temporary would be computed.`); // prettier-ignore
    }
    const slice = sliceOf(buffer, nest, consumer);
    if (slice === undefined) return illegal(`A turn of \`${String(target)}\` reads what another turn computes.`);
    const small: Buffer = { ...buffer, length: slice };
    const local = (root: Stmt, variable: LoopVar): Stmt => {
      const place = (index: LExpr): LExpr => {
        const whole = affineOf(index);
        return whole ? expressionOf(plus(whole, { constant: 0, terms: new Map([[variable, slice]]) }, -1)) : index;
      };
      const read = withLoads(root, buffer, (index) => load(small, place(index)));
      return withStores(read, buffer, small, place);
    };
    const variable = consumer.variable;
    const first = instance(local(nest.body, nest.variable), new Map([[nest.variable, variable]]));
    const merged: Stmt = { ...consumer, body: block(first, local(consumer.body, variable)) };
    const statements = body.flatMap((s, i) => (i === at ? [] : i === to ? [merged] : [s]));
    const scratch = kernel.scratch.map((b) => (b === buffer ? small : b));
    return ok({ ...kernel, body: block(...statements), scratch, overlaps: [] });
  },
};

/** Elements that a turn writes and the same turn of the consumer reads; undefined when turns share elements. */
function sliceOf(buffer: Buffer, producer: Loop, consumer: Loop): number | undefined {
  const inner = (l: Loop): Loop[] => [l, ...loopsOf(l.body).map((x) => x.loop)];
  const extents = extentsOf([...inner(producer), ...inner(consumer)]);
  const places = [
    ...effectsOf(producer).stores.filter((s) => s.buffer === buffer).map((s) => ({ index: s.index, variable: producer.variable })),
    ...effectsOf(consumer).loads.filter((l) => l.buffer === buffer).map((l) => ({ index: l.index, variable: consumer.variable })),
  ]; // prettier-ignore
  if (places.length < 2) return undefined;
  let slice: number | undefined;
  for (const { index, variable } of places) {
    const whole = affineOf(index);
    const factor = whole?.terms.get(variable);
    if (!whole || factor === undefined || factor !== (slice ??= factor)) return undefined;
    const range = rangeOf(parted(whole, (v) => v === variable).rest, extents);
    if (!range || range.low < 0 || range.high >= factor) return undefined;
  }
  return slice;
}

/** A statement that stores into another buffer. */
function withStores(root: Stmt, from: Buffer, to: Buffer, place: (index: LExpr) => LExpr): Stmt {
  const visit = (s: Stmt): Stmt =>
    s.kind === 'store' && s.buffer === from ? { ...s, buffer: to, index: place(s.index) } : mapSubstatements(s, visit);
  return visit(root);
}

export const inline: Primitive = {
  name: 'inline',
  summary: 'Computes the elements of a temporary where they are read, and drops the temporary.',
  args: [{ name: 'buffer', kind: 'buffer', summary: 'A temporary.' }],
  checks: [
    'one loop nest writes the temporary: one store under loops of constant length, each element once',
    'subscripts that read it fall apart into values of those loops',
    'what the producer reads is not written afterwards',
  ],
  example: () => ({ kernel: examples.rowSums(), args: { buffer: 't' } }),
  apply: (kernel, { buffer: name }) => {
    const made = producerOf(kernel, name);
    if (!made.ok) return made;
    const { buffer, nest, at, body } = made.value;
    const loops = [nest, ...loopsOf(nest.body).map((l) => l.loop)];
    const extents = extentsOf(loops);
    const [only] = flattened((loops.at(-1) ?? nest).body);
    if (only?.kind !== 'store' || extents.size !== loops.length || effectsOf(nest).declared.size > 0 || effectsOf(nest).stores.length !== 1)
      return illegal(`\`${buffer.name}\` is not made by one store under loops of constant length.`); // prettier-ignore
    const index = affineOf(only.index);
    if (!index || !isInjective(index, loops.map((l) => l.variable), extents))
      return illegal(`Elements of \`${buffer.name}\` are written more than once.`); // prettier-ignore
    const needed = new Set(effectsOf(nest).loads.map((l) => l.buffer));
    const rest = body.filter((_, i) => i !== at);
    for (const s of body.slice(at + 1))
      for (const b of writtenBy(effectsOf(s)))
        if (needed.has(b)) return illegal(`\`${b.name}\` is written after \`${buffer.name}\` is computed.`);
    const everywhere = extentsOf(loopsOf(kernel.body).map((l) => l.loop));
    const problems: string[] = [];
    const statements = rest.map((s) =>
      withLoads(s, buffer, (e) => {
        const values = solved(e, index, extents, everywhere);
        if (values) return cast(buffer.dtype, valueAt(only.value, values));
        problems.push('unsolved');
        return e;
      }),
    );
    const pointed = rest.some((s) => effectsOf(s).pointed.has(buffer));
    if (problems.length > 0 || pointed) return illegal(`\`${buffer.name}\` is read at places that do not say which turn wrote them.`); // prettier-ignore
    return ok({
      ...kernel,
      body: block(...statements),
      scratch: kernel.scratch.filter((b) => b !== buffer),
      overlaps: [],
    });
  },
};

function valueAt(value: LExpr, values: ReadonlyMap<LExpr, LExpr>): LExpr {
  const wrapped = instance({ kind: 'assign', local: { kind: 'local', name: '', dtype: 'int32' }, value }, values);
  return wrapped.kind === 'assign' ? wrapped.value : value;
}

/** The values of the producer's variables that give the element read; undefined when they cannot be told. */
function solved(
  read: LExpr,
  index: Affine,
  own: ReadonlyMap<LoopVar, number>,
  extents: ReadonlyMap<LoopVar, number>,
): ReadonlyMap<LExpr, LExpr> | undefined {
  const whole = affineOf(read);
  if (!whole) return undefined;
  let { constant } = plus(whole, { constant: index.constant, terms: new Map() }, -1);
  const byFactor = [...index.terms].sort(([, f], [, g]) => g - f);
  if (byFactor.some(([, f]) => f < 1)) return undefined;
  const terms = new Map(whole.terms);
  const values = new Map<LExpr, LExpr>();
  for (const [v] of own) if (!index.terms.has(v)) values.set(v, ix(0));
  for (const [v, factor] of byFactor) {
    const part = new Map<LoopVar, number>();
    for (const [reader, by] of terms)
      if (by % factor === 0) {
        part.set(reader, by / factor);
        terms.delete(reader);
      }
    const whole_ = Math.floor(constant / factor);
    constant -= whole_ * factor;
    const value: Affine = { constant: whole_, terms: part };
    const range = rangeOf(value, extents);
    if (!range || range.low < 0 || range.high >= (own.get(v) ?? 0)) return undefined;
    values.set(v, expressionOf(value));
  }
  return terms.size === 0 && constant === 0 ? values : undefined;
}

export const memoryPrimitives: readonly Primitive[] = [cacheRead, pack, computeAt, inline];
