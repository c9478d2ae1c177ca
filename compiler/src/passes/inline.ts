/** Makes one graph of functions, bindings and branches where that is possible at compile time. */
import type { Expr, Func, IRModule, IRPattern, Var } from '../ir/expr.ts';
import { bindersOf, childrenOf, postOrder, rewrite, substitute, withChildren } from '../ir/visit.ts';
import type { Pass } from './pass.ts';

/**
 * Calls of non-recursive global functions and of function literals become their bodies; `let` without references
 * becomes sharing. What is left afterwards (recursion, closures as values) needs a run-time system.
 */
export const inline: Pass = {
  name: 'inline',
  summary: 'Replaces calls of non-recursive functions by their bodies and `let` bindings by shared nodes.',
  example: {
    before: `def @twice(%x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  add(%x, %x)
}

def @main(%x: Tensor[(2), float32]) {
  let %y = @twice(%x);
  exp(%y)
}`,
    after: `def @main(%x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  %0 = add(%x, %x);
  exp(%0)
}

def @twice(%x1: Tensor[(2), float32]) -> Tensor[(2), float32] {
  add(%x1, %x1)
}`,
  },
  run(module) {
    const count = { calls: 0, lets: 0 };
    const recursive = recursiveFunctions(module);
    const functions = new Map<string, Func>();
    const expanded = (name: string): Func | undefined => {
      const done = functions.get(name);
      const func = module.functions.get(name);
      if (done !== undefined || func === undefined) return done;
      const body = expand(func.body);
      const result = body === func.body ? func : { ...func, body };
      functions.set(name, result);
      return result;
    };
    const expand = (body: Expr): Expr => {
      if (postOrder(body).some((e) => e.kind === 'ref' || e.kind === 'ref_write')) return body;
      let current = rewrite(body, (e) => {
        if (e.kind !== 'call') return e;
        const target =
          e.callee.kind === 'global' && !recursive.has(e.callee.name)
            ? expanded(e.callee.name)
            : e.callee.kind === 'func'
              ? e.callee
              : undefined;
        if (target === undefined || target.typeParams.length > 0) return e;
        count.calls++;
        return applied(target, e.args);
      });
      current = withoutLets(current, () => count.lets++);
      return current;
    };
    for (const name of module.functions.keys()) expanded(name);
    return {
      module: { ...module, functions },
      statistics: { 'calls inlined': count.calls, 'bindings made shared nodes': count.lets },
    };
  },
};

/** The body of `f` with fresh binders and `args` for its parameters. */
function applied(f: Func, args: readonly Expr[]): Expr {
  const replacements = new Map<Var, Expr>();
  f.params.forEach((p, i) => {
    const arg = args[i];
    if (arg !== undefined) replacements.set(p, arg);
  });
  return substitute(freshBinders(f.body, replacements), replacements);
}

/** New variables for every binder inside, so that a body may stand twice in a program. */
function freshBinders(body: Expr, outer: ReadonlyMap<Var, Expr>): Expr {
  const fresh = new Map<Var, Expr>();
  for (const e of postOrder(body)) for (const v of bindersOf(e)) if (!outer.has(v)) fresh.set(v, { ...v });
  if (fresh.size === 0) return body;
  const renamed = (v: Var): Var => {
    const other = fresh.get(v);
    return other?.kind === 'var' ? other : v;
  };
  return rewrite(body, (e) => {
    if (e.kind === 'var') return renamed(e);
    if (e.kind === 'func') return { ...e, params: e.params.map(renamed) };
    if (e.kind === 'let') return { ...e, variable: renamed(e.variable) };
    if (e.kind === 'match')
      return { ...e, clauses: e.clauses.map((c) => ({ ...c, pattern: renamedPattern(c.pattern, renamed) })) };
    return e;
  });
}

function renamedPattern(pattern: IRPattern, renamed: (v: Var) => Var): IRPattern {
  if (pattern.kind === 'var') return { ...pattern, variable: renamed(pattern.variable) };
  if (pattern.kind === 'wildcard') return pattern;
  return { ...pattern, fields: pattern.fields.map((f) => renamedPattern(f, renamed)) };
}

/** Replaces each variable of a `let` by its value; the value stays one node. Iterative over chains. */
function withoutLets(root: Expr, counted: () => void): Expr {
  const order = postOrder(root);
  if (!order.some((e) => e.kind === 'let')) return root;
  // A recursive closure needs its name.
  const done = new Map<Expr, Expr>();
  const kept = new Set<Var>();
  for (const e of order)
    if (e.kind === 'let' && e.value.kind === 'func' && postOrder(e.value).includes(e.variable)) kept.add(e.variable);
  // Values come before the bodies that use them: rewrite along `let` order, children first.
  const bound = new Map<Var, Expr>();
  for (const e of order) if (e.kind === 'let') bound.set(e.variable, e.value);
  const get = (e: Expr): Expr => done.get(e) ?? e;
  const stack: Expr[] = [root];
  while (stack.length > 0) {
    const e = stack[stack.length - 1];
    if (e === undefined) break;
    if (done.has(e)) {
      stack.pop();
      continue;
    }
    const value = e.kind === 'var' && !kept.has(e) ? bound.get(e) : undefined;
    const needed = value !== undefined ? [value] : childrenOf(e);
    const open = needed.filter((c) => !done.has(c));
    if (open.length > 0) {
      for (const c of open.reverse()) stack.push(c);
      continue;
    }
    stack.pop();
    if (value !== undefined) done.set(e, get(value));
    else if (e.kind === 'let' && !kept.has(e.variable)) {
      counted();
      done.set(e, get(e.body));
    } else done.set(e, withChildren(e, childrenOf(e).map(get)));
  }
  return get(root);
}

/** Global functions that reach themselves. */
function recursiveFunctions(module: IRModule): ReadonlySet<string> {
  const calls = new Map<string, ReadonlySet<string>>();
  for (const [name, f] of module.functions)
    calls.set(name, new Set(postOrder(f.body).flatMap((e) => (e.kind === 'global' ? [e.name] : []))));
  const recursive = new Set<string>();
  for (const name of module.functions.keys()) {
    const seen = new Set<string>();
    const queue = [...(calls.get(name) ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...(calls.get(next) ?? []));
    }
    if (seen.has(name)) recursive.add(name);
  }
  return recursive;
}
