/**
 * From a checked syntax tree to the graph IR: names become objects, `%n` become shared nodes, blocks become `let`
 * chains, literals and metadata become constants. Every node keeps the span it came from.
 */
import { infixOperatorName } from '../check/infer-call.ts';
import { caught, Raised } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Span } from '../base/span.ts';
import type { CheckResult, Symbol } from '../check/result.ts';
import type { AttributeValueData } from '../operators/attributes.ts';
import { allocateElements } from '../tensor/ndarray.ts';
import { decodeMetadata } from '../syntax/metadata.ts';
import type * as syntax from '../syntax/tree.ts';
import { errorType, funcType } from '../types/type.ts';
import type { FuncType, Type, TypeVar } from '../types/type.ts';
import type { AdtDefinition, Clause, Expr, Func, IRModule, IRPattern, Origin, Var } from './expr.ts';

/**
 * Elaborates a program without errors. A stand-alone expression becomes `main` over its free variables. Fails when the
 * tree holds what has no type or no value (an error was not repaired, a metadata object that is no constant).
 */
export function elaborate(check: CheckResult): Result<IRModule> {
  return caught(() => new Elaborator(check).module());
}

type Definition = Extract<Symbol, { kind: 'local' }>['definition'];

class Elaborator {
  private readonly check: CheckResult;
  private readonly variables = new Map<Definition, Var>();
  private readonly graph = new Map<syntax.GraphStatement, Expr>();
  private readonly constants = new Map<number, Expr>();
  private readonly free: Var[] = [];

  constructor(check: CheckResult) {
    this.check = check;
  }

  module(): IRModule {
    const functions = new Map<string, Func>();
    const types = new Map<string, AdtDefinition>();
    for (const definition of this.check.tree.definitions) {
      if (definition.kind === 'type') types.set(definition.name.text, this.adt(definition));
      if (definition.kind === 'def') {
        const type = this.check.globals.get(definition.name.text);
        functions.set(definition.name.text, this.func(definition.fn, type, definition.span));
      }
    }
    const block = this.check.tree.expression;
    if (block !== undefined) {
      const body = this.block(block);
      const type = funcType(
        this.free.map((v) => v.type),
        body.type,
      );
      const origin = [block.span];
      functions.set('main', { kind: 'func', params: this.free, typeParams: [], body, attrs: {}, type, origin });
    }
    return { functions, types };
  }

  private adt(definition: syntax.TypeDefinition): AdtDefinition {
    return {
      name: definition.name.text,
      typeParams: definition.typeParams.map((p, i): TypeVar => ({ kind: 'typevar', name: p.text, id: -1 - i })),
      constructors: (definition.constructors ?? []).map((c) => ({
        name: c.name.text,
        fields: c.fields.map((f) => this.check.typeOf(f) ?? errorType),
      })),
    };
  }

  private typeOf(node: Parameters<CheckResult['typeOf']>[0]): Type {
    const type = this.check.typeOf(node);
    if (type === undefined || type.kind === 'error')
      throw new Raised(
        'not-checked',
        'The program has errors, so it cannot be evaluated or compiled.',
        'Repair the reported errors first.',
      );
    return type;
  }

  private bind(definition: Definition, name: string): Var {
    const v: Var = { kind: 'var', name, type: this.typeOf(definition), origin: [definition.span] };
    this.variables.set(definition, v);
    return v;
  }

  private func(node: syntax.FunctionNode, known: FuncType | undefined, span: Span): Func {
    const params = node.params.map((p) => this.bind(p, p.name.text));
    const type = known ?? this.typeOf(node);
    const body = this.block(node.body);
    if (type.kind !== 'func') throw new Error('a function literal has no function type');
    const attrs: Record<string, AttributeValueData> = {};
    for (const a of node.attrs) attrs[a.key.text] = attributeData(a.value);
    return { kind: 'func', params, typeParams: type.typeParams, body, attrs, type, origin: [span] };
  }

  private block(node: syntax.Block): Expr {
    const bindings: { variable: Var; value: Expr; span: Span }[] = [];
    for (const statement of node.statements) {
      switch (statement.kind) {
        case 'let': {
          const variable = this.bind(statement, statement.name.text);
          bindings.push({ variable, value: this.expr(statement.value), span: statement.span });
          break;
        }
        case 'graph':
          this.graph.set(statement, this.expr(statement.value));
          break;
        case 'sequence': {
          const value = this.expr(statement.value);
          const variable: Var = { kind: 'var', name: '_', type: value.type, origin: [statement.span] };
          bindings.push({ variable, value, span: statement.span });
          break;
        }
        case 'free_var':
          this.free.push(this.bind(statement, statement.name.text));
          break;
      }
    }
    let result = this.expr(node.result);
    for (const { variable, value, span } of bindings.reverse())
      result = { kind: 'let', variable, value, body: result, type: result.type, origin: [span] };
    return result;
  }

  private expr(node: syntax.Expr): Expr {
    const origin: Origin = [node.span];
    switch (node.kind) {
      case 'int':
      case 'float':
        if (node.value === undefined) throw new Raised('not-checked', `${node.text} is not a number.`);
        return literal(node.value, node.dtype, this.typeOf(node), origin);
      case 'bool':
        return literal(node.value ? 1 : 0, 'bool', this.typeOf(node), origin);
      case 'local': {
        const symbol = this.check.symbolOf(node);
        const v = symbol?.kind === 'local' ? this.variables.get(symbol.definition) : undefined;
        if (v === undefined) throw new Raised('unbound-variable', `%${node.name} is bound nowhere.`);
        return v;
      }
      case 'graphref': {
        const symbol = this.check.symbolOf(node);
        const e = symbol?.kind === 'graph' ? this.graph.get(symbol.definition) : undefined;
        if (e === undefined) throw new Raised('unbound-variable', `%${node.index} is bound nowhere before its use.`);
        return e;
      }
      case 'global':
        return { kind: 'global', name: node.name, type: this.typeOf(node), origin };
      case 'name':
        return this.nameRef(node);
      case 'meta':
        return this.metaConstant(node);
      case 'fn':
        return this.func(node, undefined, node.span);
      case 'if':
        return {
          kind: 'if',
          condition: this.expr(node.condition),
          then: this.block(node.then),
          otherwise: this.block(node.otherwise),
          type: this.typeOf(node),
          origin,
        };
      case 'ref':
      case 'ref_read':
      case 'ref_write':
        return this.reference(node);
      case 'tuple':
        return { kind: 'tuple', fields: node.fields.map((f) => this.expr(f)), type: this.typeOf(node), origin };
      case 'paren':
        return this.expr(node.inner);
      case 'projection':
        return { kind: 'get', tuple: this.expr(node.tuple), index: node.index, type: this.typeOf(node), origin };
      case 'call':
        return this.call(node);
      case 'infix': {
        const args = [this.expr(node.left), this.expr(node.right)];
        const type = this.typeOf(node);
        const callee = operatorRef(infixOperatorName(node.operator), args, type, [node.operatorSpan]);
        return { kind: 'call', callee, args, attrs: {}, type, origin };
      }
      case 'match':
        return {
          kind: 'match',
          scrutinee: this.expr(node.scrutinee),
          clauses: node.arms.map((arm): Clause => ({ pattern: this.pattern(arm.pattern), body: this.expr(arm.body) })),
          complete: node.complete,
          type: this.typeOf(node),
          origin,
        };
      case 'block':
        return this.block(node);
      case 'missing':
        throw new Raised('not-checked', 'An expression is missing.', 'Repair the reported errors first.');
    }
  }

  private nameRef(node: syntax.NameRef): Expr {
    const symbol = this.check.symbolOf(node);
    const origin: Origin = [node.span];
    const type = this.typeOf(node);
    if (symbol?.kind === 'constructor') {
      const callee: Expr = { kind: 'constructor', name: symbol.name, type, origin };
      // A constructor without fields is a value when it stands alone.
      return type.kind === 'adt' ? { kind: 'call', callee, args: [], attrs: {}, type, origin } : callee;
    }
    if (symbol?.kind === 'operator') return { kind: 'op', name: symbol.operator.name, type, origin };
    throw new Raised('unknown-name', `\`${node.name}\` is neither an operator nor a constructor.`);
  }

  private reference(node: syntax.RefExpr): Expr {
    const origin: Origin = [node.span];
    const type = this.typeOf(node);
    const operands = node.operands.map((o) => this.expr(o));
    const [first, second] = operands;
    if (first === undefined) throw new Raised('not-checked', 'An expression is missing.');
    if (node.kind === 'ref') return { kind: 'ref', value: first, type, origin };
    if (node.kind === 'ref_read') return { kind: 'ref_read', ref: first, type, origin };
    if (second === undefined) throw new Raised('not-checked', 'An expression is missing.');
    return { kind: 'ref_write', ref: first, value: second, type, origin };
  }

  private call(node: syntax.CallExpr): Expr {
    const origin: Origin = [node.span];
    const type = this.typeOf(node);
    const symbol = node.callee.kind === 'name' ? this.check.symbolOf(node.callee) : undefined;
    if (symbol?.kind === 'operator') {
      const args = node.args.filter((a) => !isAttributeObject(a)).map((a) => this.expr(a));
      const callee = operatorRef(symbol.operator.name, args, type, [node.callee.span]);
      return { kind: 'call', callee, args, attrs: this.check.attrsOf(node) ?? {}, type, origin };
    }
    if (symbol?.kind === 'constructor') {
      const args = node.args.map((a) => this.expr(a));
      const calleeType = funcType(
        args.map((a) => a.type),
        type,
      );
      const callee: Expr = { kind: 'constructor', name: symbol.name, type: calleeType, origin: [node.callee.span] };
      return { kind: 'call', callee, args, attrs: {}, type, origin };
    }
    const callee = this.expr(node.callee);
    return { kind: 'call', callee, args: node.args.map((a) => this.expr(a)), attrs: {}, type, origin };
  }

  private metaConstant(node: syntax.MetaRef): Expr {
    const known = this.constants.get(node.index);
    if (known !== undefined && node.key === 'relay.Constant') return known;
    const found =
      node.key === 'relay.Constant' ? decodeMetadata(this.check.tree.metadata).constant(node.index) : undefined;
    if (found?.ok === false) throw new Raised(found.error.code, found.error.message, found.error.remedy);
    if (found === undefined)
      throw new Raised(
        'no-constant',
        `meta[${node.key}][${node.index}] stands where a value is needed, but it is no constant.`,
        'Use a constant of the metadata section.',
      );
    const value = found.value;
    const e: Expr = {
      kind: 'constant',
      value,
      type: { kind: 'tensor', shape: value.shape, dtype: value.dtype },
      origin: [node.span],
    };
    this.constants.set(node.index, e);
    return e;
  }

  private pattern(node: syntax.Pattern): IRPattern {
    switch (node.kind) {
      case 'wildcard':
        return { kind: 'wildcard' };
      case 'varpattern':
        return { kind: 'var', variable: this.bind(node, node.name.text) };
      case 'ctorpattern':
        return {
          kind: 'constructor',
          constructor_: node.name.text,
          fields: node.fields.map((f) => this.pattern(f)),
        };
      case 'tuplepattern':
        return { kind: 'tuple', fields: node.fields.map((f) => this.pattern(f)) };
    }
  }
}

/** `f(%x, meta[relay.attrs.FAttrs][0])`: all attributes as one object, which the checker has read. */
function isAttributeObject(node: syntax.Expr): boolean {
  return node.kind === 'meta' && node.key.startsWith('relay.attrs.');
}

function operatorRef(name: string, args: readonly Expr[], result: Type, origin: Origin): Expr {
  const type = funcType(
    args.map((a) => a.type),
    result,
  );
  return { kind: 'op', name, type, origin };
}

function literal(value: number | bigint, dtype: string, type: Type, origin: Origin): Expr {
  const data = allocateElements(dtype, 1);
  if (data === undefined) throw new Error(`no storage for ${dtype}`);
  data[0] = (data instanceof BigInt64Array ? BigInt(value) : Number(value)) as never;
  return { kind: 'constant', value: { dtype, shape: [], data }, type, origin };
}

/** A function attribute as data: literals and lists of them; anything else stays opaque. */
function attributeData(value: syntax.AttributeValue): AttributeValueData {
  switch (value.kind) {
    case 'string':
      return value.value;
    case 'none':
      return null;
    case 'list':
      return value.items.map(attributeData);
    case 'expr': {
      const e = value.value;
      if (e.kind === 'int' && e.value !== undefined) return Number(e.value);
      if (e.kind === 'float' && e.value !== undefined) return e.value;
      if (e.kind === 'bool') return e.value;
      if (e.kind === 'meta') return { opaque: `meta[${e.key}][${e.index}]` };
      return { opaque: e.kind };
    }
  }
}
