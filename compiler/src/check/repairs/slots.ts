/** Places whose tensor does not fit: arguments of operators, and expressions of which a type is expected. */
import { infixOperatorName } from '../infer-call.ts';
import type { Span } from '../../base/span.ts';
import { resolveSpan } from '../../base/span.ts';
import type { AttributeValueData } from '../../operators/attributes.ts';
import type { Operator } from '../../operators/operator.ts';
import { operatorRegistry } from '../../operators/registry.ts';
import type { CallExpr, Expr, InfixExpr, Node } from '../../syntax/tree.ts';
import { nodeAt } from '../../syntax/walk.ts';
import { printType } from '../../types/print.ts';
import { tupleType, type TensorType, type Type } from '../../types/type.ts';
import type { CheckResult } from '../result.ts';

/** An expression whose type may be changed, and what its surroundings say to another type. */
export interface Slot {
  readonly node: Expr;
  readonly type: TensorType;
  /** `weight`, as the title calls it; undefined where the place has no name. */
  readonly name: string | undefined;
  /** Types that the expression should agree with. */
  readonly targets: readonly Type[];
  accepts(type: TensorType): boolean;
}

/** A use of an operator, called or written between its operands. */
export interface Use {
  readonly node: CallExpr | InfixExpr;
  readonly operator: Operator;
  readonly args: readonly Expr[];
  readonly attrs: Readonly<Record<string, AttributeValueData>> | undefined;
}

/** The uses of operators around a span, innermost first. */
export function usesAround(check: CheckResult, span: Span): readonly Use[] {
  return pathTo(check, span)
    .toReversed()
    .flatMap((node) => useOf(check, node) ?? []);
}

/** The use that a node is, if it is one. */
function useOf(check: CheckResult, node: Node): Use | undefined {
  if (node.kind === 'infix') {
    const operator = operatorRegistry.get(infixOperatorName(node.operator));
    return operator && { node, operator, args: [node.left, node.right], attrs: {} };
  }
  if (node.kind !== 'call') return undefined;
  const symbol = check.symbolOf(node.callee);
  if (symbol?.kind !== 'operator') return undefined;
  return { node, operator: symbol.operator, args: node.args, attrs: check.attrsOf(node) };
}

/** The nodes that hold the whole span, outermost first. */
function pathTo(check: CheckResult, span: Span): readonly Node[] {
  const { anchors } = check.tree;
  const { start, end } = resolveSpan(anchors, span);
  return nodeAt(check.tree, start).filter((node) => {
    const at = resolveSpan(anchors, node.span);
    return at.start <= start && end <= at.end;
  });
}

/** Whether an operator would take these types, as far as its relation can say without the program around. */
export function relates(use: Pick<Use, 'operator' | 'attrs'>, inputs: readonly Type[]): boolean {
  // Without its attributes nothing can be foreseen: the check of the edited text decides.
  if (!use.attrs) return true;
  const context = { inputs, attrs: use.attrs as never, expected: undefined, constant: () => undefined };
  return use.operator.relate(context).kind !== 'error';
}

/** The tensors that an operator takes, fields of tuples among them. */
export function operatorSlots(check: CheckResult, use: Use): readonly Slot[] {
  const types = use.args.map((arg) => check.typeOf(arg) ?? { kind: 'error' as const });
  if (types.some((type) => type.kind === 'error')) return [];
  return use.args.flatMap((arg, index): readonly Slot[] => {
    const name = use.operator.inputs[index]?.name;
    const type = types[index];
    const inner = withoutParens(arg);
    if (type?.kind === 'tensor') {
      const targets = types.flatMap((other, i) => (i === index ? [] : tensorsIn(other)));
      return [{ node: arg, type, name, targets, accepts: (t) => relates(use, types.with(index, t)) }];
    }
    if (type?.kind !== 'tuple' || inner.kind !== 'tuple') return [];
    return inner.fields.flatMap((field, at): readonly Slot[] => {
      const own = type.fields[at];
      if (own?.kind !== 'tensor') return [];
      const targets = type.fields.filter((_, i) => i !== at);
      const accepts = (t: TensorType): boolean => relates(use, types.with(index, tupleType(type.fields.with(at, t))));
      return [{ node: field, type: own, name: `field ${at}`, targets, accepts }];
    });
  });
}

function tensorsIn(type: Type): readonly Type[] {
  return type.kind === 'tuple' ? type.fields : [type];
}

function withoutParens(expr: Expr): Expr {
  let current = expr;
  while (current.kind === 'paren') current = current.inner;
  return current;
}

/** The expression at a span of which its surroundings expect a type: an argument, a bound value, a result. */
export function expectedSlot(check: CheckResult, span: Span): Slot | undefined {
  const path = pathTo(check, span);
  for (let i = path.length - 1; i > 0; i--) {
    const node = path[i];
    const around = path[i - 1];
    if (!node || !around || !isExpression(node)) continue;
    const type = check.typeOf(node);
    const expected = expectation(check, node, around, path[i - 2]);
    if (type?.kind !== 'tensor' || expected?.kind !== 'tensor') continue;
    const wanted = printType(expected);
    return { node, type, name: undefined, targets: [expected], accepts: (t) => printType(t) === wanted };
  }
  return undefined;
}

function expectation(check: CheckResult, node: Expr, around: Node, outer: Node | undefined): Type | undefined {
  if (around.kind === 'let') return around.type && check.typeOf(around.type);
  if (around.kind === 'call') {
    const callee = check.typeOf(around.callee);
    return callee?.kind === 'func' ? callee.params[around.args.indexOf(node)] : undefined;
  }
  if (around.kind !== 'block' || around.result !== node) return undefined;
  const fn = outer?.kind === 'def' ? outer.fn : outer?.kind === 'fn' ? outer : undefined;
  return fn?.ret && check.typeOf(fn.ret);
}

const expressions: ReadonlySet<Node['kind']> = new Set<Node['kind']>([
  ...(['local', 'graphref', 'call', 'infix', 'paren', 'projection', 'meta', 'int', 'float', 'if', 'match'] as const),
]);

function isExpression(node: Node): node is Expr {
  return expressions.has(node.kind);
}
