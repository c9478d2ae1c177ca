/** Checking one definition (or a stand-alone expression): header, then the body statement by statement. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { Block, Expr, FunctionNode, Statement } from '../syntax/tree.ts';
import { equalTypes } from '../types/equal.ts';
import { containsIncomplete, dimVarsOf } from '../types/substitute.ts';
import { errorType, funcType, type FuncType, type Type } from '../types/type.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { bindLocal } from './bindings.ts';
import type { CheckedDefinition, Signature } from './checked.ts';
import { Chunk, type Dependency } from './chunk.ts';
import { knownBehind, sameBehind } from './constants.ts';
import type { Context } from './context.ts';
import { reportUnsolved, resolveChunk } from './finish.ts';
import { inferExpr } from './infer-expr.ts';
import { finishFunction, inferParams } from './infer-function.ts';
import { boundNames, inferStatement } from './infer-statement.ts';
import { reportInnerUnused } from './lints.ts';
import { solve } from './relations.ts';
import type { Symbol } from './result.ts';
import type { Binding } from './scope.ts';
import { annotation, declareTypeParams } from './type-nodes.ts';

/** What a dependency's name stands for now. */
interface Target {
  readonly type: Type;
  readonly symbol: Symbol;
  readonly binding: Binding | undefined;
}

function sameDefinition(a: Symbol | undefined, b: Symbol | undefined): boolean {
  if (!a || !b) return a === b;
  return 'definition' in a && 'definition' in b && a.kind === b.kind && a.definition === b.definition;
}

/** Statements between two stops of the work: well below a millisecond. */
const statementsAtATime = 16;

/** Work on one definition between its phases. */
export class DefinitionCheck {
  readonly cx: Context;
  readonly fn: FunctionNode | undefined;
  readonly header: Chunk;
  readonly chunks = new Map<Statement | Expr, Chunk>();
  signature: Signature | undefined;
  /** Type as declared; placeholders where something was left out. */
  declared: FuncType | undefined;
  /** Stands for a result type that is not written. */
  private openResult: Type | undefined;
  private inferred: FuncType | undefined;
  private valueType: Type = errorType;
  private readonly adopted = new Set<Chunk>();

  constructor(cx: Context, fn: FunctionNode | undefined) {
    this.cx = cx;
    this.fn = fn;
    this.header = cx.chunk;
  }

  /** Converts the annotations of the header. */
  readHeader(): void {
    const { cx, fn } = this;
    if (!fn) return;
    cx.chunk = this.header;
    cx.declaresDims = true;
    const typeParams = declareTypeParams(cx, fn.typeParams);
    const params = inferParams(cx, fn);
    const ret = annotation(cx, fn.ret);
    cx.declaresDims = false;
    const complete = ret !== undefined && cx.solver.openCount === 0;
    if (!ret) this.openResult = cx.solver.fresh();
    const type = funcType(params, ret ?? this.openResult ?? errorType, typeParams);
    // Parameters that stand for dimensions are quantified by their use.
    const dims = dimVarsOf(type);
    const quantified = typeParams.filter((variable) => !dims.has(variable.id));
    this.signature = { params, ret, typeParams: quantified, complete };
    this.declared = { ...type, typeParams: quantified };
  }

  /**
   * Infers the body; chunks of `previous` whose inputs did not change are taken over. Stops after every few statements,
   * so that the caller can look after something else.
   */
  *inferBody(body: Block, previous: CheckedDefinition | undefined): Generator<void, void> {
    const { cx } = this;
    this.header.closed = false;
    for (const [i, statement] of body.statements.entries()) {
      if (i % statementsAtATime === statementsAtATime - 1) yield;
      const old = previous?.chunks.get(statement);
      const adopted = old && this.adopt(old);
      if (adopted) this.chunks.set(statement, adopted);
      else this.inferChunk(statement, () => inferStatement(cx, statement));
    }
    let type: Type = errorType;
    this.inferChunk(body.result, () => {
      type = inferExpr(cx, body.result);
      cx.setType(body, type);
      if (!this.fn || !this.signature || !this.declared) return;
      const { params, ret, typeParams } = this.signature;
      const own = finishFunction(cx, this.fn, params, ret, type, typeParams);
      if (!ret && !cx.unify(this.declared.ret, own.ret).ok) {
        cx.report('infinite-type', body.result.span, 'The function returns itself: its type would contain itself.', {
          remedy: 'Annotate the result type, or return another value.',
        });
        cx.poison(this.declared.ret);
      }
      this.inferred = own;
      cx.setType(this.fn, own);
    });
    this.valueType = type;
  }

  private inferChunk(node: Statement | Expr, run: () => void): void {
    const { cx } = this;
    const chunk = new Chunk();
    cx.chunk = chunk;
    cx.own = new Set();
    cx.unknownTypes = new Set();
    const wasKnown = this.allKnown();
    run();
    solve(cx);
    chunk.locals = boundNames(node).flatMap((name) => cx.locals.get(name) ?? []);
    // A function that only calls itself is still unused.
    for (const local of chunk.locals) cx.used.delete(local);
    reportInnerUnused(cx, chunk);
    for (const { binding } of chunk.graphs) if (cx.used.has(binding)) chunk.usedGraphs.push(binding);
    for (const dependency of chunk.dependencies) {
      const behind = this.behind(dependency, this.lookup(dependency)?.binding);
      if (behind !== undefined) dependency.behind = behind;
    }
    if (this.allKnown() && !cx.solver.hasForwards) {
      if (!wasKnown || this.openResult || cx.solver.created > this.seen || cx.solver.hasDims) resolveChunk(cx, chunk);
      chunk.closed =
        !this.openResult || !chunk.dependencies.some(({ type }) => type && containsIncomplete(cx.resolve(type)));
    }
    this.seen = cx.solver.created;
    this.chunks.set(node, chunk);
  }
  private seen = 0;

  private allKnown(): boolean {
    // The result that the header leaves open is known at the end of the body; what mentions it is found by its type.
    const result = this.openResult && this.cx.find(this.openResult).kind === 'incomplete' ? 1 : 0;
    return this.cx.solver.openCount === result && this.cx.pending.size === 0;
  }

  /** Takes a chunk over when everything it refers to is as it was; undefined when it must be checked again. */
  private adopt(chunk: Chunk): Chunk | undefined {
    const { cx } = this;
    if (!chunk.closed || !this.allKnown() || cx.solver.hasForwards) return undefined;
    const found: (Binding | undefined)[] = [];
    let moved = false;
    for (const dependency of chunk.dependencies) {
      const target = this.lookup(dependency);
      const type = target?.type;
      if (type !== dependency.type && !(type && dependency.type && equalTypes(type, dependency.type))) return undefined;
      if (!sameBehind(dependency.behind, this.behind(dependency, target?.binding))) return undefined;
      if (target?.symbol !== dependency.symbol && !sameDefinition(target?.symbol, dependency.symbol)) moved = true;
      if (dependency.unused !== true) found.push(target?.binding);
    }
    // Findings may point at declarations that were parsed again.
    if (moved && chunk.diagnostics.length > 0) return undefined;
    for (const { statement } of chunk.graphs) if (cx.graphs.has(String(statement.index))) return undefined;
    const own = moved ? chunk.withSymbols((dependency) => this.lookup(dependency)?.symbol) : chunk;
    for (const { statement, binding } of chunk.graphs) cx.graphs.set(String(statement.index), binding);
    for (const local of chunk.locals) bindLocal(cx, local);
    for (const binding of found) if (binding) cx.used.add(binding);
    for (const binding of chunk.usedGraphs) cx.used.add(binding);
    this.adopted.add(own);
    return own;
  }

  private behind(dependency: Dependency, binding: Binding | undefined): NDArray | string | undefined {
    return dependency.kind === 'graph' ? knownBehind(this.cx, binding?.value) : undefined;
  }

  private lookup(dependency: Dependency): Target | undefined {
    const { cx } = this;
    if (dependency.kind === 'global') {
      const info = cx.module.globals.get(dependency.name);
      if (!info) return undefined;
      const symbol = { kind: 'global', name: info.name, definition: info.definition } as const;
      return { type: info.type, symbol, binding: undefined };
    }
    const binding =
      dependency.kind === 'local'
        ? cx.locals.get(dependency.name)
        : (cx.graphs.get(dependency.name) ?? cx.outerGraphs.get(dependency.name));
    return binding && { type: binding.type, symbol: binding.symbol, binding };
  }

  /** Reports what could not be solved, once all functions of the recursive group are inferred. */
  reportUnsolved(): void {
    const own = [...this.chunks.values()].filter((chunk) => !chunk.closed);
    reportUnsolved(this.cx, [this.header, ...own]);
  }

  /** The bindings of a copied chunk are new objects; what was used stays used. */
  private passOnUses(from: Chunk, to: Chunk): void {
    const { used } = this.cx;
    from.locals.forEach((local, i) => {
      const copied = to.locals[i];
      if (copied && used.has(local)) used.add(copied);
    });
    from.graphs.forEach(({ binding }, i) => {
      const copied = to.graphs[i]?.binding;
      if (copied && used.has(binding)) used.add(copied);
    });
  }

  /** Resolves what is left and hands over the findings. */
  finish(): CheckedDefinition {
    const { cx } = this;
    const rewritten = cx.solver.hasForwards;
    resolveChunk(cx, this.header);
    for (const [node, chunk] of this.chunks) {
      if (chunk.closed && !rewritten) continue;
      const own = this.adopted.has(chunk) ? chunk.copy() : chunk;
      if (own !== chunk) this.passOnUses(chunk, own);
      own.closed = false;
      resolveChunk(cx, own);
      this.chunks.set(node, own);
    }
    const inferred = this.inferred ? (cx.resolve(this.inferred) as FuncType) : undefined;
    return {
      fn: this.fn,
      header: this.header,
      chunks: this.chunks,
      type: inferred,
      valueType: cx.resolve(this.valueType),
      graphs: cx.graphs,
      signature: this.signature,
    };
  }
}

/** All findings of a definition in source order. */
export function diagnosticsOf(definition: CheckedDefinition): Diagnostic[] {
  const all = [...definition.header.diagnostics];
  for (const chunk of definition.chunks.values()) if (chunk.diagnostics.length > 0) all.push(...chunk.diagnostics);
  return all;
}
