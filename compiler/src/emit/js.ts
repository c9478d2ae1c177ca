/** Loop IR to JavaScript: a kernel that runs without a compiler, so that schedules can be checked anywhere. */
import { unreachable } from '../base/result.ts';
import type { LExpr, Local, ScalarType, Stmt } from '../loops/ir.ts';
import { typeOfExpr } from '../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';
import { intrinsic } from '../targets/intrinsics.ts';
import { elementBytes, isFloat, isUnsigned } from '../tensor/dtype.ts';
import { allocateElements, type ElementArray } from '../tensor/ndarray.ts';
import { wrapText } from '../tensor/wrap-text.ts';
import { jsRuntime } from './js-runtime.ts';
import { Names } from './names.ts';

/**
 * Runs a kernel on arrays: `inputs` in the order of its inputs; the outputs are returned. Subscripts are checked, a
 * read or write outside its buffer throws.
 */
export function runKernel(kernel: LoweredKernel, inputs: readonly ElementArray[]): ElementArray[] {
  const memory = new Map<Buffer, ArrayBuffer>();
  const place = (b: Buffer, data?: ElementArray): void => {
    const bytes = new Uint8Array(Math.ceil((b.length * elementBytes(b.dtype)) / 8) * 8);
    if (data) bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    memory.set(b, bytes.buffer);
  };
  kernel.inputs.forEach((b, i) => place(b, inputs[i]));
  for (const { buffer, value } of kernel.constants) place(buffer, value.data);
  for (const b of [...kernel.outputs, ...kernel.scratch]) place(b);
  emitJs(kernel)(memory);
  return kernel.outputs.map((b) => {
    const out = allocateElements(b.dtype, b.length) ?? new Uint8Array(b.length);
    new Uint8Array(out.buffer).set(new Uint8Array(memory.get(b) ?? new ArrayBuffer(0), 0, out.byteLength));
    return out;
  });
}

/**
 * The kernel as a function over its buffers' memory: a piece for each, or parts of one piece where an output may take
 * an input's place; and the values of its scalars, if it has any.
 */
export function emitJs(
  kernel: LoweredKernel,
): (memory: ReadonlyMap<Buffer, ArrayBuffer | Uint8Array>, scalars?: readonly number[]) => void {
  const writer = new Writer();
  const scalars = (kernel.scalars ?? []).map((s, i) => `const ${writer.scalar(s)} = $scalars[${i}];`);
  const body = writer.lines([kernel.body]);
  const source = ['"use strict";', ...scalars, ...writer.views, ...body].join('\n');
  const compiled = new Function('$memory', '$r', '$scalars', source) as (
    m: readonly Uint8Array[],
    r: unknown,
    s: readonly number[],
  ) => void;
  return (memory, values = []) =>
    compiled(
      writer.buffers.map((b) => {
        const piece = memory.get(b) ?? new ArrayBuffer(0);
        return piece instanceof Uint8Array ? piece : new Uint8Array(piece);
      }),
      jsRuntime,
      values,
    );
}

const arrays: Record<string, string> = {
  int8: 'Int8Array',
  int16: 'Int16Array',
  int32: 'Int32Array',
  int64: 'BigInt64Array',
  uint8: 'Uint8Array',
  bool: 'Uint8Array',
  uint16: 'Uint16Array',
  uint32: 'Uint32Array',
  uint64: 'BigUint64Array',
  float64: 'Float64Array',
};
const is64 = (t: ScalarType): boolean => t === 'int64' || t === 'uint64';

class Writer {
  readonly views: string[] = [];
  readonly buffers: Buffer[] = [];
  private readonly names = new Names();
  private readonly viewNames = new Map<string, string>();

  scalar(s: Local): string {
    return this.name(s, s.name);
  }

  lines(body: readonly Stmt[]): string[] {
    return body.flatMap((s) => this.statement(s));
  }

  private view(b: Buffer, dtype: string): string {
    let slot = this.buffers.indexOf(b);
    if (slot < 0) slot = this.buffers.push(b) - 1;
    const key = `${slot}:${dtype}`;
    let name = this.viewNames.get(key);
    if (name === undefined) {
      name = `$${slot}_${dtype}`;
      this.viewNames.set(key, name);
      const type = arrays[dtype] ?? 'Float32Array';
      const piece = `$memory[${slot}]`;
      const length =
        dtype === b.dtype ? String(b.length) : `Math.floor(${piece}.byteLength / ${type}.BYTES_PER_ELEMENT)`;
      this.views.push(`const ${name} = new ${type}(${piece}.buffer, ${piece}.byteOffset, ${length});`);
    }
    return name;
  }
  private name(key: object, wanted: string): string {
    return this.names.of(key, wanted, 'v');
  }
  private element(view: string, index: string): string {
    return `${view}[$r.at(${index}, ${view})]`;
  }
  private pointed(p: Extract<Stmt, { kind: 'point' }>['pointer'], offset: LExpr | number): string {
    const at = typeof offset === 'number' ? String(offset) : this.expr(offset);
    return this.element(this.view(p.buffer, p.dtype), `${this.name(p, p.name)} / ${elementBytes(p.dtype)} + ${at}`);
  }

  private statement(s: Stmt): string[] {
    switch (s.kind) {
      case 'block':
        return this.lines(s.body);
      case 'for': {
        const v = this.name(s.variable, s.variable.name);
        return [`for (let ${v} = 0, $n = ${this.expr(s.extent)}; ${v} < $n; ${v}++) {`, ...this.statement(s.body), '}'];
      }
      case 'if': {
        const head = [`if (${this.expr(s.condition)}) {`, ...this.statement(s.then), '}'];
        return s.otherwise ? [...head, 'else {', ...this.statement(s.otherwise), '}'] : head;
      }
      case 'declare':
        return [`let ${this.name(s.local, s.local.name)} = ${this.expr(s.value)};`];
      case 'assign':
        return [`${this.name(s.local, s.local.name)} = ${this.expr(s.value)};`];
      case 'point':
        return [
          `let ${this.name(s.pointer, s.pointer.name)} = (${this.expr(s.index)}) * ${elementBytes(s.pointer.buffer.dtype)};`,
        ];
      case 'advance':
        return [`${this.name(s.pointer, s.pointer.name)} += (${this.expr(s.by)}) * ${elementBytes(s.pointer.dtype)};`];
      case 'store': {
        const target = this.element(this.view(s.buffer, s.buffer.dtype), this.expr(s.index));
        return [`${target} = ${this.convert(s.value, s.buffer.dtype)};`];
      }
      case 'store_via':
        return [`${this.pointed(s.pointer, s.offset)} = ${this.convert(s.value, s.pointer.dtype)};`];
      case 'perform':
        return this.perform(s);
      default:
        return unreachable(s, 'statement');
    }
  }

  private perform(s: Extract<Stmt, { kind: 'perform' }>): string[] {
    const record = intrinsic(s.name);
    const args = s.args.map((a) => this.expr(a));
    const at = s.at;
    const place = (i: number): string =>
      at
        ? this.pointed(at.pointer, { kind: 'binary', op: 'add', dtype: 'index', left: at.offset, right: index(i) })
        : '';
    for (let i = 0; i < (record.reads ?? 0); i++) args.push(place(i));
    const call = `$r.intrinsic(${JSON.stringify(s.name)}, ${args.join(', ')})`;
    const targets = [
      ...s.results.map((r) => this.name(r, r.name)),
      ...Array.from({ length: record.writes ?? 0 }, (_, i) => place(i)),
    ];
    const moved =
      at && record.moves !== undefined ? [`${this.name(at.pointer, at.pointer.name)} += ${4 * record.moves};`] : [];
    return [`;[${targets.join(', ')}] = ${call};`, ...moved];
  }

  private expr(e: LExpr): string {
    switch (e.kind) {
      case 'local':
      case 'loopvar':
        return this.name(e, e.name);
      case 'const':
        return this.constant(e.value, e.dtype);
      case 'load': {
        const text = this.element(this.view(e.buffer, e.buffer.dtype), this.expr(e.index));
        return e.buffer.dtype === 'bool' ? `(${text} !== 0)` : text;
      }
      case 'deref': {
        const text = this.pointed(e.pointer, e.offset);
        return e.pointer.dtype === 'bool' ? `(${text} !== 0)` : text;
      }
      case 'binary':
        return this.binary(e);
      case 'compare': {
        const sign = { eq: '===', ne: '!==', lt: '<', le: '<=', gt: '>', ge: '>=' }[e.op];
        return `(${this.expr(e.left)} ${sign} ${this.expr(e.right)})`;
      }
      case 'unary': {
        const t = typeOfExpr(e.operand);
        const value = `$r.unary(${JSON.stringify(e.op)}, ${JSON.stringify(t)}, ${this.expr(e.operand)})`;
        return ['isnan', 'isfinite', 'isinf'].includes(e.op) ? value : this.wrap(value, t);
      }
      case 'select':
        return `(${this.expr(e.condition)} ? ${this.expr(e.then)} : ${this.expr(e.otherwise)})`;
      case 'cast':
        return this.convert(e.operand, e.dtype);
      case 'bitcast':
        return `$r.bitcast(${this.expr(e.operand)}, ${JSON.stringify(typeOfExpr(e.operand))}, ${JSON.stringify(e.dtype)})`;
      case 'intrinsic': {
        const args = e.args.map((a) => this.expr(a)).join(', ');
        if (e.name === 'qmulshift' || e.name === 'fma') return `$r.${e.name}(${args})`;
        return `$r.intrinsic(${JSON.stringify(e.name)}, ${args})[0]`;
      }
      default:
        return unreachable(e, 'expression');
    }
  }

  private constant(value: number | bigint, dtype: ScalarType): string {
    if (dtype === 'bool') return Number(value) === 0 ? 'false' : 'true';
    if (is64(dtype)) return `(${BigInt(value)}n)`;
    const v = Number(value);
    return Object.is(v, -0) ? '(-0)' : `(${v})`;
  }

  private binary(e: Extract<LExpr, { kind: 'binary' }>): string {
    const [l, r] = [this.expr(e.left), this.expr(e.right)];
    const { op, dtype } = e;
    if (dtype === 'bool') {
      const logic = { and: `(${l} && ${r})`, or: `(${l} || ${r})`, xor: `(${l} !== ${r})` }[op as string];
      if (logic !== undefined) return logic;
      return `Boolean($r.binary(${JSON.stringify(op)}, 'uint8', Number(${l}), Number(${r})))`;
    }
    if (dtype === 'index' && (op === 'add' || op === 'sub' || op === 'mul'))
      return `(${l} ${{ add: '+', sub: '-', mul: '*' }[op]} ${r})`;
    if (op === 'mul' && (dtype === 'int32' || dtype === 'uint32')) return this.wrap(`Math.imul(${l}, ${r})`, dtype);
    if (op === 'add' || op === 'sub' || op === 'mul')
      return this.wrap(`(${l} ${{ add: '+', sub: '-', mul: '*' }[op]} ${r})`, dtype);
    return this.wrap(`$r.binary(${JSON.stringify(op)}, ${JSON.stringify(dtype)}, ${l}, ${r})`, dtype);
  }

  /** Brings a result back into its type. */
  private wrap(text: string, dtype: ScalarType): string {
    if (dtype === 'float16' || dtype === 'bfloat16') return `$r.narrow(${text}, ${JSON.stringify(dtype)})`;
    return wrapText(dtype === 'index' ? 'int32' : dtype, text) ?? text;
  }

  private convert(operand: LExpr, to: ScalarType): string {
    const from = typeOfExpr(operand);
    const text = this.expr(operand);
    if (from === to) return to === 'bool' ? `${text}` : text;
    const fromFloat = from !== 'index' && isFloat(from);
    if (to === 'bool') return `(Number(${text}) !== 0)`;
    if (fromFloat && to !== 'index' && !isFloat(to)) return `$r.saturate(${text}, ${JSON.stringify(to)})`;
    if (is64(to)) return this.wrap(is64(from) ? text : `BigInt(${text})`, to);
    if (is64(from)) {
      if (isFloat(to)) return this.wrap(`Number(${text})`, to);
      return this.wrap(`Number(BigInt.asIntN(32, ${text}))`, to);
    }
    return this.wrap(from === 'bool' ? `Number(${text})` : text, isUnsigned(to) || to !== 'index' ? to : 'int32');
  }
}

function index(value: number): LExpr {
  return { kind: 'const', dtype: 'index', value };
}
