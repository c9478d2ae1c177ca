/** The calls of a checked program as the corpora list them: one entry for each distinct call of the reachable graph. */
import type { CheckResult } from './result.ts';
import { infixOperatorName } from './infer-call.ts';
import type { Expr, FunctionNode } from '../syntax/tree.ts';
import { printTvmType } from '../types/print-tvm.ts';

/** `[callee, type]` pairs, sorted. */
export function callsOf(result: CheckResult): [string, string][] {
  const calls: [string, string][] = [];
  const seen = new Set<object>();
  const stack: unknown[] = [];
  const last = new Map<string, FunctionNode>();
  for (const definition of result.tree.definitions)
    if (definition.kind === 'def') last.set(definition.name.text, definition.fn);
  for (const fn of last.values()) stack.push(fn.body);
  const add = (node: Expr, callee: string): void => {
    const type = result.typeOf(node);
    calls.push([callee, type ? printTvmType(type) : '_']);
  };
  while (stack.length > 0) {
    const node = stack.pop() as Expr | { kind: 'arm'; body: Expr };
    if (seen.has(node)) continue;
    seen.add(node);
    switch (node.kind) {
      case 'block':
        for (const statement of node.statements)
          if (statement.kind === 'let' || statement.kind === 'sequence') stack.push(statement.value);
        stack.push(node.result);
        break;
      case 'graphref': {
        const symbol = result.symbolOf(node);
        if (symbol?.kind === 'graph') stack.push(symbol.definition.value);
        break;
      }
      case 'name': {
        const symbol = result.symbolOf(node);
        if (symbol?.kind === 'constructor' && (symbol.definition?.fields.length ?? 0) === 0) add(node, 'Constructor');
        break;
      }
      case 'fn':
        stack.push(node.body);
        break;
      case 'if':
        stack.push(node.condition, node.then, node.otherwise);
        break;
      case 'ref':
      case 'ref_read':
      case 'ref_write':
        stack.push(...node.operands);
        break;
      case 'tuple':
        stack.push(...node.fields);
        break;
      case 'paren':
        stack.push(node.inner);
        break;
      case 'projection':
        stack.push(node.tuple);
        break;
      case 'infix':
        add(node, infixOperatorName(node.operator));
        stack.push(node.left, node.right);
        break;
      case 'match':
        stack.push(node.scrutinee, ...node.arms.map((arm) => arm.body));
        break;
      case 'call': {
        const callee = resolveCallee(result, node.callee);
        add(node, calleeName(result, callee));
        stack.push(...node.args);
        if (callee.kind !== 'name') stack.push(node.callee);
        break;
      }
    }
  }
  return calls.sort((a, b) => (a[0] === b[0] ? (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0) : a[0] < b[0] ? -1 : 1));
}

function resolveCallee(result: CheckResult, callee: Expr): Expr {
  let current = callee;
  for (;;) {
    if (current.kind === 'paren') current = current.inner;
    else if (current.kind === 'graphref') {
      const symbol = result.symbolOf(current);
      if (symbol?.kind !== 'graph') return current;
      current = symbol.definition.value;
    } else if (current.kind === 'block' && current.statements.length === 0) current = current.result;
    else return current;
  }
}

function calleeName(result: CheckResult, callee: Expr): string {
  switch (callee.kind) {
    case 'global':
      return `@${callee.name}`;
    case 'local':
      return 'Var';
    case 'fn':
      return 'Function';
    case 'name':
      return result.symbolOf(callee)?.kind === 'constructor' ? 'Constructor' : callee.name;
    case 'call':
    case 'infix':
      return 'Call';
    case 'projection':
      return 'TupleGetItem';
    case 'block':
      return 'Let';
    case 'if':
      return 'If';
    case 'match':
      return 'Match';
    case 'ref_read':
      return 'RefRead';
    default:
      return 'Call';
  }
}
