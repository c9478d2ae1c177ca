/**
 * Walking and rewriting expressions. Everything here keeps its own stack: programs have chains of tens of thousands of
 * bindings. Shared nodes are visited once, and stay shared when rewritten.
 */
import type { Expr, Func, IRModule, IRPattern, Var } from './expr.ts';

/** Direct sub-expressions in order of evaluation; binders are not among them. */
export function childrenOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'var':
    case 'global':
    case 'constant':
    case 'op':
    case 'constructor':
      return [];
    case 'call':
      return [e.callee, ...e.args];
    case 'tuple':
      return e.fields;
    case 'get':
      return [e.tuple];
    case 'func':
      return [e.body];
    case 'let':
      return [e.value, e.body];
    case 'if':
      return [e.condition, e.then, e.otherwise];
    case 'match':
      return [e.scrutinee, ...e.clauses.map((c) => c.body)];
    case 'ref':
      return [e.value];
    case 'ref_read':
      return [e.ref];
    case 'ref_write':
      return [e.ref, e.value];
  }
}

/** The same expression over other children (in the order of `childrenOf`); the same object when none differs. */
export function withChildren(e: Expr, children: readonly Expr[]): Expr {
  const old = childrenOf(e);
  if (old.every((child, i) => child === children[i])) return e;
  const at = (i: number): Expr => {
    const child = children[i];
    if (child === undefined) throw new Error(`${e.kind} needs ${old.length} children, got ${children.length}`);
    return child;
  };
  switch (e.kind) {
    case 'var':
    case 'global':
    case 'constant':
    case 'op':
    case 'constructor':
      return e;
    case 'call':
      return { ...e, callee: at(0), args: e.args.map((_, i) => at(i + 1)) };
    case 'tuple':
      return { ...e, fields: e.fields.map((_, i) => at(i)) };
    case 'get':
      return { ...e, tuple: at(0) };
    case 'func':
      return { ...e, body: at(0) };
    case 'let':
      return { ...e, value: at(0), body: at(1) };
    case 'if':
      return { ...e, condition: at(0), then: at(1), otherwise: at(2) };
    case 'match':
      return { ...e, scrutinee: at(0), clauses: e.clauses.map((c, i) => ({ ...c, body: at(i + 1) })) };
    case 'ref':
      return { ...e, value: at(0) };
    case 'ref_read':
      return { ...e, ref: at(0) };
    case 'ref_write':
      return { ...e, ref: at(0), value: at(1) };
  }
}

/** Every node reachable from `root`, children before parents, each once. */
export function postOrder(root: Expr): readonly Expr[] {
  const order: Expr[] = [];
  const opened = new Set<Expr>();
  const closed = new Set<Expr>();
  const stack: Expr[] = [root];
  while (stack.length > 0) {
    const e = stack[stack.length - 1];
    if (e === undefined) break;
    if (opened.has(e)) {
      stack.pop();
      if (!closed.has(e)) {
        closed.add(e);
        order.push(e);
      }
      continue;
    }
    opened.add(e);
    const children = childrenOf(e);
    for (let i = children.length - 1; i >= 0; i--) {
      const child = children[i];
      if (child !== undefined && !opened.has(child)) stack.push(child);
    }
  }
  return order;
}

/**
 * Rewrites bottom-up: `f` sees each node with its children already rewritten, and the node it came from. Returns a
 * function that tells what any node of the input became.
 */
export function rewriteAll(root: Expr, f: (e: Expr, original: Expr) => Expr): (e: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const get = (e: Expr): Expr => done.get(e) ?? e;
  for (const e of postOrder(root)) done.set(e, f(withChildren(e, childrenOf(e).map(get)), e));
  return get;
}

/** As `rewriteAll`, for the root's result. */
export function rewrite(root: Expr, f: (e: Expr, original: Expr) => Expr): Expr {
  return rewriteAll(root, f)(root);
}

/** Rewrites the body of every global function. */
export function rewriteModule(module: IRModule, f: (e: Expr, original: Expr) => Expr): IRModule {
  let changed = false;
  const functions = new Map<string, Func>();
  for (const [name, func] of module.functions) {
    const body = rewrite(func.body, f);
    changed ||= body !== func.body;
    functions.set(name, body === func.body ? func : { ...func, body, type: { ...func.type, ret: body.type } });
  }
  return changed ? { ...module, functions } : module;
}

/** How often each node is an operand, counted by edge; the root has one use. */
export function useCounts(root: Expr): ReadonlyMap<Expr, number> {
  const counts = new Map<Expr, number>([[root, 1]]);
  for (const e of postOrder(root)) for (const child of childrenOf(e)) counts.set(child, (counts.get(child) ?? 0) + 1);
  return counts;
}

/** The parents of each node, one entry an edge. */
export function parentsOf(root: Expr): ReadonlyMap<Expr, readonly Expr[]> {
  const parents = new Map<Expr, Expr[]>();
  for (const e of postOrder(root))
    for (const child of childrenOf(e)) {
      const list = parents.get(child);
      if (list === undefined) parents.set(child, [e]);
      else list.push(e);
    }
  return parents;
}

/** Variables that a pattern binds, left to right. */
function patternVariables(pattern: IRPattern): readonly Var[] {
  if (pattern.kind === 'var') return [pattern.variable];
  if (pattern.kind === 'wildcard') return [];
  return pattern.fields.flatMap(patternVariables);
}

/** Variables bound by a node itself: parameters, a `let`'s variable, patterns' variables. */
export function bindersOf(e: Expr): readonly Var[] {
  if (e.kind === 'func') return e.params;
  if (e.kind === 'let') return [e.variable];
  if (e.kind === 'match') return e.clauses.flatMap((c) => patternVariables(c.pattern));
  return [];
}

/** Variables used in `root` and bound nowhere in it, in order of first use. Variables are bound once in a program. */
export function freeVariables(root: Expr): readonly Var[] {
  const bound = new Set<Var>();
  const used = new Set<Var>();
  for (const e of postOrder(root)) {
    if (e.kind === 'var') used.add(e);
    for (const v of bindersOf(e)) bound.add(v);
  }
  return [...used].filter((v) => !bound.has(v));
}

/** Replaces variables by expressions. */
export function substitute(root: Expr, replacements: ReadonlyMap<Var, Expr>): Expr {
  if (replacements.size === 0) return root;
  return rewrite(root, (e) => (e.kind === 'var' ? (replacements.get(e) ?? e) : e));
}
