/** Loop nests as text for people: indices as they are, no C spelling. */
import type { PrintedLine } from '../ir/print.ts';
import type { LExpr, Stmt } from '../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../loops/kernel.ts';

/** A kernel: its buffers, then its statements. Every line has the kernel's source spans. */
export function printKernel(kernel: LoweredKernel): readonly PrintedLine[] {
  const lines: string[] = [
    `kernel ${kernel.name}(${kernel.inputs.map(declaration).join(', ')}) -> (${kernel.outputs.map(declaration).join(', ')}) {`,
  ];
  for (const { buffer } of kernel.constants) lines.push(`  constant ${declaration(buffer)}`);
  for (const buffer of kernel.scratch) lines.push(`  scratch ${declaration(buffer)}`);
  for (const o of kernel.overlaps)
    lines.push(
      `  in place: ${kernel.outputs[o.output]?.name ?? '?'} over ${kernel.inputs[o.input]?.name ?? '?'}, ${o.leadBytes} bytes ahead`,
    );
  statement(kernel.body, '  ', lines);
  lines.push('}');
  return lines.map((text) => ({ text, origin: kernel.origin }));
}

function declaration(b: Buffer): string {
  return `${b.name}: ${b.dtype}[${b.length}]`;
}

function statement(s: Stmt, indent: string, lines: string[]): void {
  const inner = `${indent}  `;
  switch (s.kind) {
    case 'block':
      for (const part of s.body) statement(part, indent, lines);
      return;
    case 'for':
      lines.push(`${indent}for ${s.variable.name} < ${printLoopExpr(s.extent)}${s.unroll ? ' unrolled' : ''} {`);
      statement(s.body, inner, lines);
      lines.push(`${indent}}`);
      return;
    case 'if':
      lines.push(`${indent}if ${printLoopExpr(s.condition)} {`);
      statement(s.then, inner, lines);
      if (s.otherwise !== undefined) {
        lines.push(`${indent}} else {`);
        statement(s.otherwise, inner, lines);
      }
      lines.push(`${indent}}`);
      return;
    case 'declare':
      lines.push(`${indent}${s.local.name}: ${s.local.dtype} = ${printLoopExpr(s.value)}`);
      return;
    case 'assign':
      lines.push(`${indent}${s.local.name} = ${printLoopExpr(s.value)}`);
      return;
    case 'point':
      lines.push(
        `${indent}${s.pointer.name} = &${s.pointer.buffer.name}[${printLoopExpr(s.index)}] as ${s.pointer.dtype}`,
      );
      return;
    case 'advance':
      lines.push(`${indent}${s.pointer.name} += ${printLoopExpr(s.by)}`);
      return;
    case 'store':
      lines.push(`${indent}${s.buffer.name}[${printLoopExpr(s.index)}] = ${printLoopExpr(s.value)}`);
      return;
    case 'store_via':
      lines.push(`${indent}${s.pointer.name}[${printLoopExpr(s.offset)}] = ${printLoopExpr(s.value)}`);
      return;
    case 'perform': {
      const results = s.results.map((r) => r.name).join(', ');
      const at = s.at === undefined ? [] : [`${s.at.pointer.name}[${printLoopExpr(s.at.offset)}]`];
      const call = `${s.name}(${[...at, ...s.args.map(printLoopExpr)].join(', ')})`;
      lines.push(`${indent}${results === '' ? '' : `${results} = `}${call}`);
      return;
    }
  }
}

const symbols: Readonly<Record<string, string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shr: '>>',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};

/** One expression on one line. */
export function printLoopExpr(e: LExpr): string {
  switch (e.kind) {
    case 'local':
    case 'loopvar':
      return e.name;
    case 'const':
      return String(e.value);
    case 'load':
      return `${e.buffer.name}[${printLoopExpr(e.index)}]`;
    case 'deref':
      return `${e.pointer.name}[${printLoopExpr(e.offset)}]`;
    case 'binary':
    case 'compare': {
      const symbol = symbols[e.op];
      const [a, b] = [printLoopExpr(e.left), printLoopExpr(e.right)];
      return symbol === undefined ? `${e.op}(${a}, ${b})` : `(${a} ${symbol} ${b})`;
    }
    case 'unary':
      return `${e.op}(${printLoopExpr(e.operand)})`;
    case 'select':
      return `select(${printLoopExpr(e.condition)}, ${printLoopExpr(e.then)}, ${printLoopExpr(e.otherwise)})`;
    case 'cast':
      return `${e.dtype}(${printLoopExpr(e.operand)})`;
    case 'bitcast':
      return `bits.${e.dtype}(${printLoopExpr(e.operand)})`;
    case 'intrinsic':
      return `${e.name}(${e.args.map(printLoopExpr).join(', ')})`;
  }
}
