/** Whether a kernel is legal loop IR: scopes, types, and buffers that belong to it. */
import type { LExpr, Local, LoopVar, Pointer, ScalarType, Stmt } from './ir.ts';
import { typeOfExpr } from './ir.ts';
import type { Buffer, LoweredKernel } from './kernel.ts';
import { intrinsic } from '../targets/intrinsics.ts';
import { elementBytes } from '../tensor/dtype.ts';
import { expressionsOf, operands, substatements } from './visit.ts';

/** What is wrong with the kernel, a sentence each; empty when it is legal. */
export function verifyKernel(kernel: LoweredKernel): readonly string[] {
  const problems: string[] = [];
  const writable = new Set<Buffer>([...kernel.outputs, ...kernel.scratch]);
  const readable = new Set<Buffer>([...writable, ...kernel.inputs, ...kernel.constants.map((c) => c.buffer)]);
  for (const { buffer, value } of kernel.constants) {
    if (value.data.length !== buffer.length)
      problems.push(`constant ${buffer.name} has ${value.data.length} elements, not ${buffer.length}`);
    if (value.dtype !== buffer.dtype) problems.push(`constant ${buffer.name} is ${value.dtype}, not ${buffer.dtype}`);
  }
  new Verifier(problems, readable, writable).statement(kernel.body, new Set(kernel.scalars));
  return problems;
}

type Scope = Set<Local | LoopVar | Pointer>;

/** `index` and int32 convert freely: both are C's int32_t. */
function same(a: ScalarType, b: ScalarType): boolean {
  const plain = (t: ScalarType): ScalarType => (t === 'index' ? 'int32' : t);
  return plain(a) === plain(b);
}

class Verifier {
  private readonly problems: string[];
  private readonly readable: ReadonlySet<Buffer>;
  private readonly writable: ReadonlySet<Buffer>;
  constructor(problems: string[], readable: ReadonlySet<Buffer>, writable: ReadonlySet<Buffer>) {
    this.problems = problems;
    this.readable = readable;
    this.writable = writable;
  }

  private require(condition: boolean, problem: string): void {
    if (!condition) this.problems.push(problem);
  }

  /** Declarations of a block are seen by what follows in it, and in what encloses a plain block. */
  statement(s: Stmt, scope: Scope): void {
    for (const e of expressionsOf(s)) this.expression(e, scope);
    switch (s.kind) {
      case 'block':
        for (const inner of s.body) this.statement(inner, scope);
        return;
      case 'for':
        this.require(same(typeOfExpr(s.extent), 'index'), `loop ${s.variable.name} has an extent that is no integer`);
        this.statement(s.body, new Set(scope).add(s.variable));
        return;
      case 'if':
        this.require(typeOfExpr(s.condition) === 'bool', 'a condition is not bool');
        for (const inner of substatements(s)) this.statement(inner, new Set(scope));
        return;
      case 'declare':
        this.require(!scope.has(s.local), `${s.local.name} is declared twice`);
        this.require(same(s.local.dtype, typeOfExpr(s.value)), `${s.local.name} is given a ${typeOfExpr(s.value)}`);
        scope.add(s.local);
        return;
      case 'assign':
        this.require(scope.has(s.local), `${s.local.name} is assigned before it is declared`);
        this.require(same(s.local.dtype, typeOfExpr(s.value)), `${s.local.name} is given a ${typeOfExpr(s.value)}`);
        return;
      case 'point':
        this.require(this.readable.has(s.pointer.buffer), `${s.pointer.name} points into a foreign buffer`);
        this.require(
          elementBytes(s.pointer.dtype) <= s.pointer.buffer.align,
          `${s.pointer.name} reads words of a buffer that is not aligned to them`,
        );
        scope.add(s.pointer);
        return;
      case 'advance':
        this.require(scope.has(s.pointer), `${s.pointer.name} is moved before it is declared`);
        return;
      case 'store':
        this.require(this.writable.has(s.buffer), `${s.buffer.name} is written but is no output or scratch`);
        this.require(
          narrows(typeOfExpr(s.value), s.buffer.dtype),
          `a ${typeOfExpr(s.value)} is stored in ${s.buffer.name}`,
        );
        return;
      case 'store_via':
        this.require(scope.has(s.pointer), `${s.pointer.name} is used before it is declared`);
        this.require(
          this.writable.has(s.pointer.buffer),
          `${s.pointer.buffer.name} is written but is no output or scratch`,
        );
        this.require(
          narrows(typeOfExpr(s.value), s.pointer.dtype),
          `a ${typeOfExpr(s.value)} is stored by ${s.pointer.name}`,
        );
        return;
      case 'perform': {
        const record = intrinsic(s.name);
        const touches = record.reads !== undefined || record.writes !== undefined;
        this.require(touches === (s.at !== undefined), `${s.name} needs ${touches ? 'a' : 'no'} place in memory`);
        this.require(s.results.length === (record.results ?? []).length, `${s.name} has ${s.results.length} results`);
        this.require(s.args.length === record.params.length, `${s.name} has ${s.args.length} arguments`);
        for (const r of s.results) this.require(scope.has(r), `${r.name} is assigned before it is declared`);
        if (s.at) {
          this.require(scope.has(s.at.pointer), `${s.at.pointer.name} is used before it is declared`);
          const element = record.dtype ?? 'int32';
          this.require(s.at.pointer.dtype === element, `${s.name} needs a pointer to ${element}`);
          if (record.moves !== undefined) {
            this.require(
              !this.writable.has(s.at.pointer.buffer),
              `${s.name} moves a pointer into ${s.at.pointer.buffer.name}, which is written`,
            );
            this.require(isZero(s.at.offset), `${s.name} reads at the pointer itself`);
          }
          if (record.writes !== undefined)
            this.require(
              this.writable.has(s.at.pointer.buffer),
              `${s.at.pointer.buffer.name} is written but is no output or scratch`,
            );
        }
        return;
      }
    }
  }

  private expression(e: LExpr, scope: Scope): void {
    for (const inner of operands(e)) this.expression(inner, scope);
    switch (e.kind) {
      case 'local':
      case 'loopvar':
        this.require(scope.has(e), `${e.name} is read where it is not declared`);
        return;
      case 'load':
        this.require(this.readable.has(e.buffer), `${e.buffer.name} belongs to another kernel`);
        this.require(same(typeOfExpr(e.index), 'index'), `${e.buffer.name} has a subscript that is no integer`);
        return;
      case 'deref':
        this.require(scope.has(e.pointer), `${e.pointer.name} is read where it is not declared`);
        return;
      case 'binary': {
        const shift = e.op === 'shl' || e.op === 'shr';
        const [l, r] = [typeOfExpr(e.left), typeOfExpr(e.right)];
        this.require(same(l, e.dtype) && (shift || same(r, e.dtype)), `${e.op} of ${l} and ${r} gives ${e.dtype}`);
        return;
      }
      case 'compare': {
        const [l, r] = [typeOfExpr(e.left), typeOfExpr(e.right)];
        this.require(same(l, r), `${e.op} of ${l} and ${r}`);
        return;
      }
      case 'select':
        this.require(typeOfExpr(e.condition) === 'bool', 'a condition is not bool');
        this.require(same(typeOfExpr(e.then), typeOfExpr(e.otherwise)), 'the branches of a choice differ in type');
        return;
      case 'intrinsic':
        if (e.name !== 'qmulshift')
          this.require(e.args.length === intrinsic(e.name).params.length, `${e.name} has ${e.args.length} arguments`);
        for (const a of e.args) {
          const wanted = e.name === 'qmulshift' ? 'int32' : (intrinsic(e.name).dtype ?? 'int32');
          this.require(same(typeOfExpr(a), wanted), `${e.name} is given a ${typeOfExpr(a)}`);
        }
        return;
      default:
        return;
    }
  }
}

function isZero(e: LExpr): boolean {
  return e.kind === 'const' && Number(e.value) === 0;
}

/** Stores write narrowing out themselves: an int32 may go to any integer element. */
function narrows(value: ScalarType, element: ScalarType): boolean {
  return same(value, element) || (same(value, 'int32') && /^u?int(8|16|32)$/.test(element));
}
