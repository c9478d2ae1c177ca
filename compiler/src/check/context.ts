/** State of checking one definition: its solver, scopes, the relations that wait, and where findings go. */
import { neverCancelled, type CancellationToken } from '../base/cancellation.ts';
import type { Fix, RelatedLocation, Severity } from '../base/diagnostic.ts';
import type { Span } from '../base/span.ts';
import type { AttributeValueData } from '../operators/attributes.ts';
import type { Attribute, Expr, MetadataSection } from '../syntax/tree.ts';
import { Solver, type Unified } from '../types/unify.ts';
import { someType } from '../types/substitute.ts';
import { errorType, type FuncType, type IncompleteType, type Type, type TypeVar } from '../types/type.ts';
import type { Operator } from '../operators/operator.ts';
import { Chunk } from './chunk.ts';
import { type Binding, type ModuleScope, Names } from './scope.ts';

export interface DiagnosticParts {
  readonly severity?: Severity;
  readonly remedy?: string;
  readonly related?: readonly RelatedLocation[];
  readonly fixes?: readonly Fix[];
  readonly tags?: readonly ('unnecessary' | 'deprecated')[];
}

/** What a call of an operator has to relate. */
export interface OperatorWork {
  readonly kind: 'operator';
  readonly operator: Operator;
  readonly attrs: Readonly<Record<string, AttributeValueData>>;
  readonly written: readonly Attribute[];
  readonly calleeSpan: Span;
}

/** A call of an operator whose types are related by its record, or a projection from a tuple not yet known. */
export interface Relation {
  readonly span: Span;
  /** The whole call, for messages. */
  readonly node: Expr;
  readonly inputs: readonly Type[];
  readonly args: readonly Expr[];
  readonly chunk: Chunk;
  /** The result; a placeholder until the relation is done. */
  result: IncompleteType | undefined;
  readonly work: OperatorWork | { readonly kind: 'project'; readonly index: number; readonly indexSpan: Span };
}

/** The state itself; one a definition, or shared solver and queue in a recursive group. */
export class Context {
  readonly module: ModuleScope;
  readonly metadata: MetadataSection | undefined;
  readonly solver: Solver;
  readonly locals = new Names<Binding>();
  readonly typeNames = new Names<TypeVar>();
  /** Names of the type parameters in scope to where they are written. */
  readonly typeParamNames = new Map<number, { readonly text: string; readonly span: Span }>();
  /** Named dimensions of the definition, by name. */
  readonly dimNames = new Names<number>();
  /** Whether a named dimension that is not declared may be introduced here (signatures). */
  declaresDims = false;
  /** Graph numbers of this definition; `outerGraphs` are those of earlier definitions. */
  readonly graphs = new Map<string, Binding>();
  readonly outerGraphs: ReadonlyMap<string, Binding>;
  /** Position of the definition in the file, for what must be declared above. */
  readonly order: number;
  readonly token: CancellationToken;
  /** Function types that stand for an operator used as a value. */
  readonly operatorTypes: Map<FuncType, Operator>;
  chunk = new Chunk();
  /** Bindings made in the current chunk: dependencies on others are recorded. */
  own = new Set<Binding>();
  /** Types that do not exist, reported once in a definition's header and in each statement. */
  unknownTypes = new Set<string>();
  level = 0;
  depth = 0;
  /** Locals of inner scopes mentioned by the graph expression being inferred. */
  mentioned: Set<Binding> | undefined;
  /** Whether the graph expression being inferred mentions any local. */
  mentionsLocal = false;
  readonly pending: Set<Relation>;
  readonly watchers: Map<number, Relation[]>;
  readonly queue: Relation[];
  private readonly spoiled: Set<IncompleteType>;
  solving = false;
  /** Statements that bind a name to something that may be shown as never used. */
  readonly used = new Set<Binding>();

  /** `sharing`: a function of the same recursive group, whose solver is used. */
  constructor(
    module: ModuleScope,
    metadata: MetadataSection | undefined,
    order: number,
    outerGraphs: ReadonlyMap<string, Binding>,
    token: CancellationToken = neverCancelled,
    sharing?: Context,
  ) {
    this.token = token;
    this.locals.onLeave = (binding) => {
      binding.live = false;
    };
    this.solver = sharing?.solver ?? new Solver();
    this.operatorTypes = sharing?.operatorTypes ?? new Map();
    this.pending = sharing?.pending ?? new Set();
    this.watchers = sharing?.watchers ?? new Map();
    this.queue = sharing?.queue ?? [];
    this.spoiled = sharing?.spoiled ?? new Set();
    this.module = module;
    this.metadata = metadata;
    this.order = order;
    this.outerGraphs = outerGraphs;
    if (!sharing)
      this.solver.onBind = (id) => {
        const waiting = this.watchers.get(id);
        if (!waiting) return;
        this.watchers.delete(id);
        for (const relation of waiting) if (this.pending.has(relation)) this.queue.push(relation);
      };
  }

  report(code: string, span: Span, message: string, parts: DiagnosticParts = {}): void {
    const { severity = 'error', ...rest } = parts;
    this.chunk.diagnostics.push({ code, severity, span, message, ...rest });
  }

  setType(node: object, type: Type): Type {
    this.chunk.types.set(node, type);
    return type;
  }

  find(type: Type): Type {
    return this.solver.find(type);
  }
  resolve(type: Type): Type {
    return this.solver.resolve(type);
  }

  unify(left: Type, right: Type): Unified {
    const sides = this.operatorSides(left, right);
    return sides ?? this.solver.unify(left, right);
  }
  unifyInto(left: Type, right: Type): Unified {
    const sides = this.operatorSides(left, right);
    return sides ?? this.solver.unifyInto(left, right);
  }

  /** An operator as a value fits only a placeholder or itself: its type carries a relation. */
  private operatorSides(left: Type, right: Type): Unified | undefined {
    if (this.operatorTypes.size === 0) return undefined;
    const a = this.find(left);
    const b = this.find(right);
    if (a.kind !== 'func' || b.kind !== 'func') return undefined;
    const p = this.operatorTypes.get(a);
    const q = this.operatorTypes.get(b);
    if (p === q) return p ? { ok: true, type: a } : undefined;
    return { ok: false, mismatch: { reason: 'operator', left: a, right: b, path: [] } };
  }

  /** Notes that a call went wrong which would have told what these types are: that they stay unknown follows from it. */
  spoil(types: readonly Type[]): void {
    for (const type of types) {
      const resolved = this.resolve(type);
      if (resolved.kind === 'tensor') continue;
      someType(resolved, (part) => {
        if (part.kind === 'incomplete') this.spoiled.add(part);
        return false;
      });
    }
  }

  /** The placeholders of which it follows from a reported error that they are unknown. */
  spoiledTypes(): ReadonlySet<Type> {
    return new Set([...this.spoiled].map((type) => this.find(type)));
  }

  /** Binds every placeholder in `type` to the error type, so that nothing that follows complains. */
  poison(type: Type): Type {
    const resolved = this.resolve(type);
    if (resolved.kind === 'tensor') return resolved;
    const visit = (t: Type): void => {
      switch (t.kind) {
        case 'incomplete':
          this.solver.bind(t, errorType);
          break;
        case 'tuple':
          t.fields.forEach(visit);
          break;
        case 'func':
          t.params.forEach(visit);
          visit(t.ret);
          break;
        case 'ref':
          visit(t.content);
          break;
        case 'adt':
          t.args.forEach(visit);
          break;
      }
    };
    visit(resolved);
    return this.resolve(resolved);
  }
}
