/** The primitive that has instructions do what a loop says, and the loops that are the instructions' meaning. */
import { ok } from '../../base/result.ts';
import { add, assign, block, deref, i32, intr, ix, point, pointer, storeVia } from '../../loops/build.ts';
import type { LExpr, Local, LoopVar, Pointer, Stmt } from '../../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../../loops/kernel.ts';
import { mapStatement } from '../../loops/map.ts';
import { elementBytes } from '../../tensor/dtype.ts';
import { operands } from '../../loops/visit.ts';
import { affineOf, expressionOf, parted, plus, type Affine } from '../../loops/affine.ts';
import { rangesIn } from '../float-ranges.ts';
import { largestInteger } from '../monotone-maximum.ts';
import { quantiseFloats } from '../quantise-floats.ts';
import { exactScaling } from '../scale-ranges.ts';
import * as examples from './examples.ts';
import { findLoop, illegal, onlyStatement, replaced, turnsOf, type Loop, type Primitive } from './primitive.ts';

/** Instructions for a loop: what it must say, word for word but for names and places, and what takes its place. */
export interface TensorInstruction {
  readonly name: string;
  readonly summary: string;
  /** Instructions of `targets/intrinsics.ts` that it is made of. */
  readonly uses: readonly string[];
  /** A kernel whose loop is the meaning. */
  readonly meaning: () => LoweredKernel;
  /** The name of that loop in `meaning`. */
  readonly loop: string;
  /** The statements for a loop that says the meaning; a text says why it does not. */
  readonly apply: (loop: Loop, kernel: LoweredKernel) => Stmt | string;
}

/**
 * Where a subscript starts when it steps by one with the variable, and lies at whole words; else undefined. What is no
 * sum of loop variables may be part of it when it is multiplied by whole words.
 */
function wordStart(index: LExpr, variable: LoopVar, buffer: Buffer): LExpr | undefined {
  const bytes = elementBytes(buffer.dtype);
  const aligned = (n: number): boolean => (n * bytes) % 4 === 0;
  let sum: Affine = { constant: 0, terms: new Map() };
  let others: LExpr = ix(0);
  const gather = (e: LExpr): boolean => {
    const affine = affineOf(e);
    if (affine) sum = plus(sum, affine, 1);
    else if (e.kind === 'binary' && e.op === 'add') return gather(e.left) && gather(e.right);
    else {
      const factor = e.kind === 'binary' && e.op === 'mul' && e.right.kind === 'const' ? Number(e.right.value) : 1;
      if (!aligned(factor) || reads(e, variable)) return false;
      others = add(others, e);
    }
    return true;
  };
  if (!gather(index) || sum.terms.get(variable) !== 1) return undefined;
  const { rest } = parted(sum, (v) => v === variable);
  if (![rest.constant, ...rest.terms.values()].every(aligned) || buffer.align % 4 !== 0) return undefined;
  return add(others, expressionOf(rest));
}

const reads = (e: LExpr, variable: LoopVar): boolean => e === variable || operands(e).some((o) => reads(o, variable));

/** Declares a pointer to the word at a position, and reads it. */
function word(buffer: Buffer, at: LExpr, name: string): { readonly declared: Stmt; readonly value: LExpr; readonly pointer: Pointer } {
  const p = pointer(name, buffer, 'int32');
  return { declared: point(p, at), value: deref(p, 0), pointer: p };
} // prettier-ignore

interface Product {
  readonly acc: Local;
  readonly a: { readonly buffer: Buffer; readonly at: LExpr };
  readonly b: { readonly buffer: Buffer; readonly at: LExpr };
}

/** `acc = acc + int32(a[… + k]) · int32(b[… + k])` over `turns` turns. */
function productOf(loop: Loop, turns: number, dtypes: readonly string[]): Product | string {
  if (turnsOf(loop) !== turns) return `it does not run ${turns} turns`;
  const only = onlyStatement(loop);
  if (only?.kind !== 'assign' || only.value.kind !== 'binary' || only.value.op !== 'add' || only.value.dtype !== 'int32')
    return 'it does not add to a sum'; // prettier-ignore
  const { left, right } = only.value;
  const product = left === only.local ? right : right === only.local ? left : undefined;
  if (product?.kind !== 'binary' || product.op !== 'mul') return 'it does not add products';
  const factors = [product.left, product.right].map((f) => {
    const read = f.kind === 'cast' && f.dtype === 'int32' ? f.operand : undefined;
    if (read?.kind !== 'load' || !dtypes.includes(read.buffer.dtype)) return undefined;
    const at = wordStart(read.index, loop.variable, read.buffer);
    return at && { buffer: read.buffer, at };
  });
  const [a, b] = factors;
  if (!a || !b) return `its factors are not ${dtypes.join(' or ')} elements that lie one after the other from whole words on`;
  return { acc: only.local, a, b };
} // prettier-ignore

const widen = (dtype: string): string => (dtype === 'uint8' ? 'uxtb16' : 'sxtb16');

/** A clip to a signed or unsigned width. */
function clipOf(e: LExpr): { readonly name: string; readonly value: LExpr } | undefined {
  if (e.kind !== 'binary' || (e.op !== 'min' && e.op !== 'max') || e.dtype !== 'int32') return undefined;
  const inner = e.left;
  if (inner.kind !== 'binary' || inner.op !== (e.op === 'min' ? 'max' : 'min') || inner.dtype !== 'int32')
    return undefined;
  const bound = (b: LExpr): number | undefined => (b.kind === 'const' ? Number(b.value) : undefined);
  const [outer, other] = [bound(e.right), bound(inner.right)];
  const [low, high] = e.op === 'min' ? [other, outer] : [outer, other];
  const widths = { '-128,127': 'ssat8', '-32768,32767': 'ssat16', '0,255': 'usat8', '0,65535': 'usat16' } as const;
  const name = (widths as Readonly<Record<string, string>>)[`${low},${high}`];
  return name === undefined ? undefined : { name, value: inner.left };
}

/** Most kernels have nothing whose range matters. */
function rangesWhenAsked(kernel: LoweredKernel): ReturnType<typeof rangesIn> {
  let ranges: ReturnType<typeof rangesIn> | undefined;
  return (e) => (ranges ??= rangesIn(kernel))(e);
}

export const tensorInstructions: readonly TensorInstruction[] = [
  {
    name: 'dot2',
    summary: 'Two products of int16 elements added at once.',
    uses: ['smlad'],
    meaning: () => examples.dot(2, 'int16'),
    loop: 'k',
    apply: (loop) => {
      const found = productOf(loop, 2, ['int16']);
      if (typeof found === 'string') return found;
      const [x, y] = [word(found.a.buffer, found.a.at, 'x'), word(found.b.buffer, found.b.at, 'y')];
      return block(x.declared, y.declared, assign(found.acc, intr('smlad', x.value, y.value, found.acc)));
    },
  },
  {
    name: 'dot4',
    summary: 'Four products of bytes: widened to halves by twos, multiplied and added by twos.',
    uses: ['sxtb16', 'sxtb16_ror8', 'uxtb16', 'uxtb16_ror8', 'smlad'],
    meaning: () => examples.dot(4, 'int8'),
    loop: 'k',
    apply: (loop) => {
      const found = productOf(loop, 4, ['int8', 'uint8']);
      if (typeof found === 'string') return found;
      const [x, y] = [word(found.a.buffer, found.a.at, 'x'), word(found.b.buffer, found.b.at, 'y')];
      const [wx, wy] = [widen(found.a.buffer.dtype), widen(found.b.buffer.dtype)];
      const pair = (suffix: string): Stmt =>
        assign(found.acc, intr('smlad', intr(wx + suffix, x.value), intr(wy + suffix, y.value), found.acc));
      return block(x.declared, y.declared, pair(''), pair('_ror8'));
    },
  },
  {
    name: 'copy4',
    summary: 'Four bytes copied as one word.',
    uses: [],
    meaning: () => examples.copied(4),
    loop: 'i',
    apply: (loop) => {
      if (turnsOf(loop) !== 4) return 'it does not run 4 turns';
      const only = onlyStatement(loop);
      if (only?.kind !== 'store' || only.value.kind !== 'load') return 'it does not copy elements';
      const [from, to] = [only.value.buffer, only.buffer];
      if (from.dtype !== to.dtype || elementBytes(to.dtype) !== 1 || to.dtype === 'bool') return 'its elements are not bytes';
      const [read, write] = [wordStart(only.value.index, loop.variable, from), wordStart(only.index, loop.variable, to)];
      if (!read || !write) return 'they do not lie one after the other from whole words on';
      const [x, y] = [word(from, read, 'x'), word(to, write, 'y')];
      return block(x.declared, y.declared, storeVia(y.pointer, 0, x.value));
    },
  },
  {
    name: 'fill4',
    summary: 'Four bytes set to one value as one word.',
    uses: [],
    meaning: () => examples.filled(4),
    loop: 'i',
    apply: (loop) => {
      if (turnsOf(loop) !== 4) return 'it does not run 4 turns';
      const only = onlyStatement(loop);
      if (only?.kind !== 'store' || only.value.kind !== 'const') return 'it does not set elements to a constant';
      const to = only.buffer;
      if (elementBytes(to.dtype) !== 1 || to.dtype === 'bool') return 'its elements are not bytes';
      const start = wordStart(only.index, loop.variable, to);
      if (!start) return 'they do not lie one after the other from whole words on';
      const y = word(to, start, 'y');
      return block(y.declared, storeVia(y.pointer, 0, i32(Math.imul(Number(only.value.value) & 255, 0x01010101))));
    },
  },
  {
    name: 'high_multiply',
    summary: 'Fixed-point scaling of values of a known range by the upper half of one product.',
    uses: ['smmla', 'lsl', 'asr'],
    meaning: () => examples.rescaled(4),
    loop: 'i',
    apply: (loop, kernel) => {
      const made = exactScaling(loop, new Map(), new Map(kernel.constants.map((c) => [c.buffer, c.value])));
      return made === loop ? 'it scales nothing by constants that has a small enough range' : made;
    },
  },
  {
    name: 'saturate',
    summary: 'Clips to 8 or 16 bits by one instruction.',
    uses: ['ssat8', 'ssat16', 'usat8', 'usat16'],
    meaning: () => examples.clipped(4),
    loop: 'i',
    apply: (loop) => {
      let count = 0;
      const body = mapStatement(loop.body, (e) => {
        const clip = clipOf(e);
        if (!clip) return e;
        count++;
        return intr(clip.name, clip.value);
      });
      return count > 0 ? { ...loop, body } : 'it clips nothing to 8 or 16 bits';
    },
  },
  {
    name: 'max_of_integers',
    summary: 'The largest of values that grow with small integers: the largest integer, made into a value once.',
    uses: [],
    meaning: () => examples.largest(4),
    loop: 'i',
    apply: (loop) => largestInteger(loop) ?? 'it finds no largest of values that grow with small integers',
  },
  {
    name: 'normal_exp',
    summary: 'Exponentials that are known to be normal numbers, without a look at where they end.',
    uses: [],
    meaning: () => examples.exponentials(4),
    loop: 'i',
    apply: (loop, kernel) => {
      const rangeOf = rangesWhenAsked(kernel);
      const isNormal = (e: LExpr): boolean => {
        const range = rangeOf(e);
        return range !== undefined && range.min >= -86 && range.max <= 88;
      };
      const made = mapStatement(loop, (e) => {
        const known = e.kind === 'unary' && e.op === 'exp' && e.dtype === 'float32' && !e.normal && isNormal(e.operand);
        return known ? { ...e, normal: true } : e;
      });
      return made === loop ? 'it has no exponential that is known to be a normal number' : made;
    },
  },
  {
    name: 'quantise',
    summary: 'Rounds floats, halves away from zero, and saturates them to bytes by one conversion.',
    uses: ['ssat16_away', 'ssat8_half', 'usat8_half'],
    meaning: () => examples.quantised(4),
    loop: 'i',
    apply: (loop, kernel) => {
      const rangeOf = rangesWhenAsked(kernel);
      const made = quantiseFloats(loop, (e) => rangeOf(e) !== undefined);
      return made === loop ? 'it rounds no float to a byte' : made;
    },
  },
]; // prettier-ignore

export const tensorise: Primitive = {
  name: 'tensorise',
  summary: 'Replaces a loop by instructions that mean the same.',
  args: [
    { name: 'loop', kind: 'loop', summary: 'A loop that says what the instructions mean, the inner one of a `split`.' },
    {
      name: 'instruction',
      kind: 'choice',
      values: tensorInstructions.map((i) => i.name),
      summary: 'Which; the table below has their meaning.',
    },
  ],
  checks: [
    'the loop is the instruction’s meaning but for names and places',
    'what is read or written as words lies at whole words',
  ],
  example: () => ({ kernel: examples.dot(4, 'int8'), args: { loop: 'k', instruction: 'dot4' } }),
  apply: (kernel, { loop: name, instruction }) => {
    const at = findLoop(kernel, name);
    if (!at.ok) return at;
    const record = tensorInstructions.find((i) => i.name === instruction);
    if (!record) return illegal(`There is no instruction \`${String(instruction)}\`.`);
    const made = record.apply(at.value.loop, kernel);
    if (typeof made === 'string')
      return illegal(`\`${String(name)}\` is not the meaning of \`${record.name}\`: ${made}.`);
    // Words are read and written at once, so elements may not follow closely behind one another.
    return ok({ ...replaced(kernel, at.value.loop, made), overlaps: [] });
  },
};
