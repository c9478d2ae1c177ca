/** Random programs as data: small graphs that can be typed, printed as Relay text, and shrunk. */
import { callOperator, constant, filled, tuple, variable } from '../../compiler/src/ir/build.ts';
import type { Expr } from '../../compiler/src/ir/expr.ts';
import type { AttributeValueData } from '../../compiler/src/operators/attributes.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { dtypeInfo, integerRange, isFloat } from '../../compiler/src/tensor/dtype.ts';
import { allocateElements, elementCount, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { equalTypes } from '../../compiler/src/types/equal.ts';
import { staticShape, tensorType, type Type } from '../../compiler/src/types/type.ts';
import { Random } from './random.ts';

/** Which values a tensor gets: the range of integers (the whole type's when absent) or the magnitude of floats. */
export interface Range {
  readonly low: number;
  readonly high: number;
  /** Zero is left out, so that the tensor can divide. */
  readonly nonzero?: boolean;
}

/** An argument is a node, or a tuple of nodes. */
export type Arg = number | readonly number[];

export type Node =
  /** A tensor given at run time. */
  | { readonly kind: 'input'; readonly shape: readonly number[]; readonly dtype: string; readonly range?: Range }
  /** A tensor of the parameter file, filled from its own seed. */
  | {
      readonly kind: 'param';
      readonly shape: readonly number[];
      readonly dtype: string;
      readonly range?: Range;
      readonly seed: number;
      /** Given values in place of random ones. */
      readonly values?: readonly number[];
    }
  | { readonly kind: 'literal'; readonly value: number; readonly dtype: 'int32' | 'float32' | 'int64' }
  | {
      readonly kind: 'call';
      /** An operator; or `if`, of a condition and the results of both branches. */
      readonly op: string;
      readonly args: readonly Arg[];
      readonly attrs: Readonly<Record<string, AttributeValueData>>;
      /** The call stands in a function of its own, together with all that it needs. */
      readonly within?: 'function' | 'closure';
    }
  | { readonly kind: 'get'; readonly tuple: number; readonly index: number };

type Call = Extract<Node, { kind: 'call' }>;

export interface Program {
  readonly seed: number;
  readonly family: string;
  readonly nodes: readonly Node[];
  readonly outputs: readonly number[];
  /** Bindings are written with `let`. */
  readonly lets: boolean;
  /** Integers may differ by one step, because they are rounded from transcendental functions. */
  readonly approximate: boolean;
}

/** Types of all nodes; throws where an operator refuses. */
export function typesOf(nodes: readonly Node[]): Type[] {
  const exprs: Expr[] = [];
  const expr = (i: number): Expr => exprs[i] as Expr;
  for (const [i, node] of nodes.entries()) exprs.push(exprOf(node, i, expr));
  return exprs.map((e) => e.type);
}

function exprOf(node: Node, index: number, at: (i: number) => Expr): Expr {
  switch (node.kind) {
    case 'input':
    case 'param':
      return variable(`v${index}`, tensorType(node.shape, node.dtype));
    case 'literal':
      return constant(filled([], node.dtype, node.value));
    case 'call': {
      if (node.op === 'if') return branch(node, index, at);
      const args = node.args.map((a) => (typeof a === 'number' ? at(a) : tuple(a.map(at))));
      const { type } = callOperator(operatorRegistry, node.op, args, node.attrs);
      return variable(`v${index}`, type);
    }
    case 'get': {
      const { type } = at(node.tuple);
      const field = type.kind === 'tuple' ? type.fields[node.index] : undefined;
      if (!field) throw new Error('no such field');
      return variable(`v${index}`, field);
    }
  }
}

function branch({ args }: Call, index: number, at: (i: number) => Expr): Expr {
  const [condition, then, otherwise] = args.map((a) => (typeof a === 'number' ? at(a).type : undefined));
  if (!condition || !then || !otherwise) throw new Error('a branch takes a condition and two values');
  if (!equalTypes(condition, tensorType([], 'bool'))) throw new Error('a condition is one bool');
  if (!equalTypes(then, otherwise)) throw new Error('both branches give the same type');
  return variable(`v${index}`, then);
}

/** Builds a graph node by node and knows every node's shape. */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  private readonly exprs: Expr[] = [];

  add(node: Node): number {
    const index = this.nodes.length;
    this.exprs.push(exprOf(node, index, (i) => this.exprs[i] as Expr));
    this.nodes.push(node);
    return index;
  }
  /** The node, or undefined where the operator refuses. */
  attempt(
    op: string,
    args: readonly Arg[],
    attrs: Readonly<Record<string, AttributeValueData>> = {},
  ): number | undefined {
    try {
      const made = this.call(op, args, attrs);
      const type = this.typeOf(made);
      // TVM types windows that do not fit as negative sizes; no such tensor can be computed.
      if (type.kind !== 'tensor' || staticShape(type) !== undefined) return made;
      this.nodes.pop();
      this.exprs.pop();
      return undefined;
    } catch {
      return undefined;
    }
  }
  call(op: string, args: readonly Arg[], attrs: Readonly<Record<string, AttributeValueData>> = {}): number {
    return this.add({ kind: 'call', op, args, attrs });
  }
  literal(value: number, dtype: 'int32' | 'float32' | 'int64' = 'int32'): number {
    return this.add({ kind: 'literal', value, dtype });
  }
  typeOf(i: number): Type {
    return (this.exprs[i] as Expr).type;
  }
  shape(i: number): readonly number[] {
    const type = this.typeOf(i);
    return (type.kind === 'tensor' ? staticShape(type) : undefined) ?? [];
  }
  dtype(i: number): string {
    const type = this.typeOf(i);
    return type.kind === 'tensor' ? type.dtype : 'tuple';
  }
}

/** Random contents of a tensor. */
export function contents(shape: readonly number[], dtype: string, range: Range | undefined, random: Random): NDArray {
  const data = allocateElements(dtype, elementCount(shape));
  if (!data) throw new Error(dtype);
  const info = integerRange(dtype);
  for (let i = 0; i < data.length; i++) {
    let value: number | bigint;
    if (isFloat(dtype)) {
      const { low, high } = range ?? { low: -2, high: 2 };
      value = Math.fround(low + random.real() * (high - low));
    } else if (dtype === 'bool') value = random.int(0, 1);
    else if (range) {
      value = random.int(range.low, range.high);
      if (range.nonzero === true && value === 0) value = 1;
    } else if (info) {
      const edge = random.int(0, 11);
      const bits = BigInt(dtypeInfo(dtype)?.bits ?? 32);
      const raw = (BigInt(Math.floor(random.real() * 2 ** 32)) << 32n) | BigInt(Math.floor(random.real() * 2 ** 32));
      const wrapped = dtype.startsWith('u') ? BigInt.asUintN(Number(bits), raw) : BigInt.asIntN(Number(bits), raw);
      value = edge === 0 ? info.min : edge === 1 ? info.max : edge < 5 ? wrapped >> (bits / 2n) : wrapped;
    } else throw new Error(dtype);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(value);
    else data[i] = Number(value);
  }
  return { dtype, shape, data };
}

/** Tensors of the parameter file by name. */
export function paramsOf(program: Program): Map<string, NDArray> {
  const out = new Map<string, NDArray>();
  program.nodes.forEach((node, i) => {
    if (node.kind !== 'param') return;
    const array = contents(node.shape, node.dtype, node.range, new Random(node.seed));
    node.values?.forEach((v, k) => {
      array.data[k % array.data.length] = (array.data instanceof BigInt64Array ? BigInt(v) : v) as never;
    });
    out.set(`p${i}`, array);
  });
  return out;
}

/** One set of inputs; `round` makes different ones. */
export function inputsOf(program: Program, round = 0): Map<string, NDArray> {
  const out = new Map<string, NDArray>();
  program.nodes.forEach((node, i) => {
    if (node.kind === 'input')
      out.set(`x${i}`, contents(node.shape, node.dtype, node.range, new Random(program.seed * 7919 + i * 31 + round)));
  });
  return out;
}

/** The program as Relay text. */
export function textOf(program: Program): string {
  return new TextWriter(program).text();
}

class TextWriter {
  private readonly program: Program;
  private readonly types: readonly Type[];
  /** Whether bindings are written with `let` now. */
  private lets: boolean;
  /** Definitions of functions, the innermost first. */
  private readonly functions: string[] = [];

  constructor(program: Program) {
    this.program = program;
    this.types = typesOf(program.nodes);
    this.lets = program.lets;
  }

  text(): string {
    const { nodes, outputs } = this.program;
    const params = nodes.flatMap((node, i) => (isParam(node) ? [i] : []));
    const [only] = outputs;
    const result = outputs.length === 1 && only !== undefined ? this.name(only) : `(${outputs.map((o) => this.name(o)).join(', ')})`; // prettier-ignore
    const lines = this.lines(nodes.map((_, i) => i));
    const main = `def @main(${params.map((p) => this.param(p)).join(', ')}) {\n${[...lines, `  ${result}`].join('\n')}\n}\n`;
    return ['#[version = "0.0.5"]', ...this.functions, main].join('\n');
  }

  private param(i: number): string {
    const type = this.types[i];
    return `${this.name(i)}: Tensor[${type?.kind === 'tensor' ? `${shapeText(staticShape(type) ?? [])}, ${type.dtype}` : ''}]`;
  }

  private name(i: number): string {
    const node = this.program.nodes[i] as Node;
    switch (node.kind) {
      case 'input':
        return `%x${i}`;
      case 'param':
        return `%p${i}`;
      case 'literal':
        return number(node.value, node.dtype === 'float32' ? 'f' : node.dtype === 'int64' ? 'i64' : '');
      default:
        return this.lets ? `%v${i}` : `%${i}`;
    }
  }

  /** Bindings of some nodes; `own` is written out although it stands in a function, because this is its body. */
  private lines(indices: readonly number[], own?: number): string[] {
    return indices.flatMap((i) => {
      const node = this.program.nodes[i] as Node;
      if (node.kind !== 'call' && node.kind !== 'get') return [];
      const value = node.kind === 'get' ? `${this.name(node.tuple)}.${node.index}` : node.within && i !== own ? this.outlined(i, node.within) : this.call(node); // prettier-ignore
      const type = this.types[i];
      const note = type?.kind === 'tensor' ? `  // ${shapeText(staticShape(type) ?? [])} ${type.dtype}` : '';
      return [`  ${this.lets ? 'let ' : ''}${this.name(i)} = ${value};${note}`];
    });
  }

  private call(node: Call): string {
    const args = node.args.map((a) =>
      typeof a === 'number' ? this.name(a) : `(${a.map((x) => `${this.name(x)}, `).join('')})`,
    );
    if (node.op === 'if') return `if (${args[0]}) { ${args[1]} } else { ${args[2]} }`;
    return `${node.op}(${[...args, ...attributes(node)].join(', ')})`;
  }

  /** A call of a function that computes a node from inputs and parameters alone. */
  private outlined(at: number, form: 'function' | 'closure'): string {
    const cone = coneOf(this.program.nodes, at);
    const params = cone.filter((i) => isParam(this.program.nodes[i] as Node));
    const head = `(${params.map((p) => this.param(p)).join(', ')})`;
    const args = `(${params.map((p) => this.name(p)).join(', ')})`;
    // Numbered bindings would be those of the function around.
    const { lets } = this;
    if (form === 'closure') this.lets = true;
    const body = [...this.lines(cone, at), `  ${this.name(at)}`];
    this.lets = lets;
    if (form === 'closure') return `(fn ${head} {\n${body.map((l) => `  ${l}`).join('\n')}\n  })${args}`;
    const name = `@part${at}`;
    this.functions.push(`def ${name}${head} {\n${body.join('\n')}\n}`);
    return `${name}${args}`;
  }
}

function isParam(node: Node): boolean {
  return node.kind === 'input' || node.kind === 'param';
}

/** A node and all that it needs, in order. */
function coneOf(nodes: readonly Node[], at: number): readonly number[] {
  const needed = new Set<number>();
  const visit = (i: number): void => {
    if (needed.has(i)) return;
    const node = nodes[i];
    if (node?.kind === 'call') node.args.flat().forEach(visit);
    if (node?.kind === 'get') visit(node.tuple);
    needed.add(i);
  };
  visit(at);
  return [...needed].sort((x, y) => x - y);
}

function shapeText(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
}

function number(value: number, suffix: string): string {
  return `${value}${suffix}`;
}

function attributes(node: Call): string[] {
  const operator = operatorRegistry.get(node.op);
  const schema = operator?.attributes ?? {};
  const marker =
    operator?.attrsTypeKey === true && Object.keys(node.attrs).length > 0
      ? { attrs_type_key: operator.attrsType ?? '' }
      : {};
  return Object.entries({ ...node.attrs, ...marker }).flatMap(([key, value]) => {
    const spec = schema[key] as { kind?: string } | undefined;
    return [`${key}=${attribute(value, spec?.kind?.startsWith('float') === true)}`];
  });
}

function attribute(value: AttributeValueData, float: boolean): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return number(value, float ? 'f' : '');
  if (Array.isArray(value)) return `[${value.map((v: AttributeValueData) => attribute(v, float)).join(', ')}]`;
  throw new Error('an attribute that no text can say');
}
