/** Removes what no result depends on. */
import type { Expr, Func, IRModule } from '../ir/expr.ts';
import { postOrder, rewrite, useCounts } from '../ir/visit.ts';
import type { Pass } from './pass.ts';

/**
 * `let %x = e; body` becomes `body` where `%x` is unused and `e` writes no reference; functions that `main` does not
 * reach go as well (all stay when there is no `main`).
 */
export const deadCode: Pass = {
  name: 'dead-code',
  summary: 'Removes unused bindings and functions that the main function does not reach.',
  example: {
    before: `def @unused(%x: int32) {
  %x
}

def @main(%x: Tensor[(2), float32]) {
  let %y = exp(%x);
  tanh(%x)
}`,
    after: `def @main(%x: Tensor[(2), float32]) -> Tensor[(2), float32] {
  tanh(%x)
}`,
  },
  run(module) {
    let bindings = 0;
    const functions = new Map<string, Func>();
    for (const [name, func] of module.functions) {
      let body = func.body;
      // Removing one binding may leave another unused.
      for (let removed = true; removed;) {
        const uses = useCounts(body);
        const effects = effectful(body);
        removed = false;
        body = rewrite(body, (e, original) => {
          if (e.kind !== 'let' || original.kind !== 'let') return e;
          if ((uses.get(original.variable) ?? 0) > 0 || effects.has(original.value)) return e;
          removed = true;
          bindings++;
          return e.body;
        });
      }
      functions.set(name, body === func.body ? func : { ...func, body });
    }
    const reached = reachable({ ...module, functions });
    const kept = new Map([...functions].filter(([name]) => reached.has(name)));
    return {
      module: { ...module, functions: kept },
      statistics: { 'bindings removed': bindings, 'functions removed': functions.size - kept.size },
    };
  },
};

/** Nodes that may write a reference or not return: writes, calls of anything but operators, and what contains them. */
function effectful(root: Expr): ReadonlySet<Expr> {
  const found = new Set<Expr>();
  for (const e of postOrder(root)) {
    const own =
      e.kind === 'ref_write' || (e.kind === 'call' && e.callee.kind !== 'op' && e.callee.kind !== 'constructor');
    const inherited = childrenWithEffects(e, found);
    if (own || inherited) found.add(e);
  }
  return found;
}

function childrenWithEffects(e: Expr, found: ReadonlySet<Expr>): boolean {
  switch (e.kind) {
    case 'func':
      return false;
    case 'call':
      return e.args.some((a) => found.has(a));
    case 'tuple':
      return e.fields.some((f) => found.has(f));
    case 'get':
      return found.has(e.tuple);
    case 'let':
      return found.has(e.value) || found.has(e.body);
    case 'if':
      return found.has(e.condition) || found.has(e.then) || found.has(e.otherwise);
    case 'match':
      return true;
    case 'ref':
      return found.has(e.value);
    case 'ref_read':
      return found.has(e.ref);
    default:
      return false;
  }
}

function reachable(module: IRModule): ReadonlySet<string> {
  if (!module.functions.has('main')) return new Set(module.functions.keys());
  const found = new Set<string>();
  const queue = ['main'];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const func = module.functions.get(name);
    if (found.has(name) || func === undefined) continue;
    found.add(name);
    for (const e of postOrder(func.body)) if (e.kind === 'global') queue.push(e.name);
  }
  return found;
}
