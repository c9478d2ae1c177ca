/**
 * Numbers for expressions, such that equal numbers mean equal expressions up to names of variables, order of
 * commuting operands and sharing. Numbers come from one table for all compared programs; nothing is hashed, so two
 * different expressions never get one number.
 */
import type { Call, Constant, Expr, Func, IRModule, IRPattern, Var } from '../ir/expr.ts';
import { equalArrays } from '../ir/equal.ts';
import { bindersOf, childrenOf, postOrder } from '../ir/visit.ts';
import { canonicalJson } from '../operators/attribute-text.ts';
import type { Algebra } from '../operators/operator.ts';
import { operatorRegistry } from '../operators/registry.ts';
import { isFloat } from '../tensor/dtype.ts';
import { printType } from '../types/print.ts';
import type { Arithmetic } from './normal-form.ts';

/** The table that compared programs share. */
export class Numbering {
  private readonly numbers = new Map<string, number>();
  private readonly constants = new Map<string, { readonly value: Constant['value']; readonly number: number }[]>();
  private next = 0;

  /** The number of what `key` describes. */
  of(key: string): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.numbers.set(key, this.next);
    return this.next++;
  }

  /** The number of a constant: dtype, shape and every element count. */
  ofConstant(e: Constant): number {
    const { value } = e;
    const key = `${printType(e.type)} ${String(value.data[0])} ${String(value.data[value.data.length >> 1])}`;
    const bucket = this.constants.get(key) ?? [];
    const known = bucket.find((c) => equalArrays(c.value, value));
    if (known !== undefined) return known.number;
    this.constants.set(key, [...bucket, { value, number: this.next }]);
    return this.next++;
  }
}

/** A program's expressions with their numbers. */
export interface Identity {
  /** The number of the whole program: the entry and every function and data type that it reaches. */
  readonly program: number;
  readonly numbers: ReadonlyMap<Expr, number>;
}

/** Numbers the expressions of `entry` and of the functions that it calls. */
export function identify(module: IRModule, entry: Func, arithmetic: Arithmetic, numbering: Numbering): Identity {
  const numbers = new Map<Expr, number>();
  const globals: string[] = [];
  const globalNumber = (name: string): number => {
    const at = globals.indexOf(name);
    if (at >= 0) return at;
    globals.push(name);
    return globals.length - 1;
  };
  const roots = [numberFunction(module, entry, arithmetic, numbering, numbers, globalNumber)];
  // Functions are numbered in order of first use, so their names do not count.
  for (let i = 0; i < globals.length; i++) {
    const func = module.functions.get(globals[i] ?? '');
    const key = func === undefined ? -1 : numberFunction(module, func, arithmetic, numbering, numbers, globalNumber);
    roots.push(key);
  }
  return { program: numbering.of(`program ${roots.join(' ')}`), numbers };
}

function numberFunction(
  module: IRModule,
  func: Func,
  arithmetic: Arithmetic,
  numbering: Numbering,
  numbers: Map<Expr, number>,
  globalNumber: (name: string) => number,
): number {
  const positions = variablePositions(func);
  const get = (e: Expr): number => numbers.get(e) ?? -1;
  const label = (e: Expr): string => {
    switch (e.kind) {
      case 'var':
        return `var ${positions.get(e) ?? e.name} ${printType(e.type)}`;
      case 'global':
        return `global ${globalNumber(e.name)}`;
      case 'op':
        return `op ${e.name}`;
      case 'constructor':
        return `constructor ${e.name} ${dataType(module, e.name)}`;
      case 'call':
        return `call ${canonicalJson(e.attrs)} ${printType(e.type)}`;
      case 'get':
        return `get ${e.index}`;
      case 'match':
        return `match ${String(e.complete)} ${e.clauses.map((c) => patternText(module, c.pattern, positions)).join(' ')}`;
      case 'func':
        return `func ${canonicalJson(e.attrs)} ${e.params.map((p) => positions.get(p)).join(' ')} ${printType(e.type)}`;
      case 'let':
        return `let ${positions.get(e.variable) ?? ''}`;
      default:
        return e.kind;
    }
  };
  const order = postOrder(func.body);
  // Where references are written, evaluating one shared expression is not evaluating it twice.
  const effects = order.some((e) => e.kind === 'ref' || e.kind === 'ref_write');
  order.forEach((e, i) => {
    if (e.kind === 'constant') numbers.set(e, numbering.ofConstant(e));
    else if (effects) numbers.set(e, numbering.of(`${label(e)} (${childrenOf(e).map(get).join(' ')}) at ${i}`));
    else numbers.set(e, numbering.of(`${label(e)} (${operandNumbers(e, arithmetic, get).join(' ')})`));
  });
  const params = func.params.map((p) => printType(p.type)).join(', ');
  return numbering.of(`function (${params}) ${get(func.body)}`);
}

/** Binders in order of first visit from the root: what stands for their names. */
function variablePositions(func: Func): ReadonlyMap<Var, number> {
  const positions = new Map<Var, number>();
  for (const p of func.params) positions.set(p, positions.size);
  const seen = new Set<Expr>();
  const stack: Expr[] = [func.body];
  for (let e = stack.pop(); e !== undefined; e = stack.pop()) {
    if (seen.has(e)) continue;
    seen.add(e);
    for (const v of bindersOf(e)) positions.set(v, positions.size);
    const children = childrenOf(e);
    for (let i = children.length - 1; i >= 0; i--) {
      const child = children[i];
      if (child !== undefined) stack.push(child);
    }
  }
  return positions;
}

function patternText(module: IRModule, p: IRPattern, positions: ReadonlyMap<Var, number>): string {
  if (p.kind === 'wildcard') return '_';
  if (p.kind === 'var') return `%${positions.get(p.variable) ?? ''}`;
  const fields = p.fields.map((f) => patternText(module, f, positions)).join(', ');
  return p.kind === 'tuple' ? `(${fields})` : `${p.constructor_} ${dataType(module, p.constructor_)}(${fields})`;
}

/** The definition that a constructor belongs to, so that equal names of unlike types do not meet. */
function dataType(module: IRModule, constructor_: string): string {
  for (const t of module.types.values()) {
    if (!t.constructors.some((c) => c.name === constructor_)) continue;
    return `${t.name}{${t.constructors.map((c) => `${c.name}(${c.fields.map(printType).join(', ')})`).join(', ')}}`;
  }
  return '';
}

/** The laws of the operator that `e` calls, where they hold for its element type. */
function lawsOf(e: Expr): { readonly name: string; readonly laws: Algebra; readonly float: boolean } | undefined {
  if (e.kind !== 'call' || e.callee.kind !== 'op') return undefined;
  const laws = operatorRegistry.get(e.callee.name)?.algebra;
  const operand = e.args[0]?.type;
  if (laws === undefined || operand?.kind !== 'tensor') return undefined;
  const float = isFloat(operand.dtype);
  return float && laws.of === 'integers' ? undefined : { name: e.callee.name, laws, float };
}

/** Operands' numbers: sorted where they commute, and chains of one associative operator flat. */
function operandNumbers(e: Expr, arithmetic: Arithmetic, get: (e: Expr) => number): readonly number[] {
  const at = lawsOf(e);
  if (e.kind !== 'call' || at === undefined) return childrenOf(e).map(get);
  const flat = at.laws.associative && (!at.float || arithmetic === 'real');
  const operands = flat ? chainOperands(e, at.name) : e.args;
  return [get(e.callee), ...operands.map(get).sort((a, b) => a - b)];
}

/** Chains longer than this are compared as they are nested; flattening each link would cost its square. */
const longestChain = 64;

/** The operands of nested calls of one operator: `a + (b + c)` has three. */
function chainOperands(e: Call, name: string): readonly Expr[] {
  const found: Expr[] = [];
  const stack: Expr[] = [...e.args].reverse();
  for (let arg = stack.pop(); arg !== undefined; arg = stack.pop()) {
    if (found.length + stack.length >= longestChain) return e.args;
    if (arg.kind === 'call' && arg.callee.kind === 'op' && arg.callee.name === name)
      stack.push(...[...arg.args].reverse());
    else found.push(arg);
  }
  return found;
}
