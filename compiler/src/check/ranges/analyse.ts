/**
 * Value ranges of a checked file: what every element of each tensor is at least and at most, and what that proves about
 * quantised code. Function by function; parameters may have any value of their type, or the one that is given for them.
 * Statements whose findings and inputs did not change keep their result.
 */
import type { Diagnostic, Fix, Severity } from '../../base/diagnostic.ts';
import type { Anchor } from '../../base/span.ts';
import type { Steps } from '../../base/steps.ts';
import type { RangeFinding } from '../../operators/ranges/rule.ts';
import { rangeOfDType, union } from '../../operators/ranges/interval.ts';
import type { RangeResult } from '../../operators/ranges/rule.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import type { CallExpr, Expr, FunctionDefinition, InfixExpr, Node, Param, Statement } from '../../syntax/tree.ts';
import { children } from '../../syntax/walk.ts';
import { staticShape, type Type } from '../../types/type.ts';
import type { CheckResult } from '../result.ts';
import { applyRule } from './apply.ts';
import { sameValue, valueOfConstant, type Value } from './value.ts';

export interface RangeOptions {
  /** The values of parameters that never change, such as weights of a parameter file. */
  readonly constantOf?: (param: Param, definition: FunctionDefinition) => NDArray | undefined;
}

export interface Ranges {
  /** What is known of an expression or a binding; undefined where nothing is. */
  rangeOf(node: Node): Value | undefined;
  /** In the order of the text, function by function. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What one statement gave, and the values from outside that it rests on. */
interface Memo {
  readonly inputs: ReadonlyMap<Node, Value | undefined>;
  readonly values: ReadonlyMap<Node, Value>;
  /** Those of `values` that other statements may name. */
  readonly bindings: readonly (readonly [Node, Value])[];
  readonly diagnostics: readonly Diagnostic[];
}

const memos = new WeakMap<object, Memo>();

const severities: Readonly<Record<RangeFinding['code'], Severity>> = {
  'accumulator-overflow': 'warning',
  'integer-overflow': 'warning',
  'always-saturates': 'warning',
  'scale-too-coarse': 'warning',
  'dead-clip': 'hint',
};

/** Statements between two stops of the work. */
const statementsAtATime = 16;

/** Finds the ranges, in steps. */
export function* analyseRanges(check: CheckResult, options: RangeOptions = {}): Steps<Ranges> {
  const bindings = new Map<Node, Value>();
  /** By the anchor of the statement. */
  const found = new Map<Anchor, Memo>();
  const diagnostics: Diagnostic[] = [];
  const run = function* (statements: readonly (Statement | Expr)[]): Steps<void> {
    for (const [i, statement] of statements.entries()) {
      if (i % statementsAtATime === statementsAtATime - 1) yield;
      const memo = statementRanges(check, statement, bindings);
      found.set(statement.span.anchor, memo);
      for (const [node, value] of memo.bindings) bindings.set(node, value);
      diagnostics.push(...memo.diagnostics);
    }
  };
  for (const definition of check.tree.definitions) {
    if (definition.kind !== 'def') continue;
    yield;
    for (const param of definition.fn.params) {
      const type = check.typeOf(param);
      const constant = options.constantOf?.(param, definition);
      const value = constant && fits(constant, type) ? valueOfConstant(constant) : valueOfType(type);
      if (value) bindings.set(param, value);
    }
    const { body } = definition.fn;
    yield* run([...body.statements, body.result]);
  }
  const { expression } = check.tree;
  if (expression) yield* run([...expression.statements, expression.result]);
  const rangeOf = (node: Node): Value | undefined =>
    bindings.get(node) ?? found.get(node.span.anchor)?.values.get(node);
  return { rangeOf, diagnostics };
}

/** Whether a value that is given for a parameter is of its type; another model's is not. */
function fits({ dtype, shape }: NDArray, type: Type | undefined): boolean {
  const declared = type?.kind === 'tensor' ? staticShape(type) : undefined;
  return type?.kind === 'tensor' && type.dtype === dtype && declared?.join() === shape.join();
}

/** Any value of a type. */
function valueOfType(type: Type | undefined): Value | undefined {
  if (type?.kind === 'tuple') return { range: undefined, fields: type.fields.map(valueOfType), because: '' };
  const range = type?.kind === 'tensor' ? rangeOfDType(type.dtype) : undefined;
  return range && { range, because: '' };
}

function statementRanges(check: CheckResult, statement: Statement | Expr, known: ReadonlyMap<Node, Value>): Memo {
  const findings = check.findings(statement);
  const memo = findings && memos.get(findings);
  if (memo && [...memo.inputs].every(([node, value]) => sameValue(known.get(node), value))) return memo;
  const fresh = new StatementRanges(check, known).run(statement);
  if (findings) memos.set(findings, fresh);
  return fresh;
}

const named: ReadonlySet<Node['kind']> = new Set<Node['kind']>(['graph', 'let', 'free_var']);

/** One statement, its innermost expressions first. Nothing recurses, so nests may be of any depth. */
class StatementRanges {
  private readonly check: CheckResult;
  private readonly known: ReadonlyMap<Node, Value>;
  private readonly inputs = new Map<Node, Value | undefined>();
  private readonly values = new Map<Node, Value>();
  private readonly diagnostics: Diagnostic[] = [];

  constructor(check: CheckResult, known: ReadonlyMap<Node, Value>) {
    this.check = check;
    this.known = known;
  }

  run(statement: Statement | Expr): Memo {
    const pending: { readonly node: Node; done: boolean }[] = [{ node: statement, done: false }];
    for (let top = pending.at(-1); top; top = pending.at(-1)) {
      if (top.done) {
        pending.pop();
        const value = this.evaluate(top.node);
        if (value) this.values.set(top.node, value);
        continue;
      }
      top.done = true;
      const below = children(top.node);
      for (let i = below.length - 1; i >= 0; i--) pending.push({ node: below[i] as Node, done: false });
    }
    const { inputs, values, diagnostics } = this;
    const bindings = [...values].filter(([node]) => named.has(node.kind));
    return { inputs, values, bindings, diagnostics };
  }

  /** The value of what is bound at `node`, from this statement or from outside of it. */
  private bound(node: Node): Value | undefined {
    if (this.values.has(node)) return this.values.get(node);
    const value = this.known.get(node);
    this.inputs.set(node, value);
    return value;
  }

  private evaluate(node: Node): Value | undefined {
    switch (node.kind) {
      case 'graph':
      case 'let':
        return this.values.get(node.value);
      case 'local':
      case 'graphref': {
        const symbol = this.check.symbolOf(node);
        return symbol?.kind === 'local' || symbol?.kind === 'graph' ? this.bound(symbol.definition) : undefined;
      }
      case 'param':
      case 'free_var':
      case 'varpattern':
        return valueOfType(this.check.typeOf(node));
      case 'int':
      case 'float':
      case 'bool': {
        const value = Number(node.value ?? NaN);
        return Number.isNaN(value) ? undefined : { range: { low: value, high: value }, because: '' };
      }
      case 'meta':
        return this.constant(node);
      case 'paren':
        return this.values.get(node.inner);
      case 'block':
        return this.values.get(node.result);
      case 'tuple':
        return { range: undefined, fields: node.fields.map((field) => this.values.get(field)), because: '' };
      case 'projection':
        return this.values.get(node.tuple)?.fields?.[node.index] ?? valueOfType(this.check.typeOf(node));
      case 'if':
        return joined(this.values.get(node.then), this.values.get(node.otherwise));
      case 'call':
        return this.call(node, node.callee, node.args, node.callee.span);
      case 'infix':
        return this.call(node, node, [node.left, node.right], node.operatorSpan);
      case 'match':
      case 'ref_read':
        return valueOfType(this.check.typeOf(node));
      default:
        return undefined;
    }
  }

  private constant(node: Extract<Expr, { kind: 'meta' }>): Value | undefined {
    const array = this.check.constantOf(node);
    return array ? valueOfConstant(array) : valueOfType(this.check.typeOf(node));
  }

  private call(
    node: CallExpr | InfixExpr,
    callee: Expr,
    args: readonly Expr[],
    span: Diagnostic['span'],
  ): Value | undefined {
    const type = this.check.typeOf(node);
    const result = applyRule(
      this.check,
      node,
      callee,
      args.map((arg) => ({
        known: this.values.get(arg),
        value: this.values.get(arg)?.constant ?? this.check.constantOf(arg),
        type: this.check.typeOf(arg),
      })),
    );
    if (!result) return valueOfType(type);
    for (const { code, message, remedy } of result.findings ?? []) {
      const fixes = code === 'dead-clip' && args[0] ? { fixes: [unwrap(node, args[0])] } : {};
      this.diagnostics.push({ code, severity: severities[code], span, message, remedy, ...fixes });
    }
    return valueOf(result, type);
  }
}

/** Leaves of a call its first argument. */
function unwrap(call: Expr, argument: Expr): Fix {
  const { anchor } = call.span;
  const [open, close] = argument.kind === 'infix' ? ['(', ')'] : ['', ''];
  return {
    title: 'Remove the clip',
    edits: [
      { span: { anchor, start: call.span.start, end: argument.span.start }, newText: open },
      { span: { anchor, start: argument.span.end, end: call.span.end }, newText: close },
    ],
    preferred: true,
  };
}

/** The ranges of a rule's result; of a tuple that of every field. */
function valueOf({ range, because = '' }: RangeResult, type: Type | undefined): Value | undefined {
  if (type?.kind === 'tuple')
    return { range: undefined, fields: type.fields.map(() => range && { range, because }), because };
  return range && { range, because };
}

function joined(a: Value | undefined, b: Value | undefined): Value | undefined {
  if (!a || !b) return undefined;
  if (a.fields && b.fields)
    return { range: undefined, fields: a.fields.map((field, i) => joined(field, b.fields?.[i])), because: '' };
  return a.range && b.range ? { range: union(a.range, b.range), because: 'one of two branches' } : undefined;
}
