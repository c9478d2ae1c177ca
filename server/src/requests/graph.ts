/** The data flow of one function as nodes and edges with types. */
import type { Block, Expr, FunctionDefinition, Node } from '../../../compiler/src/syntax/tree.ts';
import { children } from '../../../compiler/src/syntax/walk.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import { toRange } from '../convert.ts';
import type { GraphEdge, GraphNode, GraphResult } from '../protocol.ts';
import { rangeOf, textOf, touches, type CheckedSnapshot } from '../snapshot.ts';

/** A picture with more nodes is of no use, and slow. */
const mostNodes = 800;

/** The graph of the function at `offset`, else of `@main`, else of the first; undefined when there is none. */
export function functionGraph(snapshot: CheckedSnapshot, offset: number | undefined): GraphResult | undefined {
  const functions = snapshot.tree.definitions.filter((d): d is FunctionDefinition => d.kind === 'def');
  const chosen =
    functions.find((d) => offset !== undefined && touches(rangeOf(snapshot, d.span), offset)) ??
    functions.find((d) => d.name.text === 'main') ??
    functions[0];
  return chosen && new Builder(snapshot).build(chosen);
}

class Builder {
  private readonly snapshot: CheckedSnapshot;
  private readonly nodes: GraphNode[] = [];
  private readonly edges = new Map<string, GraphEdge>();
  /** The node that stands for a name: `%x`, `%0`. Later bindings of a name hide earlier ones. */
  private readonly names = new Map<string, string>();
  private leftOut = 0;

  constructor(snapshot: CheckedSnapshot) {
    this.snapshot = snapshot;
  }

  build(definition: FunctionDefinition): GraphResult {
    for (const param of definition.fn.params) {
      const name = `%${param.name.text}`;
      const id = this.add('parameter', name, '', this.typeText(param), param);
      if (id !== undefined) this.names.set(name, id);
    }
    const result = this.block(definition.fn.body);
    if (result !== undefined) {
      const id = this.add('result', 'result', '', this.typeText(definition.fn.body.result), definition.fn.body.result);
      if (id !== undefined) this.connect(result, id);
    }
    return {
      version: this.snapshot.version,
      name: `@${definition.name.text}`,
      nodes: this.nodes,
      edges: [...this.edges.values()],
      leftOut: this.leftOut,
    };
  }

  private block(block: Block): string | undefined {
    for (const statement of block.statements) {
      if (statement.kind === 'free_var') {
        const name = `%${statement.name.text}`;
        const id = this.add('parameter', name, '', this.typeText(statement), statement);
        if (id !== undefined) this.names.set(name, id);
        continue;
      }
      const name =
        statement.kind === 'let'
          ? `%${statement.name.text}`
          : statement.kind === 'graph'
            ? `%${statement.index}`
            : undefined;
      const id = this.expression(statement.value, name ?? '');
      if (name !== undefined && id !== undefined) this.names.set(name, id);
    }
    return this.expression(block.result, '');
  }

  /** The node whose value the expression has; made where the expression computes something. */
  private expression(e: Expr, binding: string): string | undefined {
    switch (e.kind) {
      case 'local':
        return this.names.get(`%${e.name}`);
      case 'graphref':
        return this.names.get(`%${e.index}`);
      case 'paren':
        return this.expression(e.inner, binding);
      case 'block':
        return this.block(e);
      case 'int':
      case 'float':
      case 'bool':
      case 'meta':
      case 'missing':
      case 'name':
      case 'global':
      case 'fn':
        return undefined;
      case 'call': {
        const callee = textOf(this.snapshot, e.callee.span);
        const kind = e.callee.kind === 'name' ? 'operator' : 'call';
        return this.node(kind, callee.length > 40 ? 'fn' : callee, binding, e, e.args);
      }
      case 'infix':
        return this.node('operator', e.operator, binding, e, [e.left, e.right]);
      case 'projection':
        return this.node('other', `.${e.index}`, binding, e, [e.tuple]);
      case 'tuple':
        return this.node('other', 'tuple', binding, e, e.fields);
      default:
        return this.node(
          'other',
          e.kind,
          binding,
          e,
          children(e).filter((n): n is Expr => isExpression(n)),
        );
    }
  }

  private node(
    kind: GraphNode['kind'],
    title: string,
    binding: string,
    e: Expr,
    inputs: readonly Expr[],
  ): string | undefined {
    const sources = inputs.map((input) => this.expression(input, ''));
    const id = this.add(kind, title, binding, this.typeText(e), e);
    if (id === undefined) return undefined;
    for (const source of sources) if (source !== undefined) this.connect(source, id);
    return id;
  }

  private add(
    kind: GraphNode['kind'],
    title: string,
    binding: string,
    type: string,
    node: { readonly span: Node['span'] },
  ): string | undefined {
    if (this.nodes.length >= mostNodes) {
      this.leftOut++;
      return undefined;
    }
    const id = `n${this.nodes.length}`;
    const source = toRange(this.snapshot, rangeOf(this.snapshot, node.span));
    this.nodes.push({ id, kind, title, binding, type, source });
    return id;
  }

  private connect(from: string, to: string): void {
    const label = this.nodes[Number(from.slice(1))]?.type ?? '';
    this.edges.set(`${from} ${to}`, { from, to, label });
  }

  private typeText(node: Parameters<CheckedSnapshot['check']['typeOf']>[0]): string {
    const type = this.snapshot.check.typeOf(node);
    if (!type || type.kind === 'error') return '';
    const text = printType(type);
    return text.length > 120 ? `${text.slice(0, 119)}…` : text;
  }
}

const otherNodes: ReadonlySet<string> = new Set(['arm', 'wildcard', 'varpattern', 'ctorpattern', 'tuplepattern']);

function isExpression(node: Node): boolean {
  return !otherNodes.has(node.kind) && !node.kind.endsWith('type');
}
