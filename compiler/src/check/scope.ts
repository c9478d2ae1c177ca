/** Names in scope: locals with lexical shadowing, type parameters, graph numbers, and the module's declarations. */
import type { Span } from '../base/span.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import type { ConstructorNode, Expr, FunctionDefinition, SourceTree, TypeDefinition } from '../syntax/tree.ts';
import type { ErrorType, FuncType, Type, TypeVar } from '../types/type.ts';
import type { Symbol } from './result.ts';

/** A local variable or a graph number. */
export interface Binding {
  readonly symbol: Extract<Symbol, { kind: 'local' | 'graph' }>;
  readonly nameSpan: Span;
  type: Type;
  /** What it is bound to; for graph numbers the shared expression. */
  readonly value: Expr | undefined;
  /** Depth of nested scopes at which it was bound; 0 is the body of a definition. */
  readonly level: number;
  /** Locals of inner scopes that a graph number's expression mentions. */
  readonly inner?: readonly Binding[];
  /** Whether a graph number's expression mentions any local at all, so that no other definition may use it. */
  readonly open?: boolean;
  /** In scope at this moment of the check. */
  live?: boolean;
}

/** The file that an imported name was defined in. */
export interface Origin {
  readonly tree: SourceTree;
  /** The files over which it came, as written, nearest first. */
  readonly chain: readonly string[];
  /** The import in this file. */
  readonly span: Span;
}

export interface AdtInfo {
  readonly name: string;
  readonly typeParams: readonly TypeVar[];
  readonly constructors: readonly ConstructorInfo[];
  readonly definition: TypeDefinition | undefined;
  /** Position among the file's definitions; −1 for what another file declares. */
  readonly order: number;
  readonly origin?: Origin;
}
export interface ConstructorInfo {
  readonly name: string;
  readonly adt: string;
  readonly index: number;
  readonly fields: readonly Type[];
  readonly typeParams: readonly TypeVar[];
  /** fn [tv…](fields) -> T[tv…]; the bare T[tv…] when there are no fields. */
  readonly type: Type;
  readonly definition: ConstructorNode | undefined;
  readonly order: number;
}
export interface GlobalInfo {
  readonly name: string;
  /** What references see: the declared signature, or the inferred one where something was left out. */
  type: FuncType | ErrorType;
  readonly definition: FunctionDefinition | undefined;
  readonly imported: boolean;
  readonly origin?: Origin;
}

export interface ModuleScope {
  readonly adts: ReadonlyMap<string, AdtInfo>;
  readonly constructors: ReadonlyMap<string, ConstructorInfo>;
  readonly globals: ReadonlyMap<string, GlobalInfo>;
  readonly operators: OperatorRegistry;
}

/** A stack of names as one table and a trail, so that entering and leaving a scope costs what was bound in it. */
export class Names<T> {
  /** Told what leaves its scope. */
  onLeave: ((value: T) => void) | undefined;
  private readonly table = new Map<string, T>();
  private readonly trail: { readonly name: string; readonly previous: T | undefined }[] = [];

  get(name: string): T | undefined {
    return this.table.get(name);
  }
  names(): IterableIterator<string> {
    return this.table.keys();
  }
  bind(name: string, value: T): void {
    this.trail.push({ name, previous: this.table.get(name) });
    this.table.set(name, value);
  }
  mark(): number {
    return this.trail.length;
  }
  restore(mark: number): void {
    while (this.trail.length > mark) {
      const entry = this.trail.pop();
      if (!entry) return;
      const value = this.table.get(entry.name);
      if (value !== undefined) this.onLeave?.(value);
      if (entry.previous === undefined) this.table.delete(entry.name);
      else this.table.set(entry.name, entry.previous);
    }
  }
}
