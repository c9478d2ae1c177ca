/** The result object: types, symbols and attributes by node, found through the anchor of the node's span. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { Anchor, Span } from '../base/span.ts';
import type { AttributeValueData } from '../operators/attributes.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { CallExpr, Expr, FunctionDefinition, SourceTree, Statement } from '../syntax/tree.ts';
import type { FuncType, Type } from '../types/type.ts';
import type { Chunk } from './chunk.ts';
import type { CheckedDefinition } from './checked.ts';
import { constantValue } from './constants.ts';
import { explainDim } from './provenance.ts';
import type { ImportProblem } from './imports.ts';
import type { CheckResult, DimStep, Symbol } from './result.ts';
import type { AdtInfo, ConstructorInfo } from './scope.ts';

const known = new WeakMap<CheckResult, Facts>();

/** What stands behind a result, for the next check. */
export function factsOf(result: CheckResult): Facts | undefined {
  return known.get(result);
}

interface Located {
  readonly span: Span;
}

export class Facts {
  readonly tree: SourceTree;
  readonly types: Chunk;
  expression: CheckedDefinition | undefined;
  /** Imports that failed, of this file and of those that it imports. */
  readonly importProblems: readonly ImportProblem[];
  private readonly operators: OperatorRegistry;
  private readonly adts: ReadonlyMap<string, AdtInfo>;
  private readonly constructors: ReadonlyMap<string, ConstructorInfo>;
  private readonly definitions = new Map<string, CheckedDefinition>();
  private readonly checked: {
    readonly definition: FunctionDefinition | undefined;
    readonly done: CheckedDefinition;
  }[] = [];
  private index: Map<Anchor, Chunk[]> | undefined;

  constructor(
    tree: SourceTree,
    types: Chunk,
    adts: ReadonlyMap<string, AdtInfo>,
    constructors: ReadonlyMap<string, ConstructorInfo>,
    operators: OperatorRegistry,
    importProblems: readonly ImportProblem[],
  ) {
    this.operators = operators;
    this.importProblems = importProblems;
    this.tree = tree;
    this.types = types;
    this.adts = adts;
    this.constructors = constructors;
  }

  /** The types that this file or its imports define. */
  ownTypes(): ReadonlyMap<string, AdtInfo> {
    return this.adts;
  }

  definition(name: string): CheckedDefinition | undefined {
    return this.definitions.get(name);
  }

  /** Hands the types over to the next check when no type definition changed. */
  adoptTypes(
    tree: SourceTree,
    adts: Map<string, AdtInfo>,
    constructors: Map<string, ConstructorInfo>,
  ): Chunk | undefined {
    const now = tree.definitions.filter((definition) => definition.kind !== 'def');
    const before = this.tree.definitions.filter((definition) => definition.kind !== 'def');
    if (now.length !== before.length || now.some((definition, i) => definition !== before[i])) return undefined;
    const positions = (t: SourceTree): string =>
      t.definitions.flatMap((definition, i) => (definition.kind === 'def' ? [] : [i])).join();
    if (positions(tree) !== positions(this.tree) || tree.metadata !== this.tree.metadata) return undefined;
    for (const [name, info] of this.adts) adts.set(name, info);
    for (const [name, info] of this.constructors) constructors.set(name, info);
    return this.types;
  }

  add(definition: FunctionDefinition, done: CheckedDefinition): void {
    this.definitions.set(definition.name.text, done);
    this.checked.push({ definition, done });
  }
  addExpression(done: CheckedDefinition): void {
    this.expression = done;
    this.checked.push({ definition: undefined, done });
  }

  /** Chunks by the anchor of their nodes; made when someone first asks. */
  private get byAnchor(): Map<Anchor, Chunk[]> {
    if (this.index) return this.index;
    const index = new Map<Anchor, Chunk[]>();
    const place = (node: Located, chunk: Chunk): void => {
      const list = index.get(node.span.anchor);
      if (!list) index.set(node.span.anchor, [chunk]);
      else if (!list.includes(chunk)) list.push(chunk);
    };
    for (const definition of this.tree.definitions) if (definition.kind === 'type') place(definition, this.types);
    for (const { definition, done } of this.checked) {
      if (definition) {
        place(definition, done.header);
        place(definition.fn, done.header);
        place(definition.name, done.header);
      }
      for (const [node, chunk] of done.chunks) {
        place(node, chunk);
        if (done.fn && node === done.fn.body.result) place(done.fn, chunk);
      }
    }
    this.index = index;
    return index;
  }

  private *chunks(): Iterable<Chunk> {
    yield this.types;
    for (const { done } of this.checked) {
      yield done.header;
      yield* done.chunks.values();
    }
  }

  private in<T>(node: Located, read: (chunk: Chunk) => T | undefined): T | undefined {
    for (const chunk of this.byAnchor.get(node.span.anchor) ?? []) {
      const found = read(chunk);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  typeOf(node: Located): Type | undefined {
    return this.in(node, (chunk) => chunk.types.get(node));
  }
  symbolOf(node: Located): Symbol | undefined {
    return this.in(node, (chunk) => chunk.symbolOf(node));
  }
  findings(node: Statement | Expr): object | undefined {
    const chunks = this.byAnchor.get(node.span.anchor);
    return chunks?.length === 1 ? chunks[0] : undefined;
  }
  attrsOf(call: CallExpr): Readonly<Record<string, AttributeValueData>> | undefined {
    return this.in(call, (chunk) => chunk.attrs.get(call));
  }

  referencesTo(symbol: Symbol): readonly Span[] {
    const spans: Span[] = [];
    for (const chunk of this.chunks())
      for (const node of chunk.symbols.keys()) {
        const found = chunk.symbolOf(node);
        if (found && sameSymbol(found, symbol) && !('definition' in found && found.definition === node))
          spans.push(referenceSpan(node as Located));
      }
    return spans;
  }

  private explain(
    result: CheckResult,
    node: Parameters<CheckResult['explainDim']>[0],
    dim: number,
    field: number | undefined,
  ): DimStep | undefined {
    const constant = (expr: Expr | undefined): NDArray | undefined => this.constantOf(expr);
    return explainDim(result, node, dim, field, (name) => this.operators.get(name), constant);
  }

  private constantOf(expr: Expr | undefined): NDArray | undefined {
    return constantValue(expr, this.tree.metadata, (ref) => {
      const symbol = this.symbolOf(ref);
      return symbol?.kind === 'graph' ? symbol.definition.value : undefined;
    });
  }

  result(diagnostics: readonly Diagnostic[], globals: ReadonlyMap<string, FuncType>): CheckResult {
    const result: CheckResult = {
      tree: this.tree,
      diagnostics,
      globals,
      typeOf: (node) => this.typeOf(node),
      symbolOf: (node) => this.symbolOf(node),
      findings: (node) => this.findings(node),
      referencesTo: (symbol) => this.referencesTo(symbol),
      attrsOf: (call) => this.attrsOf(call),
      constantOf: (node) => this.constantOf(node),
      explainDim: (node, dim, field) => this.explain(result, node, dim, field),
    };
    known.set(result, this);
    return result;
  }
}

/** Names in patterns and types stand inside larger nodes. */
function referenceSpan(node: Located & { readonly kind?: string; readonly name?: unknown }): Span {
  if ((node.kind === 'ctorpattern' || node.kind === 'namedtype') && typeof node.name === 'object' && node.name !== null)
    return (node.name as Located).span;
  return node.span;
}

function sameSymbol(a: Symbol, b: Symbol): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'local':
    case 'graph':
      return (b.kind === 'local' || b.kind === 'graph') && a.definition === b.definition;
    case 'global':
    case 'constructor':
    case 'adt':
    case 'dimVar':
      return 'name' in b && a.name === b.name;
    case 'typeParam':
      return b.kind === 'typeParam' && a.name === b.name;
    case 'operator':
      return b.kind === 'operator' && a.operator.name === b.operator.name;
  }
}
