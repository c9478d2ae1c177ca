/** Walking tensor expressions: operands, loads, uses, and the order of stages. */
import type { TEExpr, TETensor } from './te.ts';

/** The direct operands of an expression, loads' indices included. */
export function operandsOf(e: TEExpr): readonly TEExpr[] {
  switch (e.kind) {
    case 'axis':
    case 'const':
      return [];
    case 'binary':
    case 'compare':
      return [e.left, e.right];
    case 'unary':
    case 'cast':
    case 'bitcast':
      return [e.operand];
    case 'select':
      return [e.condition, e.then, e.otherwise];
    case 'load':
      return e.indices;
    case 'reduce':
      return e.init === undefined ? [e.body] : [e.init, e.body];
    case 'qmulshift':
      return [e.value, e.multiplier, e.shift];
  }
}

/** Tensors that a stage's body loads, in order of first occurrence, each once. */
export function loadedTensors(body: TEExpr): readonly TETensor[] {
  const found = new Set<TETensor>();
  const seen = new Set<TEExpr>();
  const stack: TEExpr[] = [body];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    if (e.kind === 'load') found.add(e.tensor);
    const operands = operandsOf(e);
    for (let i = operands.length - 1; i >= 0; i--) {
      const operand = operands[i];
      if (operand !== undefined) stack.push(operand);
    }
  }
  return [...found];
}

/** All tensors that `outputs` depend on, producers first; inputs included. */
export function stagesOf(outputs: readonly TETensor[]): readonly TETensor[] {
  const order: TETensor[] = [];
  const state = new Map<TETensor, 'open' | 'done'>();
  const stack: TETensor[] = [...outputs].reverse();
  while (stack.length > 0) {
    const tensor = stack[stack.length - 1];
    if (tensor === undefined) break;
    const known = state.get(tensor);
    if (known === 'done') {
      stack.pop();
    } else if (known === 'open' || tensor.compute === undefined) {
      state.set(tensor, 'done');
      order.push(tensor);
      stack.pop();
    } else {
      state.set(tensor, 'open');
      for (const input of [...loadedTensors(tensor.compute.body)].reverse()) if (!state.has(input)) stack.push(input);
    }
  }
  return order;
}

/** How often each sub-expression object of `body` is an operand. */
export function useCounts(body: TEExpr): ReadonlyMap<TEExpr, number> {
  const counts = new Map<TEExpr, number>([[body, 1]]);
  const stack: TEExpr[] = [body];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    for (const operand of operandsOf(e)) {
      const before = counts.get(operand) ?? 0;
      counts.set(operand, before + 1);
      if (before === 0) stack.push(operand);
    }
  }
  return counts;
}
