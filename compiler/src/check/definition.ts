/** Checking one definition (or a stand-alone expression): header, then the body statement by statement. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { Block, Expr, FunctionNode, Statement } from '../syntax/tree.ts';
import { equalTypes } from '../types/equal.ts';
import { errorType, funcType, type FuncType, type Type, type TypeVar } from '../types/type.ts';
import { bindLocal } from './bindings.ts';
import { Chunk, type Dependency } from './chunk.ts';
import { Context } from './context.ts';
import { reportUnsolved, resolveChunk } from './finish.ts';
import { finishFunction, inferExpr, inferParams, inferStatement } from './infer-expr.ts';
import { solve } from './relations.ts';
import type { Binding } from './scope.ts';
import { annotation, declareTypeParams } from './type-nodes.ts';

/** What is kept of a checked definition, for the result and for the next check. */
export interface CheckedDefinition {
  readonly fn: FunctionNode | undefined;
  readonly header: Chunk;
  /** One a statement, and one for the result, in order. */
  readonly chunks: ReadonlyMap<Statement | Expr, Chunk>;
  readonly type: FuncType | undefined;
  /** Type of a stand-alone expression. */
  readonly valueType: Type;
  readonly graphs: ReadonlyMap<string, Binding>;
  readonly signature: Signature | undefined;
}

/** The header as converted; kept as long as the header's nodes are the same. */
export interface Signature {
  readonly params: readonly Type[];
  readonly ret: Type | undefined;
  readonly typeParams: readonly TypeVar[];
  readonly complete: boolean;
}

/** Work on one definition between its phases. */
export class DefinitionCheck {
  readonly cx: Context;
  readonly fn: FunctionNode | undefined;
  readonly header: Chunk;
  readonly chunks = new Map<Statement | Expr, Chunk>();
  signature: Signature | undefined;
  /** Type as declared; placeholders where something was left out. */
  declared: FuncType | undefined;
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
    this.signature = { params, ret, typeParams, complete };
    this.declared = funcType(params, ret ?? cx.solver.fresh(), typeParams);
  }

  /** Infers the body; chunks of `previous` whose inputs did not change are taken over. */
  inferBody(body: Block, previous: CheckedDefinition | undefined): void {
    const { cx } = this;
    this.header.closed = false;
    for (const statement of body.statements) {
      const old = previous?.chunks.get(statement);
      if (old && this.adopt(old)) this.chunks.set(statement, old);
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
    const wasKnown = this.allKnown();
    run();
    solve(cx);
    if (node.kind === 'let' || node.kind === 'free_var') chunk.local = cx.locals.get(node.name.text);
    if (this.allKnown() && !cx.solver.hasForwards) {
      if (!wasKnown || cx.solver.created > this.seen) resolveChunk(cx, chunk);
      chunk.closed = true;
    }
    this.seen = cx.solver.created;
    this.chunks.set(node, chunk);
  }
  private seen = 0;

  private allKnown(): boolean {
    return this.cx.solver.openCount === 0 && this.cx.pending.size === 0;
  }

  /** Takes a chunk over when everything it refers to is as it was. */
  private adopt(chunk: Chunk): boolean {
    const { cx } = this;
    if (!chunk.closed || cx.solver.openCount > 0 || cx.solver.hasForwards) return false;
    const found: (Binding | undefined)[] = [];
    for (const dependency of chunk.dependencies) {
      const binding = this.lookup(dependency);
      const type = binding?.type;
      if (type !== dependency.type && !(type && dependency.type && equalTypes(type, dependency.type))) return false;
      const symbol = binding && 'symbol' in binding ? binding.symbol : dependency.symbol;
      if (symbol !== dependency.symbol) return false;
      found.push(binding && 'symbol' in binding ? binding : undefined);
    }
    for (const { statement } of chunk.graphs) if (cx.graphs.has(String(statement.index))) return false;
    for (const { statement, binding } of chunk.graphs) cx.graphs.set(String(statement.index), binding);
    if (chunk.local) bindLocal(cx, chunk.local);
    for (const binding of found) if (binding) cx.used.add(binding);
    this.adopted.add(chunk);
    return true;
  }

  private lookup(dependency: Dependency): Binding | { readonly type: Type } | undefined {
    const { cx } = this;
    if (dependency.kind === 'global') return cx.module.globals.get(dependency.name);
    if (dependency.kind === 'local') return cx.locals.get(dependency.name);
    return cx.graphs.get(dependency.name) ?? cx.outerGraphs.get(dependency.name);
  }

  /** Reports what could not be solved, once all functions of the recursive group are inferred. */
  reportUnsolved(): void {
    const own = [...this.chunks.values()].filter((chunk) => !chunk.closed);
    reportUnsolved(this.cx, [this.header, ...own]);
  }

  /** Resolves what is left and hands over the findings. */
  finish(): CheckedDefinition {
    const { cx } = this;
    const rewritten = cx.solver.hasForwards;
    resolveChunk(cx, this.header);
    for (const [node, chunk] of this.chunks) {
      if (chunk.closed && !rewritten) continue;
      const own = this.adopted.has(chunk) ? chunk.copy() : chunk;
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
