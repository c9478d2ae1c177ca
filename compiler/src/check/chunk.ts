/**
 * What the checker learnt about one stretch of a file: a statement of a definition's body, or a header. A chunk whose
 * inputs did not change is handed over to the next check as it is.
 */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { AttributeValueData } from '../operators/attributes.ts';
import type { CallExpr, GraphStatement } from '../syntax/tree.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { Type } from '../types/type.ts';
import type { Symbol } from './result.ts';
import type { Binding } from './scope.ts';

/** A name declared outside the chunk, with the type that the chunk was checked against. */
export interface Dependency {
  readonly kind: 'local' | 'graph' | 'global';
  readonly name: string;
  readonly symbol: Symbol | undefined;
  type: Type | undefined;
  /** The constant or the operator's name behind a graph number: relations and calls read them. */
  behind?: NDArray | string;
  /** Looked up without being used. */
  unused?: boolean;
}

/** A symbol, or the position of the dependency that holds it. */
export type SymbolCell = Symbol | number;

/** Types, symbols, attributes and findings of the stretch, and the names from outside that they rest on. */
export class Chunk {
  readonly types: Map<object, Type>;
  readonly symbols: Map<object, SymbolCell>;
  readonly attrs: Map<CallExpr, Readonly<Record<string, AttributeValueData>>>;
  diagnostics: Diagnostic[] = [];
  dependencies: Dependency[] = [];
  /** Bindings that outlive the chunk: graph numbers defined anywhere inside, and the statement's own locals. */
  graphs: { readonly statement: GraphStatement; readonly binding: Binding }[] = [];
  locals: readonly Binding[] = [];
  /** Those of `graphs` that the chunk itself mentions. */
  usedGraphs: Binding[] = [];
  /** Closed: every type was known when the chunk ended, so that nothing later can change it. */
  closed = false;
  private readonly index = new Map<unknown, number>();

  constructor(
    types = new Map<object, Type>(),
    symbols = new Map<object, SymbolCell>(),
    attrs = new Map<CallExpr, Readonly<Record<string, AttributeValueData>>>(),
  ) {
    this.types = types;
    this.symbols = symbols;
    this.attrs = attrs;
  }

  /** A chunk of its own with the same content, so that the original stays as an earlier check left it. */
  copy(): Chunk {
    const chunk = new Chunk(new Map(this.types), this.symbols, this.attrs);
    chunk.diagnostics = this.diagnostics;
    chunk.dependencies = this.dependencies.map((dependency) => ({ ...dependency }));
    chunk.graphs = this.graphs.map(({ statement, binding }) => ({ statement, binding: { ...binding } }));
    chunk.usedGraphs = this.usedGraphs;
    chunk.locals = this.locals.map((local) => ({ ...local }));
    return chunk;
  }

  /** The same findings with the symbols of dependencies brought up to date. */
  withSymbols(symbolOf: (dependency: Dependency) => Symbol | undefined): Chunk {
    const chunk = new Chunk(this.types, this.symbols, this.attrs);
    chunk.diagnostics = this.diagnostics;
    chunk.dependencies = this.dependencies.map((dependency) => ({ ...dependency, symbol: symbolOf(dependency) }));
    chunk.graphs = this.graphs;
    chunk.usedGraphs = this.usedGraphs;
    chunk.locals = this.locals;
    chunk.closed = this.closed;
    return chunk;
  }

  /** Notes a name from outside; returns the cell for `symbols`. */
  depend(key: unknown, dependency: Dependency): number {
    const known = this.index.get(key);
    if (known !== undefined) return known;
    const at = this.dependencies.length;
    this.dependencies.push(dependency);
    this.index.set(key, at);
    return at;
  }

  symbolOf(node: object): Symbol | undefined {
    const cell = this.symbols.get(node);
    return typeof cell === 'number' ? this.dependencies[cell]?.symbol : cell;
  }
}
