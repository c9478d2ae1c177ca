/**
 * Modules as Relay text in graph normal form, as TVM 0.12 prints them (relay-language reference, section 3), except that
 * floats keep all their digits and names that could not be read back are made readable. Lines remember the source
 * spans of what they show.
 */
import type { AttributeSpec, AttributeValueData } from '../operators/attributes.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { printType } from '../types/print.ts';
import { containsIncomplete, mapType, someType } from '../types/substitute.ts';
import { constantDim } from '../types/type.ts';
import type { Dim, Type } from '../types/type.ts';
import type { AdtDefinition, Call, Expr, Func, IRModule, IRPattern, Let, Var } from './expr.ts';
import { canonicalJson } from '../operators/attribute-text.ts';
import type { IndexMap } from '../operators/index-map.ts';
import { metadataJson } from './metadata.ts';
import { scalarLiteral } from './numbers.ts';
import { append, commas, indented, join, piece, plain } from './printed-text.ts';
import type { Piece, PrintedLine, PrintedText } from './printed-text.ts';
import { attributeText, readable } from './spelling.ts';
import { childrenOf, useCounts } from './visit.ts';

export type { PrintedLine, PrintedText } from './printed-text.ts';

export interface PrintOptions {
  /** Schemas for call attributes: their order, defaults and kinds. */
  readonly operators: Pick<OperatorRegistry, 'get'>;
  /** Append the metadata section, so that the text can be read back. Default true. */
  readonly metadata?: boolean;
  /** Add the type behind every binding: TVM's `ty=` comments. Default false. */
  readonly types?: boolean;
  /**
   * Print only what TVM's own parser reads: dimensions that are no numbers as `?`, and no types where it has no syntax
   * for them (references, polymorphic functions). Default false.
   */
  readonly strict?: boolean;
}

/** Prints a module: types and functions sorted by name. */
export function printModule(module: IRModule, options: PrintOptions): PrintedText {
  const printer = new Printer(options);
  const lines: PrintedLine[] = [plain('#[version = "0.0.5"]')];
  for (const name of [...module.types.keys()].sort()) {
    const definition = module.types.get(name);
    if (definition !== undefined) lines.push(...printAdt(definition), plain(''));
  }
  const names = [...module.functions.keys()].sort();
  names.forEach((name, i) => {
    const f = module.functions.get(name);
    if (f !== undefined) append(lines, printer.definition(name, f));
    if (i < names.length - 1) lines.push(plain(''));
  });
  const constants = printer.constants();
  const maps = printer.indexMaps();
  if (options.metadata !== false && constants.length + maps.length > 0) {
    lines.push(plain(''), plain('#[metadata]'));
    for (const line of metadataJson(constants, maps).split('\n')) lines.push(plain(line));
  }
  return { text: lines.map((l) => `${l.text}\n`).join(''), lines };
}

function printAdt(definition: AdtDefinition): PrintedLine[] {
  const params = definition.typeParams.length > 0 ? `[${definition.typeParams.map((v) => v.name).join(', ')}]` : '';
  const constructors = definition.constructors.map((c) =>
    plain(`  ${c.name}${c.fields.length > 0 ? `(${c.fields.map(printType).join(', ')})` : ''},`),
  );
  return [plain(`type ${definition.name}${params} {`), ...constructors, plain('}')];
}

class Printer {
  private readonly options: PrintOptions;
  private readonly names = new Map<Var, string>();
  private readonly taken = new Set<string>();
  private readonly text = new Map<Expr, Piece>();
  private readonly constantIndex = new Map<NDArray, number>();
  private readonly maps: IndexMap[] = [];
  private counter = 0;
  private uses: ReadonlyMap<Expr, number> = new Map();
  /** Lines of the open scopes, innermost last. */
  private readonly scopes: PrintedLine[][] = [];

  constructor(options: PrintOptions) {
    this.options = options;
  }

  constants(): readonly NDArray[] {
    return [...this.constantIndex.keys()];
  }

  indexMaps(): readonly IndexMap[] {
    return this.maps;
  }

  definition(name: string, f: Func): Piece {
    this.uses = useCounts(f.body);
    return this.functionText(`def @${name}`, f);
  }

  private functionText(head: string, f: Func): Piece {
    const generics = f.typeParams.length > 0 ? `[${f.typeParams.map((v) => v.name).join(', ')}]` : '';
    const params = f.params.map((p) => this.binder(p));
    const attrs = Object.keys(f.attrs)
      .sort()
      .map((key) => `${key}=${attributeText(f.attrs[key] ?? null)}`);
    const open = `${head}${generics}(${[...params, ...attrs].join(', ')})${this.annotation(' -> ', f.type.ret)} {`;
    const lines: PrintedLine[] = [{ text: open, origin: f.origin }];
    append(lines, indented(this.scope(f.body)));
    lines.push(plain('}'));
    return lines;
  }

  private binder(v: Var): string {
    const base = readable(v.name);
    let name = base;
    for (let i = 1; this.taken.has(name); i++) name = `${base}${i}`;
    this.taken.add(name);
    this.names.set(v, `%${name}`);
    return `%${name}${this.annotation(': ', v.type)}`;
  }

  private annotation(prefix: string, type: Type): string {
    if (this.options.strict !== true) return annotation(prefix, type);
    if (someType(type, (t) => t.kind === 'ref' || (t.kind === 'func' && t.typeParams.length > 0))) return '';
    return annotation(prefix, numericDims(type));
  }

  /** The lines of a scope: hoisted bindings, `let`s, and the result. */
  private scope(e: Expr): Piece {
    const lines: PrintedLine[] = [];
    this.scopes.push(lines);
    let at = e;
    // A shared `let` cannot be flattened into one of its users' scopes.
    while (at.kind === 'let' && (this.uses.get(at) ?? 1) <= 1) {
      this.letLine(at);
      at = at.body;
    }
    append(lines, this.inlined(at));
    this.scopes.pop();
    return lines;
  }

  private letLine(e: Let): void {
    // The name comes first: a recursive function uses it in its own value.
    const binder = this.binder(e.variable);
    const value = this.inlined(e.value);
    const wrapped =
      (e.value.kind === 'match' || e.value.kind === 'let') && (this.uses.get(e.value) ?? 1) <= 1
        ? join(piece('('), value, piece(')'))
        : value;
    const head = piece(`let ${binder} = `, e.origin);
    this.emit(join(head, wrapped, piece(';')));
  }

  private emit(lines: Piece): void {
    const open = this.scopes[this.scopes.length - 1];
    if (open !== undefined) append(open, lines);
  }

  /** Text at a position where a node with one use may stand unhoisted. */
  private inlined(e: Expr): Piece {
    this.visit(e);
    return (this.uses.get(e) ?? 1) <= 1 && !this.hoisted.has(e) ? (this.text.get(e) ?? []) : this.operand(e);
  }

  private readonly hoisted = new Set<Expr>();

  /** Text at any other position: atoms stand as they are, the rest gets a line and a number at first use. */
  private operand(e: Expr): Piece {
    const text = this.text.get(e) ?? [];
    if (isAtom(e) || this.hoisted.has(e)) return text;
    const name = `%${this.counter++}`;
    this.hoisted.add(e);
    this.text.set(e, piece(name));
    const body = e.kind === 'match' || e.kind === 'let' ? join(piece('('), text, piece(')')) : text;
    const comment = this.options.types === true ? ` /* ty=${printType(e.type)} */` : '';
    this.emit(join(piece(`${name} = `, e.origin), body, piece(`;${comment}`)));
    return piece(name);
  }

  /** Formats `e` and all it depends on within the current scope, bottom-up, without recursion over chains. */
  private visit(root: Expr): void {
    const stack: Expr[] = [root];
    const opened = new Set<Expr>();
    while (stack.length > 0) {
      const e = stack[stack.length - 1];
      if (e === undefined) break;
      if (this.text.has(e)) {
        stack.pop();
      } else if (opened.has(e)) {
        stack.pop();
        this.text.set(e, this.format(e));
      } else {
        opened.add(e);
        const inner = sameScopeChildren(e);
        for (let i = inner.length - 1; i >= 0; i--) {
          const child = inner[i];
          if (child !== undefined && !this.text.has(child)) stack.push(child);
        }
      }
    }
  }

  private format(e: Expr): Piece {
    switch (e.kind) {
      case 'var': {
        const known = this.names.get(e);
        if (known !== undefined) return piece(known);
        this.emit(piece(`free_var ${this.binder(e)};`));
        return piece(this.names.get(e) ?? '%_');
      }
      case 'global':
        return piece(`@${e.name}`);
      case 'op':
      case 'constructor':
        return piece(e.name);
      case 'constant':
        return piece(this.constantText(e.value));
      case 'call':
        return this.callText(e);
      case 'tuple': {
        const fields = e.fields.map((f) => this.operand(f));
        return join(piece('(', e.origin), commas(fields), piece(fields.length === 1 ? ',)' : ')'));
      }
      case 'get':
        return join(this.operandOfProjection(e.tuple), piece(`.${e.index}`, e.origin));
      case 'func':
        return this.functionText('fn ', e);
      case 'let':
        return [plain(''), ...indented(this.scope({ ...e })), plain('')];
      case 'if': {
        const condition = this.operand(e.condition);
        const then = indented(this.scope(e.then));
        const otherwise = indented(this.scope(e.otherwise));
        const head = join(piece('if (', e.origin), condition, piece(') {'));
        return [...head, ...then, plain('} else {'), ...otherwise, plain('}')];
      }
      case 'match': {
        const head = join(
          piece(e.complete ? 'match (' : 'match? (', e.origin),
          this.operand(e.scrutinee),
          piece(') {'),
        );
        const clauses = e.clauses.flatMap((c) => {
          const pattern = this.pattern(c.pattern);
          return [plain(`  ${pattern} => {`), ...indented(indented(this.scope(c.body))), plain('  },')];
        });
        return [...head, ...clauses, plain('}')];
      }
      case 'ref':
        return join(piece('ref(', e.origin), this.operand(e.value), piece(')'));
      case 'ref_read':
        return join(piece('ref_read(', e.origin), this.operand(e.ref), piece(')'));
      case 'ref_write': {
        const ref = this.operand(e.ref);
        return join(piece('ref_write(', e.origin), ref, piece(', '), this.operand(e.value), piece(')'));
      }
    }
  }

  private operandOfProjection(e: Expr): Piece {
    const text = this.operand(e);
    return e.kind === 'constant' ? join(piece('('), text, piece(')')) : text;
  }

  private callText(e: Call): Piece {
    const args = e.args.map((a) => this.operand(a));
    const callee = this.operand(e.callee);
    if (e.callee.kind === 'constructor' && args.length === 0) return callee;
    const attrs = this.attributes(e).map((text) => piece(text));
    return join(piece('', e.origin), callee, piece('('), commas([...args, ...attrs]), piece(')'));
  }

  private attributes(e: Call): readonly string[] {
    if (e.callee.kind !== 'op') return [];
    const operator = this.options.operators.get(e.callee.name);
    const schema = operator?.attributes as Readonly<Record<string, AttributeSpec>> | undefined;
    const parts: string[] = [];
    for (const key of Object.keys(schema ?? e.attrs)) {
      const value = e.attrs[key];
      const spec = schema?.[key];
      if (value === undefined) continue;
      if (spec?.default !== undefined && canonicalJson(spec.default) === canonicalJson(value)) continue;
      parts.push(`${key}=${this.reference(value) ?? attributeText(value, spec?.kind)}`);
    }
    if (operator?.attrsTypeKey) parts.push(`attrs_type_key="${operator.attrsType ?? ''}"`);
    return parts;
  }

  /** A reference to what the metadata section will hold; undefined for a value that is written out. */
  private reference(value: AttributeValueData): string | undefined {
    if (value === null || typeof value !== 'object' || !('opaque' in value)) return undefined;
    if (value.value !== undefined) return this.storedConstant(value.value);
    if (value.indexMap === undefined) return undefined;
    let index = this.maps.indexOf(value.indexMap);
    if (index < 0) index = this.maps.push(value.indexMap) - 1;
    return `meta[tir.IndexMap][${index}]`;
  }

  private constantText(value: NDArray): string {
    const element = value.shape.length === 0 ? value.data[0] : undefined;
    const literal = element === undefined ? undefined : scalarLiteral(element, value.dtype);
    return literal ?? this.storedConstant(value);
  }

  private storedConstant(value: NDArray): string {
    let index = this.constantIndex.get(value);
    if (index === undefined) {
      index = this.constantIndex.size;
      this.constantIndex.set(value, index);
    }
    return `meta[relay.Constant][${index}]`;
  }

  private pattern(p: IRPattern): string {
    switch (p.kind) {
      case 'wildcard':
        return '_';
      case 'var':
        return this.binder(p.variable);
      case 'constructor':
        return p.fields.length === 0
          ? p.constructor_
          : `${p.constructor_}(${p.fields.map((f) => this.pattern(f)).join(', ')})`;
      case 'tuple':
        return `(${p.fields.map((f) => this.pattern(f)).join(', ')})`;
    }
  }
}

/** Rank-0 types of these cannot be written: the language has no names for them. */
const scalarsWithoutName = /\b(void|bfloat\d*|handle\d*)\b/;

/** A type behind `prefix`; nothing where a part of it cannot be written, as what was never determined. */
function annotation(prefix: string, type: Type): string {
  const text = printType(type);
  const unwritable = containsIncomplete(type) || scalarsWithoutName.test(text.replace(/Tensor\[\([^)]*\), \w+\]/g, ''));
  return unwritable ? '' : `${prefix}${text}`;
}

/** The type with `?` for every dimension that is no number. */
function numericDims(type: Type): Type {
  const plainDim = (dim: Dim): Dim => (constantDim(dim) === undefined ? { kind: 'any' } : dim);
  return mapType(type, () => undefined, plainDim);
}

function isAtom(e: Expr): boolean {
  switch (e.kind) {
    case 'var':
    case 'global':
    case 'constant':
    case 'op':
    case 'constructor':
      return true;
    default:
      return false;
  }
}

/** Children that are formatted in the scope of `e` itself; bodies of functions and branches open their own. */
function sameScopeChildren(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'func':
    case 'let':
      return [];
    case 'if':
      return [e.condition];
    case 'match':
      return [e.scrutinee];
    case 'call':
      return [e.callee, ...e.args];
    default:
      return childrenOf(e);
  }
}
