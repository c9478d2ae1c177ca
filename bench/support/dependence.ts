/**
 * Which hovers of a program depend on a stretch of its text: the data flow that a reader would follow by hand.
 *
 * An edit touches the innermost node that holds it. From there information flows to whatever takes its type from the
 * node: the nodes around it, the name that a statement binds, every mention of that name, and so on across functions.
 * It does not flow where the text itself says the type: behind an annotated `let`, out of a function with a result
 * type, into a sibling argument or the next statement. Words and marks that carry no type (`let`, `=`, `;`, braces,
 * `def`) pass nothing on. Where types are inferred backwards (a parameter without annotation, the arguments of a
 * generic type), the flow is followed backwards too.
 */
import { resolveSpan } from '../../compiler/src/base/span.ts';
import type { Span } from '../../compiler/src/base/span.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import type {
  Arm,
  Expr,
  FunctionNode,
  Name,
  Node,
  Pattern,
  Statement,
  TypeNode,
} from '../../compiler/src/syntax/tree.ts';
import { children, walk, walkTree } from '../../compiler/src/syntax/walk.ts';
import type { Type } from '../../compiler/src/types/type.ts';

/** The stretch `[start, end)` that is replaced; empty for an insertion. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Nodes of `result` whose types depend on the text in `stretch`. `names` are spellings that the edit binds anew. */
export function dependents(result: CheckResult, stretch: Stretch, names: ReadonlySet<string>): ReadonlySet<Node> {
  return new Dependence(result, stretch, names).run();
}

const typeKinds = new Set(['tensortype', 'tupletype', 'fntype', 'namedtype', 'holetype', 'reftype']);

class Dependence {
  private readonly result: CheckResult;
  private readonly stretch: Stretch;
  private readonly names: ReadonlySet<string>;
  /** Nodes whose type depends on the edit. */
  private readonly typed = new Set<Node>();
  /** Definitions (statements, parameters, functions, constructors) whose mentions depend on it. */
  private readonly bound = new Set<object>();
  /** Nodes that the edit merely touches at an end: what is around them depends on it, they themselves do not. */
  private readonly touched = new Set<Node>();

  constructor(result: CheckResult, stretch: Stretch, names: ReadonlySet<string>) {
    this.result = result;
    this.stretch = stretch;
    this.names = names;
  }

  run(): ReadonlySet<Node> {
    for (let before = -1; before !== this.size();) {
      before = this.size();
      walkTree(this.result.tree, (node) => this.visit(node));
    }
    return this.typed;
  }

  private size(): number {
    return this.typed.size + this.bound.size + this.touched.size;
  }

  private range(span: Span): Stretch {
    return resolveSpan(this.result.tree.anchors, span);
  }

  /** Whether the edit lies within the span; an insertion at an end does not. */
  private holds(span: Span): boolean {
    const { start, end } = this.range(span);
    if (this.stretch.start === this.stretch.end) return start < this.stretch.start && this.stretch.start < end;
    return start < this.stretch.end && this.stretch.start < end;
  }

  private borders(span: Span): boolean {
    const { start, end } = this.range(span);
    return start <= this.stretch.end && this.stretch.start <= end;
  }

  private holdsName(name: Name): boolean {
    return this.holds(name.span) || (this.names.has(name.text) && name.text !== '');
  }

  /** Whether the edit is in the node's own text, not in that of a node below. */
  private ownText(node: Node): boolean {
    return this.holds(node.span) && !children(node).some((child) => this.holds(child.span));
  }

  private flows(node: Node | undefined): boolean {
    return node !== undefined && (this.typed.has(node) || this.touched.has(node));
  }

  private visit(node: Node): void {
    if (isExpr(node) && node.kind !== 'block' && this.borders(node.span)) this.touched.add(node);
    if (typeKinds.has(node.kind) && this.borders(node.span)) this.touched.add(node);
    switch (node.kind) {
      case 'def':
        if (this.holdsName(node.name) || this.typed.has(node.fn)) this.bound.add(node);
        this.visitFunction(node.fn);
        return;
      case 'fn':
        return this.visitFunction(node);
      case 'type':
        if (this.holds(node.span) || node.constructors?.some((c) => c.fields.some((field) => this.flows(field)))) {
          this.bound.add(node);
          for (const constructor of node.constructors ?? []) this.bound.add(constructor);
        }
        return;
      case 'param':
        if (this.ownText(node) && !this.holds(node.name.span)) this.typed.add(node);
        if (this.flows(node.type)) this.typed.add(node);
        if (this.typed.has(node) || this.holdsName(node.name)) this.bound.add(node);
        if (this.bound.has(node) && node.type === undefined) this.typed.add(node);
        return;
      case 'let':
      case 'graph':
      case 'free_var':
      case 'sequence':
        return this.visitStatement(node);
      case 'match':
        for (const arm of node.arms) this.visitArm(arm, this.flows(node.scrutinee) || this.ownText(node));
        break;
      case 'local':
      case 'graphref':
      case 'global':
      case 'name':
      case 'namedtype':
        this.visitMention(node);
        break;
    }
    if (isExpr(node)) this.visitExpr(node);
    else if (typeKinds.has(node.kind) && (this.holds(node.span) || children(node).some((child) => this.flows(child))))
      this.typed.add(node);
  }

  private visitFunction(fn: FunctionNode): void {
    const header = { ...fn.span, end: fn.body.span.anchor === fn.span.anchor ? fn.body.span.start : fn.span.end };
    const inHeader = this.ownText(fn) && this.holds(header);
    const open = fn.ret === undefined || isOpen(fn.ret);
    if (inHeader || fn.params.some((param) => this.typed.has(param)) || this.flows(fn.ret)) this.typed.add(fn);
    if (open && this.flows(fn.body)) this.typed.add(fn);
    for (const name of fn.typeParams) if (this.holds(name.span)) this.bound.add(name);
    if (this.flows(fn.ret)) this.backwards(fn.body.result);
  }

  private visitStatement(node: Statement): void {
    if (node.kind === 'sequence') return;
    const written = node.kind === 'graph' ? undefined : node.type;
    const value = node.kind === 'free_var' ? undefined : node.value;
    const decided = written !== undefined && !isOpen(written);
    if (this.flows(written) || (!decided && this.flows(value))) this.typed.add(node);
    // An annotation's colon; the words and marks around it say nothing of the type.
    if (written && this.ownText(node) && node.kind === 'let' && this.between(node.name.span, written.span))
      this.typed.add(node);
    const name = node.kind === 'graph' ? { text: String(node.index), span: node.nameSpan } : node.name;
    if (this.typed.has(node) || this.holdsName(name)) this.bound.add(node);
    if (this.flows(written) && value) this.backwards(value);
  }

  private between(first: Span, second: Span): boolean {
    return this.range(first).end <= this.stretch.start && this.stretch.end <= this.range(second).start;
  }

  private visitArm(arm: Arm, scrutinee: boolean): void {
    const changed = scrutinee || this.holds(arm.pattern.span);
    walk(arm.pattern, (node) => {
      if (node.kind === 'ctorpattern' && this.mentions(node)) this.taintPattern(node);
    });
    if (changed) this.taintPattern(arm.pattern);
    if (this.flows(arm.body)) this.typed.add(arm);
  }

  private taintPattern(pattern: Pattern): void {
    walk(pattern, (node) => {
      this.typed.add(node);
      this.bound.add(node);
    });
  }

  private mentions(node: Expr | Pattern | TypeNode): boolean {
    const symbol = this.result.symbolOf(node);
    if (!symbol) return false;
    if (symbol.kind === 'typeParam') return this.bound.has(symbol.name);
    return 'definition' in symbol && symbol.definition !== undefined && this.bound.has(symbol.definition);
  }

  private visitMention(node: Expr | TypeNode): void {
    const text =
      'name' in node && typeof node.name === 'string' ? node.name : node.kind === 'graphref' ? String(node.index) : '';
    if (this.holds(node.span) || this.mentions(node) || this.names.has(text)) this.typed.add(node);
  }

  private visitExpr(node: Expr): void {
    if (node.kind === 'block') {
      if (this.flows(node.result)) this.typed.add(node);
      return;
    }
    const below = node.kind === 'fn' ? [] : children(node);
    if (this.ownText(node) || below.some((child) => this.flows(child) || attributeHolds(this, child)))
      this.typed.add(node);
    if (!this.typed.has(node)) return;
    // An operator's or constructor's hover shows what it is applied to.
    if (node.kind === 'call') {
      for (let callee: Expr = node.callee; ; callee = callee.callee) {
        if (callee.kind === 'name') this.typed.add(callee);
        if (callee.kind !== 'call') break;
      }
    }
    for (const child of below) if (isExpr(child)) this.backwards(child);
  }

  attribute(node: Node): boolean {
    return node.kind === 'attribute' && this.borders(node.span);
  }

  /** What a type that is not settled by the expression itself may take from where it is used. */
  private backwards(node: Expr): void {
    const type = this.result.typeOf(node);
    if (node.kind === 'local' || node.kind === 'graphref') {
      const symbol = this.result.symbolOf(node);
      const definition = symbol && (symbol.kind === 'local' || symbol.kind === 'graph') ? symbol.definition : undefined;
      const free =
        definition && definition.kind !== 'graph' && definition.kind !== 'let' && definition.type === undefined;
      if (definition && (free || (type && isGeneric(type)))) {
        const annotated = definition.kind !== 'graph' && definition.type !== undefined && !isOpen(definition.type);
        if (annotated || this.bound.has(definition)) return;
        this.typed.add(definition);
        this.bound.add(definition);
        if (definition.kind === 'let' || definition.kind === 'graph') this.backwards(definition.value);
      }
      return;
    }
    if (!type || !isGeneric(type) || this.typed.has(node)) return;
    this.typed.add(node);
    if (node.kind === 'fn') for (const param of node.params) if (!param.type) this.typed.add(param);
    if (node.kind === 'block') this.backwards(node.result);
  }
}

function attributeHolds(dependence: Dependence, node: Node): boolean {
  return dependence.attribute(node);
}

const otherKinds = new Set([
  'def',
  'type',
  'import',
  'constructor',
  'param',
  'let',
  'graph',
  'sequence',
  'free_var',
  'arm',
  'attribute',
  'wildcard',
  'varpattern',
  'ctorpattern',
  'tuplepattern',
  'intdim',
  'anydim',
  'nameddim',
  'exprdim',
  ...typeKinds,
]);

function isExpr(node: Node): node is Expr {
  return !otherKinds.has(node.kind);
}

/** Whether an annotation leaves something to be inferred. */
function isOpen(type: TypeNode): boolean {
  let open = false;
  walk(type, (node) => {
    if (node.kind === 'holetype' || node.kind === 'anydim' || node.kind === 'meta') open = true;
  });
  return open;
}

function isGeneric(type: Type): boolean {
  if (type.kind === 'tuple') return type.fields.some(isGeneric);
  return type.kind === 'adt' || type.kind === 'func' || type.kind === 'incomplete' || type.kind === 'ref';
}
