/** Loop IR to C99: one function a kernel, its constants as static arrays. */
import type { LExpr, Local, ScalarType, Stmt } from '../loops/ir.ts';
import { typeOfExpr } from '../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { usesVariable } from '../loops/visit.ts';
import { dtypeInfo, isFloat, isUnsigned } from '../tensor/dtype.ts';
import { unreachable } from '../base/result.ts';
import { intrinsic } from '../targets/intrinsics.ts';
import { cType, type Helpers } from './helpers.ts';
import { floatFunction } from './float-functions.ts';
import { emitConstant, literal, operandLiteral, type ConstantText } from './constants.ts';
import { identifier, Names } from './names.ts';
import { comment } from './text.ts';

/** A kernel's C, without includes and helpers. */
export interface KernelText {
  /** The function's name. */
  readonly name: string;
  /** The function, its comment above it. */
  readonly text: string;
  /** Its `static const` arrays, in the order of first use. */
  readonly constants: readonly ConstantText[];
  /** The prototype, `static` left out. */
  readonly prototype: string;
  readonly constantBytes: number;
}

/** C that stands alone but for helpers: the arrays with their values, then the function. */
export function selfContained({ text, constants }: KernelText): string {
  return [...constants.map((c) => c.definition), text].join('\n');
}

export interface KernelOptions {
  /** The function's name when it shall not be made from the kernel's. */
  readonly name?: string;
  readonly comment?: readonly string[];
  readonly linkage?: 'static ' | '';
  /**
   * No constants are computed and no statements joined, so that kernels that differ in sizes alone differ in literals
   * alone.
   */
  readonly literally?: boolean;
  /** Constants come as parameters behind the others, so that kernels of one form can share a function. */
  readonly constantsAsParameters?: boolean;
}

/** C of one kernel. Parameters: inputs, outputs, scratch buffers, scalars, in that order. */
export function emitKernel(kernel: LoweredKernel, helpers: Helpers, options: KernelOptions = {}): KernelText {
  const name = options.name ?? identifier(kernel.name, 'kernel');
  const writer = new Writer(helpers, options.literally === true);
  const asParameters = options.constantsAsParameters === true;
  const stored = asParameters ? [] : kernel.constants;
  const symbols = stored.map(({ buffer }) =>
    writer.names.settle(buffer, `${name}_${identifier(buffer.name, 'constant')}`),
  );
  const parameters = [
    ...kernel.inputs.map((b) => `const ${cType(b.dtype)} *${writer.names.of(b, b.name)}`),
    ...[...kernel.outputs, ...kernel.scratch].map((b) => `${cType(b.dtype)} *${writer.names.of(b, b.name)}`),
  ];
  for (const s of kernel.scalars ?? []) parameters.push(`const ${cType(s.dtype)} ${writer.names.of(s, s.name)}`);
  if (asParameters)
    for (const { buffer: b } of kernel.constants)
      parameters.push(`const ${cType(b.dtype)} *${writer.names.of(b, b.name)}`);
  for (const buffer of kernel.inputs) writer.readOnly.add(buffer);
  for (const { buffer } of kernel.constants) writer.readOnly.add(buffer);
  const prototype = `void ${name}(${parameters.join(', ') || 'void'})`;
  const body = writer.lines([kernel.body], 1);
  const constants = stored.flatMap(({ buffer, value }, i) =>
    writer.used.has(buffer) ? [emitConstant(symbols[i] ?? '', buffer, value, options.comment?.[0])] : [],
  );
  const passed = asParameters ? kernel.constants.map((c) => c.buffer) : [];
  const unused = [...kernel.inputs, ...kernel.outputs, ...kernel.scratch, ...passed].filter((b) => !writer.used.has(b));
  const text = [
    ...(options.comment?.length ? [comment(options.comment)] : []),
    `${options.linkage ?? 'static '}${prototype}`,
    '{',
    ...unused.map((b) => `  (void)${writer.names.of(b, b.name)};`),
    ...(kernel.scalars ?? []).flatMap((s) => (writer.locals.has(s) ? [] : [`  (void)${writer.names.of(s, s.name)};`])),
    ...body,
    '}',
  ].join('\n');
  return { name, text, constants, prototype, constantBytes: constants.reduce((n, c) => n + c.bytes, 0) };
}

/** Binding strength of C operators, for as few parentheses as clarity wants. */
const strength: Record<string, number> = { '*': 10, '/': 10, '%': 10, '+': 9, '-': 9 };
const atom = 20;
interface Text {
  readonly text: string;
  readonly strength: number;
}
const t = (text: string, s = atom): Text => ({ text, strength: s });

class Writer {
  readonly names = new Names();
  readonly used = new Set<Buffer>();
  readonly readOnly = new Set<Buffer>();
  readonly locals = new Set<Local>();
  private readonly helpers: Helpers;
  private readonly literally: boolean;
  constructor(helpers: Helpers, literally: boolean) {
    this.helpers = helpers;
    this.literally = literally;
  }

  lines(body: readonly Stmt[], depth: number): string[] {
    return (this.literally ? body : joinSteps(body)).flatMap((s) => this.statement(s, depth));
  }
  /** The statements between braces. */
  private inner(s: Stmt, depth: number): string[] {
    return this.names.scoped(() => this.lines([s], depth));
  }

  private statement(s: Stmt, depth: number): string[] {
    const pad = '  '.repeat(depth);
    switch (s.kind) {
      case 'block':
        return this.lines(s.body, depth);
      case 'for':
        return this.names.scoped(() => this.loop(s, depth));
      case 'if': {
        const head = [`${pad}if (${this.text(s.condition)}) {`, ...this.inner(s.then, depth + 1)];
        if (!s.otherwise) return [...head, `${pad}}`];
        return [...head, `${pad}} else {`, ...this.inner(s.otherwise, depth + 1), `${pad}}`];
      }
      case 'declare':
        return [`${pad}${cType(s.local.dtype)} ${this.names.of(s.local, s.local.name, 'v')} = ${this.text(s.value)};`];
      case 'assign':
        return [`${pad}${this.names.of(s.local, s.local.name, 'v')} = ${this.text(s.value)};`];
      case 'point': {
        const p = s.pointer;
        const constant = this.readOnly.has(p.buffer) ? 'const ' : '';
        const at = this.wrap(this.address(p.buffer, s.index), 11);
        const same = p.dtype === p.buffer.dtype;
        const type = same ? `${constant}${cType(p.dtype)}` : `${constant}${this.wordType(p.dtype)}`;
        const value = same ? this.address(p.buffer, s.index).text : `(${type} *)(${constant}void *)${at}`;
        const name = this.names.of(p, p.name, 'p');
        const hidden = p.opaque ? [`${pad}${this.helpers.opaque()}(${name});`] : [];
        return [`${pad}${type} *${name} = ${value};`, ...hidden];
      }
      case 'advance': {
        const p = this.names.of(s.pointer, s.pointer.name);
        return [`${pad}${p} += ${this.text(s.by)};`];
      }
      case 'store':
        return [`${pad}${this.element(s.buffer, s.index)} = ${this.stored(s.value, s.buffer.dtype)};`];
      case 'store_via': {
        const target = this.viaPointer(s.pointer.name, s.pointer, s.offset);
        return [`${pad}${target} = ${this.stored(s.value, s.pointer.dtype)};`];
      }
      case 'perform': {
        const f = this.helpers.intrinsic(s.name);
        const args = [
          ...s.results.map((r) => `&${this.names.of(r, r.name, 'v')}`),
          ...(s.at ? [this.place(s.name, s.at.pointer, s.at.offset)] : []),
          ...s.args.map((a) => this.text(a)),
        ];
        return [`${pad}${f}(${args.join(', ')});`];
      }
      default:
        return unreachable(s, 'statement');
    }
  }

  private loop(s: Extract<Stmt, { kind: 'for' }>, depth: number): string[] {
    const pad = '  '.repeat(depth);
    const v = this.names.of(s.variable, s.variable.name, 'i');
    const unroll = s.unroll ? [`${pad}${this.helpers.unroll()}`] : [];
    const extent = this.text(s.extent);
    // A number that only counts, of turns known at run time, goes down: that takes one register and not two.
    const counts = s.extent.kind !== 'const' && !usesVariable(s.body, s.variable);
    return [
      ...unroll,
      counts
        ? `${pad}for (int32_t ${v} = ${extent}; ${v} > 0; ${v}--) {`
        : `${pad}for (int32_t ${v} = 0; ${v} < ${extent}; ${v}++) {`,
      ...this.lines([s.body], depth + 1),
      `${pad}}`,
    ];
  }

  private wordType(dtype: string): string {
    return dtype === 'int32' ? 'rl_word' : cType(dtype);
  }
  private address(buffer: Buffer, index: LExpr): Text {
    const name = this.buffer(buffer);
    if (index.kind === 'const' && Number(index.value) === 0) return t(name);
    return t(`${name} + ${this.wrap(this.expr(index), 9)}`, 9);
  }
  private buffer(b: Buffer): string {
    this.used.add(b);
    return this.names.of(b, b.name, 'b');
  }
  private element(buffer: Buffer, index: LExpr): string {
    return `${this.buffer(buffer)}[${this.text(index)}]`;
  }
  private viaPointer(name: string, pointer: object, offset: LExpr): string {
    const p = this.names.of(pointer, name, 'p');
    return offset.kind === 'const' && Number(offset.value) === 0 ? `*${p}` : `${p}[${this.text(offset)}]`;
  }
  /** Where an instruction reads or writes: a place, or the pointer itself when it is moved. */
  private place(name: string, pointer: { readonly name: string }, offset: LExpr): string {
    if (intrinsic(name).moves !== undefined) return `&${this.names.of(pointer, pointer.name, 'p')}`;
    return this.offsetPointer(pointer, offset);
  }
  private offsetPointer(pointer: { readonly name: string }, offset: LExpr): string {
    const p = this.names.of(pointer, pointer.name, 'p');
    return offset.kind === 'const' && Number(offset.value) === 0 ? p : `${p} + ${this.wrap(this.expr(offset), 9)}`;
  }
  /** A value as stored: narrowing is written out. */
  private stored(value: LExpr, dtype: string): string {
    const from = typeOfExpr(value);
    if (from === dtype || (from === 'index' && dtype === 'int32')) return this.text(value);
    return this.convert(value, from, dtype).text;
  }

  /** An expression where C converts it to its type: in an assignment, as an argument, as a subscript. */
  text(e: LExpr): string {
    return e.kind === 'const' ? literal(e.value, e.dtype) : this.expr(e).text;
  }
  private wrap(e: Text, needed: number): string {
    return e.strength >= needed ? e.text : `(${e.text})`;
  }
  private call(name: string, ...args: readonly LExpr[]): Text {
    return t(`${name}(${args.map((a) => this.text(a)).join(', ')})`);
  }

  private expr(e: LExpr): Text {
    switch (e.kind) {
      case 'local':
        this.locals.add(e);
        return t(this.names.of(e, e.name, 'v'));
      case 'loopvar':
        return t(this.names.of(e, e.name, 'i'));
      case 'const': {
        const text = operandLiteral(e.value, e.dtype);
        return t(text, text.startsWith('-') ? 11 : atom);
      }
      case 'load':
        return t(this.element(e.buffer, e.index));
      case 'deref': {
        const text = this.viaPointer(e.pointer.name, e.pointer, e.offset);
        return t(text, text.startsWith('*') ? 11 : atom);
      }
      case 'binary':
        return this.binary(e);
      case 'compare': {
        const sign = { eq: '==', ne: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' }[e.op];
        return t(`${this.wrap(this.expr(e.left), 9)} ${sign} ${this.wrap(this.expr(e.right), 9)}`, 5);
      }
      case 'unary':
        return this.unary(e);
      case 'select':
        return t(
          `${this.wrap(this.expr(e.condition), 6)} ? ${this.wrap(this.expr(e.then), 3)} : ${this.wrap(this.expr(e.otherwise), 3)}`,
          2,
        );
      case 'cast':
        return this.convert(e.operand, typeOfExpr(e.operand), e.dtype);
      case 'bitcast': {
        const from = typeOfExpr(e.operand);
        if (from === e.dtype) return this.expr(e.operand);
        return this.call(this.helpers.bitcast(from === 'index' ? 'int32' : from, e.dtype), e.operand);
      }
      case 'intrinsic':
        if (e.name === 'qmulshift') return this.call(this.helpers.requantize64(), ...e.args);
        return this.call(this.helpers.intrinsic(e.name), ...e.args);
      default:
        return unreachable(e, 'expression');
    }
  }

  private binary(e: Extract<LExpr, { kind: 'binary' }>): Text {
    const { op, dtype } = e;
    const infix = (sign: string): Text => {
      const s = strength[sign] ?? 4;
      return t(`${this.wrap(this.expr(e.left), s)} ${sign} ${this.wrap(this.expr(e.right), s + 1)}`, s);
    };
    const narrow = (text: Text): Text =>
      ['int8', 'int16', 'uint8', 'uint16'].includes(dtype) ? t(`(${cType(dtype)})(${text.text})`, 11) : text;
    if (op === 'min' || op === 'max') return this.call(this.helpers.minMax(op, dtype), e.left, e.right);
    if (op === 'pow') return this.call(dtype === 'float64' ? 'pow' : 'powf', e.left, e.right);
    if (op === 'atan2') return this.call(dtype === 'float64' ? 'atan2' : 'atan2f', e.left, e.right);
    if (dtype !== 'index' && isFloat(dtype)) {
      const sign = { add: '+', sub: '-', mul: '*', div: '/' }[op as string];
      if (sign) return this.roundFloat(infix(sign), dtype);
      if (op === 'floordiv') return t(`${this.f('floor', dtype)}(${infix('/').text})`);
      if (op === 'truncmod' || op === 'truncdiv')
        return op === 'truncmod'
          ? this.call(this.f('fmod', dtype), e.left, e.right)
          : t(`${this.f('trunc', dtype)}(${infix('/').text})`);
      return this.roundFloat(this.call(this.helpers.floorRemainder(dtype), e.left, e.right), dtype);
    }
    switch (op) {
      case 'add':
      case 'sub':
      case 'mul':
        if (dtype === 'int32' || dtype === 'int64') return this.call(this.helpers.wrapping(op, dtype), e.left, e.right);
        if (dtype === 'uint16' && op === 'mul')
          return t(
            `(uint16_t)((uint32_t)${this.wrap(this.expr(e.left), 11)} * ${this.wrap(this.expr(e.right), 11)})`,
            11,
          );
        return narrow(infix({ add: '+', sub: '-', mul: '*' }[op]));
      case 'div':
      case 'truncdiv':
      case 'truncmod':
      case 'floordiv':
      case 'floormod': {
        const rest = op.endsWith('mod');
        const positive = e.right.kind === 'const' && Number(e.right.value) > 0;
        const plain = op === 'div' || op.startsWith('trunc') || (dtype !== 'index' && isUnsigned(dtype));
        if (positive && (plain || (dtype === 'index' && nonNegative(e.left)))) return narrow(infix(rest ? '%' : '/'));
        return this.call(this.helpers.divide(op === 'div' ? 'truncdiv' : op, dtype), e.left, e.right);
      }
      case 'and':
      case 'or':
      case 'xor': {
        const bool = dtype === 'bool';
        const sign = { and: bool ? '&&' : '&', or: bool ? '||' : '|', xor: bool ? '!=' : '^' }[op];
        // Comparisons beside `!=` stand in parentheses, as compilers ask.
        const need = !bool ? 11 : op === 'xor' ? 9 : 5;
        return t(`${this.wrap(this.expr(e.left), need)} ${sign} ${this.wrap(this.expr(e.right), need)}`, 4);
      }
      case 'shl':
        return t(
          `(${cType(dtype)})((u${cType(dtype).replace(/^u/, '')})${this.wrap(this.expr(e.left), 11)} << ${this.shiftAmount(e.right, dtype)})`,
          11,
        );
      case 'shr':
        return narrow(t(`${this.wrap(this.expr(e.left), 11)} >> ${this.shiftAmount(e.right, dtype)}`, 8));
      default:
        return unreachable(op, 'operator');
    }
  }

  /** An amount to shift by, modulo the width of the arithmetic unless it is known to be less. */
  private shiftAmount(e: LExpr, dtype: ScalarType): string {
    const width = dtypeInfo(dtype)?.bits === 64 ? 64 : 32;
    if (e.kind === 'const' && Number(e.value) >= 0 && Number(e.value) < width) return this.text(e);
    return `(${this.wrap(this.expr(e), 11)} & ${width - 1})`;
  }

  private f(name: string, dtype: ScalarType): string {
    return dtype === 'float64' ? name : `${name}f`;
  }
  private roundFloat(text: Text, dtype: ScalarType): Text {
    if (dtype === 'float16' || dtype === 'bfloat16') return t(`${this.helpers.narrowFloat(dtype)}(${text.text})`);
    return text;
  }

  private unary(e: Extract<LExpr, { kind: 'unary' }>): Text {
    const { op } = e;
    const from = typeOfExpr(e.operand);
    const float = from !== 'index' && isFloat(from);
    // Written where it is needed and once: twice at every level of a chain would be 2^n times at its end.
    const operand = (): string => this.wrap(this.expr(e.operand), 11);
    if (op === 'isnan' || op === 'isfinite' || op === 'isinf') {
      if (!float) return t(op === 'isfinite' ? 'true' : 'false');
      return t(`${op}(${this.text(e.operand)}) != 0`, 5);
    }
    if (op === 'not') {
      if (from === 'bool') return t(`!${operand()}`, 11);
      // A literal of 64 bits may be written as a shorter one, whose upper bits would stay zero.
      return from.endsWith('64') ? t(`~(${cType(from)})${operand()}`, 11) : t(`(${cType(from)})~${operand()}`, 11);
    }
    if (op === 'popcount' || op === 'clz')
      return this.call(this.helpers.unary(op, from === 'index' ? 'int32' : from), e.operand);
    if (!float) {
      const zero: LExpr = { kind: 'const', dtype: from, value: 0 };
      const negative: LExpr = { kind: 'binary', op: 'sub', dtype: from, left: zero, right: e.operand };
      if (op === 'neg') return this.expr(negative);
      if (op === 'abs') {
        if (from !== 'index' && isUnsigned(from)) return this.expr(e.operand);
        if (e.operand.kind !== 'local') return this.call(this.helpers.magnitude(from), e.operand);
        const condition: LExpr = { kind: 'compare', op: 'lt', left: e.operand, right: zero };
        return this.expr({ kind: 'select', condition, then: negative, otherwise: e.operand, dtype: from });
      }
      return this.expr(e.operand); // rounding an integer
    }
    if (op === 'neg') {
      const text = operand();
      // Two signs in a row would be a decrement.
      return t(text.startsWith('-') ? `-(${text})` : `-${text}`, 11);
    }
    if (op === 'sigmoid' || op === 'rsqrt' || (from === 'float32' && floatFunction(op) !== undefined))
      return this.roundFloat(this.call(this.helpers.unary(op, from, e.normal), e.operand), from);
    const name = op === 'abs' ? 'fabs' : op;
    return this.roundFloat(this.call(this.f(name, from), e.operand), from);
  }

  private convert(operand: LExpr, from: ScalarType, to: ScalarType): Text {
    if (from === to) return this.expr(operand);
    if ((from === 'index' && to === 'int32') || (from === 'int32' && to === 'index')) return this.expr(operand);
    const fromFloat = from !== 'index' && isFloat(from);
    if (operand.kind === 'const' && !this.literally && !fromFloat && (to === 'float32' || to === 'float64'))
      return this.expr({ kind: 'const', dtype: to, value: Number(operand.value) });
    if (to === 'bool') return t(`${this.wrap(this.expr(operand), 9)} != 0`, 5);
    if (fromFloat && to !== 'index' && !isFloat(to)) return this.call(this.helpers.saturatingCast(from, to), operand);
    const value = t(`(${cType(to)})${this.wrap(this.expr(operand), 11)}`, 11);
    return this.roundFloat(value, to);
  }
}

/** Steps of one pointer, one behind the other, as one; none where they come to nothing. */
function joinSteps(body: readonly Stmt[]): Stmt[] {
  const out: Stmt[] = [];
  for (const s of body.flatMap((b) => (b.kind === 'block' ? joinSteps(b.body) : [b]))) {
    const last = out.at(-1);
    if (s.kind !== 'advance' || s.by.kind !== 'const') out.push(s);
    else if (last?.kind !== 'advance' || last.pointer !== s.pointer || last.by.kind !== 'const') out.push(s);
    else out.splice(-1, 1, { ...s, by: { ...s.by, value: Number(last.by.value) + Number(s.by.value) } });
  }
  return out.filter((s) => s.kind !== 'advance' || s.by.kind !== 'const' || Number(s.by.value) !== 0);
}

/** Whether a subscript is surely not negative: sums and products of loop variables and constants. */
function nonNegative(e: LExpr): boolean {
  if (e.kind === 'loopvar') return true;
  if (e.kind === 'const') return Number(e.value) >= 0;
  if (e.kind === 'binary' && ['add', 'mul', 'floordiv', 'floormod', 'truncdiv', 'min'].includes(e.op))
    return nonNegative(e.left) && nonNegative(e.right);
  return false;
}
