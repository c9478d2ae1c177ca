/** Tuning tasks: keys that stay the same over runs, and what people read. */
import type { Expr, Func } from '../ir/expr.ts';
import { computationOf } from '../loops/computation.ts';
import { elementCount } from '../tensor/ndarray.ts';
import type { TEExpr } from '../tensor/te.ts';
import { operandsOf } from '../tensor/te-walk.ts';
import { printType } from '../types/print.ts';
import { parseAdd, parseConv } from './parse.ts';
import { convMacs, isDepthwise, type ConvProblem } from './problem.ts';
import type { FusedFunction, TuningTask } from './task.ts';
import { titleOf } from './title.ts';

/** The task of a fused function. Keys outlive titles: records are found by them. */
export function extractTask(fused: FusedFunction): TuningTask {
  const hash = hashText(canonicalText(fused.func));
  const conv = parseConv(fused.func)?.problem;
  const description = titleOf(fused, conv?.epilogue.residual !== undefined);
  if (conv) return { key: `${convStem(conv)}-${hash}`, description, fused, macs: convMacs(conv) };
  const sum = parseAdd(fused.func);
  if (sum) return { key: `add-${sum.length}-${hash}`, description, fused, macs: 0 };
  const anchor = fused.anchor?.callee;
  const name = anchor?.kind === 'op' ? anchor.name.replace(/[^a-z0-9]+/gi, '_') : 'pointwise';
  return { key: `${name}-${hash}`, description, fused, macs: reductions(fused.func) };
}

function convStem(p: ConvProblem): string {
  const kind = isDepthwise(p) ? 'depthwise' : p.kH * p.kW === 1 && p.inH === 1 ? 'dense' : 'conv2d';
  return `${kind}-${p.kH}x${p.kW}-s${p.strideH}${p.strideH === p.strideW ? '' : p.strideW}-${p.inC}x${p.outC}`;
}

/** Multiply–accumulates of the reductions of a function without a template. */
function reductions(func: Func): number {
  const computation = computationOf(func);
  if (!computation.ok) return 0;
  let total = 0;
  const seen = new Set<unknown>();
  const pending = [...computation.value.outputs];
  for (let t = pending.pop(); t; t = pending.pop()) {
    if (seen.has(t) || !t.compute) continue;
    seen.add(t);
    const elements = elementCount(t.shape);
    const visit = (e: TEExpr): void => {
      if (seen.has(e)) return;
      seen.add(e);
      if (e.kind === 'load') pending.push(e.tensor);
      if (e.kind === 'reduce') {
        const product = e.body.kind === 'binary' && e.body.op === 'mul';
        if (product && e.op === 'sum') total += elements * e.axes.reduce((n, a) => n * a.extent, 1);
      }
      operandsOf(e).forEach(visit);
    };
    visit(t.compute.body);
  }
  return total;
}

/** The function's form without names and constants' values: numbered nodes, operators, attributes, types. */
export function canonicalText(func: Func): string {
  const numbers = new Map<Expr, number>();
  const lines: string[] = [];
  const define = (e: Expr, text: string): void => {
    numbers.set(e, numbers.size);
    lines.push(text);
  };
  for (const p of func.params) define(p, `param ${printType(p.type)}`);
  const stack: Expr[] = [func.body];
  for (let e = stack.at(-1); e; e = stack.at(-1)) {
    const children = childrenOfExpr(e);
    const waiting = numbers.has(e) ? [] : children.filter((c) => !numbers.has(c));
    if (waiting.length > 0) {
      stack.push(...waiting.reverse());
      continue;
    }
    stack.pop();
    if (numbers.has(e)) continue;
    const args = children.map((c) => numbers.get(c)).join(' ');
    const operator = e.kind === 'call' && e.callee.kind === 'op' ? ` ${e.callee.name}` : '';
    const attrs =
      e.kind === 'call' ? ` ${attributesText(Object.entries(e.attrs).sort(([a], [b]) => (a < b ? -1 : 1)))}` : '';
    const index = e.kind === 'get' ? ` ${e.index}` : '';
    define(e, `${e.kind}${operator}${index} (${args})${attrs} : ${printType(e.type)}`);
  }
  return lines.join('\n');
}

function childrenOfExpr(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'call':
      return e.args;
    case 'tuple':
      return e.fields;
    case 'get':
      return [e.tuple];
    case 'let':
      return [e.value, e.body];
    default:
      return [];
  }
}

/** Eight hexadecimal digits of FNV-1a. */
export function hashText(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}

/** Attributes as JSON; big integers, which JSON lacks, as their digits. */
function attributesText(entries: readonly (readonly [string, unknown])[]): string {
  return JSON.stringify(entries, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
