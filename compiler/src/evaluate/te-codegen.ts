/**
 * Tensor expressions to JavaScript source, one loop nest a computed tensor. Offsets are split into affine parts that are
 * computed at the loop that last changes them, so the innermost loop adds what is left.
 */
import { dtypeInfo, isFloat } from '../tensor/dtype.ts';
import type { DType } from '../tensor/dtype.ts';
import { dtypeOf } from '../tensor/te.ts';
import type { AxisVar, BinaryOp, TEExpr, TETensor, UnaryFn } from '../tensor/te.ts';
import { loadedTensors, useCounts } from '../tensor/te-walk.ts';
import { wrapText } from '../tensor/wrap-text.ts';
import { isWide } from './scalar.ts';

/** A sequence of statements. `head` takes what later expressions hoist to its start. */
interface Block {
  readonly head: string[];
  readonly body: (string | Block)[];
  readonly open: string;
  readonly close: string;
  /** The loop's axis, when the block is a loop's body. */
  readonly axis: AxisVar | undefined;
  /** Shared sub-expressions already computed here. */
  readonly known: Map<TEExpr, string>;
  readonly offsets: Map<string, string>;
}

/** Source of one stage: a function body over `o` (output elements), `t0…` (loaded tensors' elements), `h` (helpers). */
export interface StageSource {
  readonly text: string;
  readonly loads: readonly TETensor[];
}

/** A helper function that the generated text calls, by the name it is given there. */
export type HelperKey =
  | `binary:${BinaryOp}:${DType}`
  | `unary:${UnaryFn}:${DType}:${DType}`
  | `cast:${DType}:${DType}`
  | `bitcast:${DType}:${DType}`
  | `round:${DType}`
  | 'qmulshift';

/** Generates the source of a computed tensor. `helper` names a helper function in the generated text. */
export function generateStage(tensor: TETensor, helper: (key: HelperKey) => string): StageSource {
  if (tensor.compute === undefined) throw new Error(`${tensor.name} is an input`);
  const loads = loadedTensors(tensor.compute.body);
  return { text: new StageWriter(loads, helper).write(tensor.compute.axes, tensor.compute.body), loads };
}

interface Affine {
  readonly terms: Map<AxisVar, number>;
  readonly rest: string[];
  offset: number;
}

class StageWriter {
  private counter = 0;
  private readonly names = new Map<AxisVar, string>();
  private readonly tensors: ReadonlyMap<TETensor, string>;
  private readonly helper: (key: HelperKey) => string;
  private uses: ReadonlyMap<TEExpr, number> = new Map();
  /** Open blocks, outermost first. */
  private readonly scopes: Block[] = [];

  constructor(loads: readonly TETensor[], helper: (key: HelperKey) => string) {
    this.tensors = new Map(loads.map((t, i) => [t, `t${i}`]));
    this.helper = helper;
  }

  write(axes: readonly AxisVar[], body: TEExpr): string {
    this.uses = useCounts(body);
    const root = this.block('', '', undefined);
    root.body.push('let p = 0;');
    this.scopes.push(root);
    for (const axis of axes) this.openLoop(axis);
    const value = this.expr(body);
    this.top().body.push(`o[p++] = ${value};`);
    return render(root);
  }

  private fresh(prefix: string): string {
    return `${prefix}${this.counter++}`;
  }

  private block(open: string, close: string, axis: AxisVar | undefined): Block {
    return { head: [], body: [], open, close, axis, known: new Map(), offsets: new Map() };
  }

  private top(): Block {
    const top = this.scopes[this.scopes.length - 1];
    if (top === undefined) throw new Error('no open block');
    return top;
  }

  private push(block: Block): void {
    this.top().body.push(block);
    this.scopes.push(block);
  }

  private openLoop(axis: AxisVar): void {
    const name = this.fresh('i');
    this.names.set(axis, name);
    this.push(this.block(`for (let ${name} = 0; ${name} < ${axis.extent}; ${name}++) {`, '}', axis));
  }

  private axisName(axis: AxisVar): string {
    const name = this.names.get(axis);
    if (name === undefined) throw new Error(`axis ${axis.name} used outside of its loop`);
    return name;
  }

  private expr(e: TEExpr): string {
    if (e.kind === 'axis') return this.axisName(e);
    if (e.kind === 'const') return constantText(e.value, e.dtype);
    for (const scope of this.scopes) {
      const known = scope.known.get(e);
      if (known !== undefined) return known;
    }
    const text = this.compute(e);
    if ((this.uses.get(e) ?? 1) < 2 && e.kind !== 'reduce') return text;
    if (/^\w+$/.test(text)) {
      this.top().known.set(e, text);
      return text;
    }
    const name = this.fresh('v');
    this.top().body.push(`const ${name} = ${text};`);
    this.top().known.set(e, name);
    return name;
  }

  private compute(e: TEExpr): string {
    switch (e.kind) {
      case 'axis':
      case 'const':
        return this.expr(e);
      case 'binary':
        return this.binary(e.op, e.dtype, e.left, e.right);
      case 'compare':
        return `(${this.comparison(e)} ? 1 : 0)`;
      case 'unary':
        return this.unary(e.op, dtypeOf(e.operand), e.dtype, this.expr(e.operand));
      case 'cast':
        return this.cast(dtypeOf(e.operand), e.dtype, this.expr(e.operand));
      case 'bitcast':
        return `${this.helper(`bitcast:${dtypeOf(e.operand)}:${e.dtype}`)}(${this.expr(e.operand)})`;
      case 'select':
        return this.select(e.condition, e.then, e.otherwise);
      case 'load':
        return `${this.tensors.get(e.tensor) ?? 'undefined'}[${this.offset(e.tensor, e.indices)}]`;
      case 'reduce':
        return this.reduce(e);
      case 'qmulshift':
        return `${this.helper('qmulshift')}(${this.expr(e.value)}, ${this.expr(e.multiplier)}, ${this.expr(e.shift)})`;
    }
  }

  /** A condition as JavaScript boolean, without the detour over 0 and 1. */
  private condition(e: TEExpr): string {
    if (e.kind === 'compare' && (this.uses.get(e) ?? 1) < 2) return this.comparison(e);
    if (e.kind === 'binary' && e.op === 'and' && e.dtype === 'bool' && isTotal(e))
      return `(${this.condition(e.left)} && ${this.condition(e.right)})`;
    return isWide(dtypeOf(e)) ? `(${this.expr(e)} !== 0n)` : `(${this.expr(e)} !== 0)`;
  }

  private comparison(e: Extract<TEExpr, { kind: 'compare' }>): string {
    const symbol = { eq: '===', ne: '!==', lt: '<', le: '<=', gt: '>', ge: '>=' }[e.op];
    return `(${this.expr(e.left)} ${symbol} ${this.expr(e.right)})`;
  }

  private select(condition: TEExpr, then: TEExpr, otherwise: TEExpr): string {
    const test = this.condition(condition);
    const [first, a] = this.branch(then);
    const [second, b] = this.branch(otherwise);
    if (first.body.length === 0 && second.body.length === 0) return `(${test} ? ${a} : ${b})`;
    const name = this.fresh('s');
    first.body.push(`${name} = ${a};`);
    second.body.push(`${name} = ${b};`);
    this.top().body.push(`let ${name};`, { ...first, open: `if (${test}) {` }, { ...second, open: 'else {' });
    return name;
  }

  private branch(e: TEExpr): [Block, string] {
    const block = this.block('{', '}', undefined);
    this.scopes.push(block);
    const value = this.expr(e);
    this.scopes.pop();
    return [block, value];
  }

  private reduce(e: Extract<TEExpr, { kind: 'reduce' }>): string {
    const acc = this.fresh('a');
    const init = e.init === undefined ? identity(e.op, e.dtype) : this.expr(e.init);
    this.top().body.push(`let ${acc} = ${init};`);
    for (const axis of e.axes) this.openLoop(axis);
    const value = this.expr(e.body);
    this.top().body.push(`${acc} = ${this.accumulate(e.op, e.dtype, acc, value)};`);
    for (let i = 0; i < e.axes.length; i++) this.scopes.pop();
    return acc;
  }

  private accumulate(op: 'sum' | 'prod' | 'max' | 'min', dtype: DType, acc: string, value: string): string {
    if (op === 'sum') return this.wrap(dtype, `${acc} + ${value}`);
    if (op === 'prod') return this.multiply(dtype, acc, value);
    const name = this.fresh('m');
    this.top().body.push(`const ${name} = ${value};`);
    return `${acc} ${op === 'max' ? '>' : '<'} ${name} ? ${acc} : ${name}`;
  }

  private binary(op: BinaryOp, dtype: DType, left: TEExpr, right: TEExpr): string {
    const a = this.expr(left);
    const b = this.expr(right);
    const narrow = !isWide(dtype) && !isFloat(dtype);
    switch (op) {
      case 'add':
        return this.wrap(dtype, `${a} + ${b}`);
      case 'sub':
        return this.wrap(dtype, `${a} - ${b}`);
      case 'mul':
        return this.multiply(dtype, a, b);
      case 'div':
        if (isFloat(dtype)) return this.wrap(dtype, `${a} / ${b}`);
        break;
      case 'and':
      case 'or':
      case 'xor':
        return this.wrap(dtype, `${a} ${{ and: '&', or: '|', xor: '^' }[op]} ${b}`);
      case 'shl':
        if (narrow) return this.wrap(dtype, `${a} << ${b}`);
        break;
      case 'shr':
        if (narrow) return dtype === 'uint32' ? `(${a} >>> ${b})` : `(${a} >> ${b})`;
        break;
      case 'floordiv':
      case 'floormod':
      case 'truncdiv':
      case 'truncmod':
        if (dtype === 'int32' && right.kind === 'const' && Number(right.value) > 0 && isNonNegative(left))
          return op.endsWith('div') ? `((${a} / ${b}) | 0)` : `(${a} % ${b})`;
        break;
      case 'min':
      case 'max':
        if (/^[\w.-]+$/.test(a) && /^[\w.-]+$/.test(b)) return `(${a} ${op === 'max' ? '>' : '<'} ${b} ? ${a} : ${b})`;
        break;
      case 'pow':
      case 'atan2':
        break;
    }
    return `${this.helper(`binary:${op}:${dtype}`)}(${a}, ${b})`;
  }

  private multiply(dtype: DType, a: string, b: string): string {
    if (isWide(dtype) || isFloat(dtype)) return this.wrap(dtype, `${a} * ${b}`);
    return dtype === 'int32' ? `Math.imul(${a}, ${b})` : this.wrap(dtype, `Math.imul(${a}, ${b})`);
  }

  /** The exact result of an operation brought to the dtype. */
  private wrap(dtype: DType, text: string): string {
    if (dtype === 'bool') return `((${text}) & 1)`;
    if (dtype === 'float64') return `(${text})`;
    return wrapText(dtype, `(${text})`) ?? `${this.helper(`round:${dtype}`)}(${text})`;
  }

  private unary(op: UnaryFn, from: DType, to: DType, x: string): string {
    if (op === 'neg' && !isWide(from)) return isFloat(from) ? `(-${x})` : this.wrap(to, `0 - ${x}`);
    if (op === 'sqrt' && isFloat(from)) return this.wrap(to, `Math.sqrt(${x})`);
    if (op === 'exp' && isFloat(from)) return this.wrap(to, `Math.exp(${x})`);
    return `${this.helper(`unary:${op}:${from}:${to}`)}(${x})`;
  }

  private cast(from: DType, to: DType, x: string): string {
    if (from === to) return x;
    const narrowFrom = !isWide(from) && !isFloat(from);
    if (narrowFrom && to !== 'bool') {
      if (isWide(to)) return to === 'uint64' ? `BigInt.asUintN(64, BigInt(${x}))` : `BigInt(${x})`;
      return widens(from, to) ? x : this.wrap(to, x);
    }
    if (isFloat(from) && isFloat(to)) return this.wrap(to, x);
    return `${this.helper(`cast:${from}:${to}`)}(${x})`;
  }

  // ---------------------------------------------------------------------------------------------- offsets

  /** Row-major offset of a load, its loop-invariant parts computed in the loops they depend on. */
  private offset(tensor: TETensor, indices: readonly TEExpr[]): string {
    const sum: Affine = { terms: new Map(), rest: [], offset: 0 };
    let stride = 1;
    for (let d = indices.length - 1; d >= 0; d--) {
      const index = indices[d];
      if (index !== undefined) this.collect(index, stride, sum);
      stride *= tensor.shape[d] ?? 1;
    }
    let text = this.hoist(sum);
    for (const part of sum.rest) text = text === '0' ? part : `${text} + ${part}`;
    return text;
  }

  private collect(e: TEExpr, factor: number, sum: Affine): void {
    if (e.kind === 'const') {
      sum.offset += Number(e.value) * factor;
    } else if (e.kind === 'axis') {
      sum.terms.set(e, (sum.terms.get(e) ?? 0) + factor);
    } else if (e.kind === 'binary' && (e.op === 'add' || e.op === 'sub') && e.dtype === 'int32') {
      this.collect(e.left, factor, sum);
      this.collect(e.right, e.op === 'add' ? factor : -factor, sum);
    } else if (e.kind === 'binary' && e.op === 'mul' && e.right.kind === 'const' && e.dtype === 'int32') {
      this.collect(e.left, factor * Number(e.right.value), sum);
    } else if (e.kind === 'binary' && e.op === 'mul' && e.left.kind === 'const' && e.dtype === 'int32') {
      this.collect(e.right, factor * Number(e.left.value), sum);
    } else {
      const text = isWide(dtypeOf(e)) ? `Number(${this.expr(e)})` : this.expr(e);
      sum.rest.push(factor === 1 ? text : `Math.imul(${text}, ${factor})`);
    }
  }

  private hoist(sum: Affine): string {
    const loops = this.scopes.filter((s) => s.axis !== undefined && (sum.terms.get(s.axis) ?? 0) !== 0);
    let text = String(sum.offset);
    let key = text;
    loops.forEach((loop, i) => {
      const axis = loop.axis;
      if (axis === undefined) return;
      const factor = sum.terms.get(axis) ?? 0;
      const name = this.axisName(axis);
      const term = factor === 1 ? name : factor < 0 ? `Math.imul(${name}, ${factor})` : `${name} * ${factor}`;
      const next = text === '0' ? term : `${text} + ${term}`;
      key = `${key},${name}*${factor}`;
      if (i === loops.length - 1 && loop === this.innermostLoop()) {
        text = next;
        return;
      }
      let known = loop.offsets.get(key);
      if (known === undefined) {
        known = this.fresh('q');
        loop.head.push(`const ${known} = (${next}) | 0;`);
        loop.offsets.set(key, known);
      }
      text = known;
    });
    return text;
  }

  private innermostLoop(): Block | undefined {
    return this.scopes.findLast((s) => s.axis !== undefined);
  }
}

function render(root: Block): string {
  const lines: string[] = [];
  const visit = (block: Block, indent: string): void => {
    if (block.open !== '') lines.push(indent + block.open);
    const inner = block.open === '' ? indent : `${indent}  `;
    for (const line of block.head) lines.push(inner + line);
    for (const item of block.body) {
      if (typeof item === 'string') lines.push(inner + item);
      else visit(item, inner);
    }
    if (block.close !== '') lines.push(indent + block.close);
  };
  visit(root, '');
  return lines.join('\n');
}

function constantText(value: number | bigint, dtype: DType): string {
  if (isWide(dtype)) return `${BigInt(value)}n`.replace(/^-.*/, (t) => `(${t})`);
  const x = Number(value);
  const exact = dtype === 'float32' ? Math.fround(x) : x;
  const text = Object.is(exact, -0) ? '-0' : String(exact);
  return exact < 0 || text === '-0' ? `(${text})` : text;
}

function identity(op: 'sum' | 'prod' | 'max' | 'min', dtype: DType): string {
  if (op === 'sum') return isWide(dtype) ? '0n' : '0';
  if (op === 'prod') return isWide(dtype) ? '1n' : '1';
  return constantText(extremeOf(op, dtype), dtype);
}

/** The start of a `max` or `min` reduction: the least or greatest value of the dtype (finite for floats, as in TVM). */
export function extremeOf(op: 'max' | 'min', dtype: DType): number | bigint {
  const sign = op === 'max' ? -1 : 1;
  const info = dtypeInfo(dtype);
  if (info === undefined) throw new Error(`no such dtype: ${dtype}`);
  if (isFloat(dtype)) {
    const largest: Readonly<Record<string, number>> = {
      float16: 65504,
      bfloat16: 3.3895313892515355e38,
      float32: 3.4028234663852886e38,
    };
    return sign * (largest[dtype] ?? Number.MAX_VALUE);
  }
  const bits = BigInt(info.bits);
  if (info.code === 'uint') return op === 'max' ? 0n : (1n << bits) - 1n;
  return op === 'max' ? -(1n << (bits - 1n)) : (1n << (bits - 1n)) - 1n;
}

/** True when every value of `from` (at most 32 bits) is a value of `to`. */
function widens(from: DType, to: DType): boolean {
  const a = dtypeInfo(from);
  const b = dtypeInfo(to);
  if (a === undefined || b === undefined) return false;
  if (isFloat(to)) return to === 'float64' || (to === 'float32' && a.bits <= 16);
  if (a.code === b.code) return a.bits <= b.bits;
  return a.code === 'uint' && b.code === 'int' && a.bits < b.bits;
}

/** Index expressions that cannot be negative: divisions of them need no floor. */
function isNonNegative(e: TEExpr): boolean {
  if (e.kind === 'axis') return true;
  if (e.kind === 'const') return Number(e.value) >= 0;
  if (e.kind !== 'binary') return false;
  if (e.op === 'floormod') return e.right.kind === 'const' && Number(e.right.value) > 0;
  if (e.op === 'add' || e.op === 'mul' || e.op === 'floordiv' || e.op === 'truncdiv')
    return isNonNegative(e.left) && isNonNegative(e.right);
  return false;
}

/** Whether evaluating only part of `e` is the same as evaluating all of it and it has no shared parts to be kept. */
function isTotal(e: TEExpr): boolean {
  if (e.kind === 'binary' && e.op === 'and') return isTotal(e.left) && isTotal(e.right);
  return e.kind === 'compare' && isIndexArithmetic(e.left) && isIndexArithmetic(e.right);
}

function isIndexArithmetic(e: TEExpr): boolean {
  if (e.kind === 'axis' || e.kind === 'const') return true;
  return e.kind === 'binary' && isIndexArithmetic(e.left) && isIndexArithmetic(e.right);
}
