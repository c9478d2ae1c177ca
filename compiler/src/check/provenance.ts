/** How a dimension came to be, as a chain of formulas back to declarations. Computed when someone asks. */
import type { Blame, DimOrigin, DimSource, Operator, RelateContext } from '../operators/operator.ts';
import type { Span } from '../base/span.ts';
import type { CallExpr, Expr, GraphStatement, InfixExpr, LetStatement, Param } from '../syntax/tree.ts';
import { printDim } from '../types/print.ts';
import type { Dim, TensorType, Type } from '../types/type.ts';
import { infixOperatorName } from './infer-call.ts';
import type { CheckResult, DimStep } from './result.ts';

type Asked = Expr | Param | LetStatement | GraphStatement;

/** Longer histories are cut: nobody reads further. */
const maximumSteps = 200;

interface Walk {
  readonly result: CheckResult;
  readonly operatorOf: (name: string) => Operator | undefined;
  readonly constantOf: (expr: Expr | undefined) => ReturnType<RelateContext<never>['constant']>;
  steps: number;
}

export function explainDim(
  result: CheckResult,
  node: Asked,
  dim: number,
  field: number | undefined,
  operatorOf: Walk['operatorOf'],
  constantOf: Walk['constantOf'],
): DimStep | undefined {
  return explain({ result, operatorOf, constantOf, steps: 0 }, node, dim, field);
}

/** The tensor that a node's type is, or that its field is. */
function tensorAt(type: Type | undefined, field: number | undefined): TensorType | undefined {
  const inner = type?.kind === 'tuple' && field !== undefined ? type.fields[field] : type;
  return inner?.kind === 'tensor' ? inner : undefined;
}

function explain(walk: Walk, node: Asked, dim: number, field: number | undefined): DimStep | undefined {
  const value = tensorAt(walk.result.typeOf(node), field)?.shape[dim];
  if (value === undefined || ++walk.steps > maximumSteps) return undefined;
  switch (node.kind) {
    case 'param':
      return leaf(value, `parameter \`%${node.name.text}\``, node.type?.span ?? node.name.span);
    case 'let':
      if (node.type && node.type.kind !== 'holetype') {
        const own = explain(walk, node.value, dim, field);
        if (own) return own;
        return leaf(value, `annotation of \`%${node.name.text}\``, node.type.span);
      }
      return explain(walk, node.value, dim, field);
    case 'graph':
      return explain(walk, node.value, dim, field);
    case 'paren':
      return explain(walk, node.inner, dim, field);
    case 'block':
      return explain(walk, node.result, dim, field);
    case 'local':
    case 'graphref':
      return explainName(walk, node, value, dim, field);
    case 'tuple': {
      const inner = field === undefined ? undefined : node.fields[field];
      return inner && explain(walk, inner, dim, undefined);
    }
    case 'projection':
      return explain(walk, node.tuple, dim, node.index) ?? leaf(value, `field ${node.index}`, node.span);
    case 'if': {
      const then = explain(walk, node.then, dim, field);
      const otherwise = explain(walk, node.otherwise, dim, field);
      return step(value, '', 'result of `if`', node.span, [then, otherwise]);
    }
    case 'meta':
      return leaf(value, `constant \`meta[${node.key}][${node.index}]\``, node.span);
    case 'call':
    case 'infix':
      return explainCall(walk, node, value, dim, field);
    default:
      return leaf(value, 'declared here', node.span);
  }
}

function explainName(
  walk: Walk,
  node: Extract<Expr, { kind: 'local' | 'graphref' }>,
  value: Dim,
  dim: number,
  field: number | undefined,
): DimStep | undefined {
  const symbol = walk.result.symbolOf(node);
  const definition = symbol && (symbol.kind === 'local' || symbol.kind === 'graph') ? symbol.definition : undefined;
  if (!definition) return leaf(value, 'declared here', node.span);
  if (definition.kind === 'varpattern') return leaf(value, `pattern \`%${definition.name.text}\``, definition.span);
  if (definition.kind === 'free_var')
    return leaf(value, `free variable \`%${definition.name.text}\``, definition.type?.span ?? definition.span);
  return explain(walk, definition, dim, field) ?? leaf(value, 'declared here', definition.span);
}

function explainCall(
  walk: Walk,
  node: CallExpr | InfixExpr,
  value: Dim,
  dim: number,
  field: number | undefined,
): DimStep | undefined {
  const args = node.kind === 'call' ? node.args : [node.left, node.right];
  const operator = operatorOfCall(walk, node);
  if (!operator) return explainFunctionCall(walk, node, value);
  const attrs = node.kind === 'call' ? (walk.result.attrsOf(node) ?? {}) : {};
  const types = args.map((arg) => walk.result.typeOf(arg));
  const resultType = walk.result.typeOf(node);
  if (!resultType || types.includes(undefined)) return undefined;
  const context: RelateContext<never> = {
    inputs: types as Type[],
    attrs: attrs as never,
    expected: undefined,
    constant: (index) => walk.constantOf(args[index]),
  };
  const at = field === undefined ? { dim } : { dim, field };
  const origin = operator.explain?.(context, resultType, at) ?? genericOrigin(value, types as Type[], dim);
  const sources = origin.sources.map((source) => explainSource(walk, node, args, operator, attrs, source));
  return step(value, origin.formula, `result of \`${operator.name}\``, node.span, sources);
}

function operatorOfCall(walk: Walk, node: CallExpr | InfixExpr): Operator | undefined {
  if (node.kind === 'infix') return walk.operatorOf(infixOperatorName(node.operator));
  let callee = node.callee;
  while (callee.kind === 'paren') callee = callee.inner;
  const symbol = walk.result.symbolOf(callee);
  if (symbol?.kind === 'operator') return symbol.operator;
  if (symbol?.kind === 'graph' && symbol.definition.value.kind === 'name')
    return walk.operatorOf(symbol.definition.value.name);
  return undefined;
}

function explainFunctionCall(walk: Walk, node: CallExpr | InfixExpr, value: Dim): DimStep {
  const callee = node.kind === 'call' ? node.callee : undefined;
  const symbol = callee && walk.result.symbolOf(callee);
  if (symbol?.kind === 'global') {
    const ret = symbol.definition?.fn.ret;
    return leaf(value, `result of \`@${symbol.name}\``, ret?.span ?? symbol.definition?.name.span ?? node.span);
  }
  return leaf(value, 'result of the call', node.span);
}

/** Without a rule of the operator's own: the same position of an input that has the same size there. */
function genericOrigin(value: Dim, types: readonly Type[], dim: number): DimOrigin {
  const sources: DimSource[] = [];
  types.forEach((type, index) => {
    if (type.kind === 'tensor' && type.shape[dim] !== undefined && printDim(type.shape[dim]) === printDim(value))
      sources.push({ kind: 'input', index, dim });
  });
  return { formula: '', sources };
}

function explainSource(
  walk: Walk,
  node: CallExpr | InfixExpr,
  args: readonly Expr[],
  operator: Operator,
  attrs: Readonly<Record<string, unknown>>,
  source: DimSource,
): DimStep | undefined {
  if (source.kind === 'input') {
    const arg = args[source.index];
    return arg && explain(walk, arg, source.dim, source.field);
  }
  const written = attributeSpan(node, { kind: 'attribute', name: source.name });
  const whole = attrs[source.name];
  const value = source.element !== undefined && Array.isArray(whole) ? (whole[source.element] as unknown) : whole;
  const index = source.element === undefined ? '' : `[${source.element}]`;
  const label = `attribute \`${source.name}${index}\` of \`${operator.name}\`${written ? '' : ' (default)'}`;
  return { value: showValue(value), formula: '', label, span: written ?? node.span, sources: [] };
}

function attributeSpan(node: CallExpr | InfixExpr, blame: Extract<Blame, { kind: 'attribute' }>): Span | undefined {
  return node.kind === 'call' ? node.attrs.find((attribute) => attribute.key.text === blame.name)?.span : undefined;
}

function showValue(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  return Array.isArray(value) ? `[${value.map(showValue).join(', ')}]` : String(value);
}

function leaf(value: Dim, label: string, span: Span): DimStep {
  return { value: printDim(value), formula: '', label, span, sources: [] };
}

function step(
  value: Dim,
  formula: string,
  label: string,
  span: Span,
  sources: readonly (DimStep | undefined)[],
): DimStep {
  return { value: printDim(value), formula, label, span, sources: sources.filter((source) => source !== undefined) };
}
