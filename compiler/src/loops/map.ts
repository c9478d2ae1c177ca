/** Rewriting loop IR bottom-up. Parts in which nothing changes stay the same objects. */
import type { LExpr, Local, LoopVar, Pointer, Stmt } from './ir.ts';
import { typeOfExpr } from './ir.ts';
import { operands } from './visit.ts';

export type Change = (e: LExpr) => LExpr;

/** An expression with each of its operands changed. */
export function mapOperands(e: LExpr, next: Change): LExpr {
  switch (e.kind) {
    case 'load': {
      const index = next(e.index);
      return index === e.index ? e : { ...e, index };
    }
    case 'deref': {
      const offset = next(e.offset);
      return offset === e.offset ? e : { ...e, offset };
    }
    case 'binary':
    case 'compare': {
      const [left, right] = [next(e.left), next(e.right)];
      return left === e.left && right === e.right ? e : { ...e, left, right };
    }
    case 'unary':
    case 'cast':
    case 'bitcast': {
      const operand = next(e.operand);
      return operand === e.operand ? e : { ...e, operand };
    }
    case 'select': {
      const [condition, then, otherwise] = [next(e.condition), next(e.then), next(e.otherwise)];
      const same = condition === e.condition && then === e.then && otherwise === e.otherwise;
      return same ? e : { ...e, condition, then, otherwise };
    }
    case 'intrinsic': {
      const args = e.args.map(next);
      return args.every((a, i) => a === e.args[i]) ? e : { ...e, args };
    }
    default:
      return e;
  }
}

/** An expression whose parts, then itself, went through `change`. */
function mapExpression(e: LExpr, change: Change): LExpr {
  return change(mapOperands(e, (o) => mapExpression(o, change)));
}

/** A statement with the expressions changed that it holds itself; targets of assignments and declarations stay. */
export function mapOwnExpressions(s: Stmt, next: Change): Stmt {
  switch (s.kind) {
    case 'for': {
      const extent = next(s.extent);
      return extent === s.extent ? s : { ...s, extent };
    }
    case 'if': {
      const condition = next(s.condition);
      return condition === s.condition ? s : { ...s, condition };
    }
    case 'declare':
    case 'assign': {
      const value = next(s.value);
      return value === s.value ? s : { ...s, value };
    }
    case 'point': {
      const index = next(s.index);
      return index === s.index ? s : { ...s, index };
    }
    case 'advance': {
      const by = next(s.by);
      return by === s.by ? s : { ...s, by };
    }
    case 'store': {
      const [index, value] = [next(s.index), next(s.value)];
      return index === s.index && value === s.value ? s : { ...s, index, value };
    }
    case 'store_via': {
      const [offset, value] = [next(s.offset), next(s.value)];
      return offset === s.offset && value === s.value ? s : { ...s, offset, value };
    }
    case 'perform': {
      const args = s.args.map(next);
      const at = s.at && { pointer: s.at.pointer, offset: next(s.at.offset) };
      if (at?.offset === s.at?.offset && args.every((a, i) => a === s.args[i])) return s;
      return { ...s, args, ...(at ? { at } : {}) };
    }
    default:
      return s;
  }
}

/** A statement with the statements directly below it changed. */
export function mapSubstatements(s: Stmt, next: (s: Stmt) => Stmt): Stmt {
  switch (s.kind) {
    case 'block': {
      const body = s.body.map(next);
      return body.every((b, i) => b === s.body[i]) ? s : { ...s, body };
    }
    case 'for': {
      const body = next(s.body);
      return body === s.body ? s : { ...s, body };
    }
    case 'if': {
      const then = next(s.then);
      const otherwise = s.otherwise && next(s.otherwise);
      if (then === s.then && otherwise === s.otherwise) return s;
      return { kind: 'if', condition: s.condition, then, ...(otherwise ? { otherwise } : {}) };
    }
    default:
      return s;
  }
}

/** A statement all of whose expressions went through `change`, from the inside out. */
export function mapStatement(s: Stmt, change: Change): Stmt {
  const own = mapOwnExpressions(s, (e) => mapExpression(e, change));
  return mapSubstatements(own, (b) => mapStatement(b, change));
}

/** Whether two expressions are written alike. */
export function sameExpression(a: LExpr, b: LExpr): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  const [x, y] = [operands(a), operands(b)];
  if (x.length !== y.length || !x.every((e, i) => sameExpression(e, y[i] as LExpr))) return false;
  if (typeOfExpr(a) !== typeOfExpr(b)) return false;
  switch (a.kind) {
    case 'const':
      return b.kind === 'const' && Object.is(a.value, b.value);
    case 'load':
      return b.kind === 'load' && a.buffer === b.buffer;
    case 'deref':
      return b.kind === 'deref' && a.pointer === b.pointer;
    case 'binary':
    case 'compare':
    case 'unary':
      return 'op' in b && a.op === b.op;
    case 'intrinsic':
      return b.kind === 'intrinsic' && a.name === b.name;
    case 'local':
    case 'loopvar':
      return false;
    default:
      return true;
  }
}

/**
 * The code again with `values` in the place of variables, and with locals, pointers and loop variables of its own.
 * `suffix` is appended to the names that it declares.
 */
export function copyOf(root: Stmt, values: ReadonlyMap<LExpr, LExpr>, suffix: string): Stmt {
  const locals = new Map<Local, Local>();
  const loops = new Map<LoopVar, LoopVar>();
  const pointers = new Map<Pointer, Pointer>();
  const change = (e: LExpr): LExpr => {
    const given = values.get(e);
    if (given) return given;
    if (e.kind === 'local') return locals.get(e) ?? e;
    if (e.kind === 'loopvar') return loops.get(e) ?? e;
    return e.kind === 'deref' ? { ...e, pointer: pointers.get(e.pointer) ?? e.pointer } : e;
  };
  const ex = (e: LExpr): LExpr => mapExpression(e, change);
  const statement = (s: Stmt): Stmt => {
    switch (s.kind) {
      case 'block':
        return { kind: 'block', body: s.body.map(statement) };
      case 'for': {
        const extent = ex(s.extent);
        const variable: LoopVar = { kind: 'loopvar', name: s.variable.name + suffix };
        loops.set(s.variable, variable);
        return { ...s, variable, extent, body: statement(s.body) };
      }
      case 'if': {
        const condition = ex(s.condition);
        const then = statement(s.then);
        return { kind: 'if', condition, then, ...(s.otherwise ? { otherwise: statement(s.otherwise) } : {}) };
      }
      case 'declare': {
        const value = ex(s.value);
        const local: Local = { ...s.local, name: s.local.name + suffix };
        locals.set(s.local, local);
        return { kind: 'declare', local, value };
      }
      case 'assign':
        return { kind: 'assign', local: locals.get(s.local) ?? s.local, value: ex(s.value) };
      case 'point': {
        const index = ex(s.index);
        const pointer: Pointer = { ...s.pointer, name: s.pointer.name + suffix };
        pointers.set(s.pointer, pointer);
        return { kind: 'point', pointer, index };
      }
      case 'advance':
        return { kind: 'advance', pointer: pointers.get(s.pointer) ?? s.pointer, by: ex(s.by) };
      case 'store_via':
        return { ...s, pointer: pointers.get(s.pointer) ?? s.pointer, offset: ex(s.offset), value: ex(s.value) };
      case 'perform': {
        const results = s.results.map((r) => locals.get(r) ?? r);
        const at = s.at && { pointer: pointers.get(s.at.pointer) ?? s.at.pointer, offset: ex(s.at.offset) };
        return { ...s, results, args: s.args.map(ex), ...(at ? { at } : {}) };
      }
      default:
        return mapStatement(s, change);
    }
  };
  return statement(root);
}
