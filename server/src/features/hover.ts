/** Hover: the type of any expression, what a name means, an operator's summary and attributes, where a dimension came from. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { DimStep, Symbol } from '../../../compiler/src/check/result.ts';
import type { CallExpr, Expr, FunctionDefinition, Node } from '../../../compiler/src/syntax/tree.ts';
import type { Type } from '../../../compiler/src/types/type.ts';
import { occurrenceAt, pathAt, symbolText } from '../locate.ts';
import { rangeOf, textOf, touches, type CheckedSnapshot } from '../snapshot.ts';
import { preludeUri } from '../protocol.ts';
import { summariseConstant } from './constants.ts';
import { declarationOf, type Declared, type FileByUri } from './declared.ts';
import { commentAbove, signatureText } from './visible.ts';
import { rangeLine, type KnownRanges } from './valueRanges.ts';
import {
  attributeKind,
  attributesOf,
  attributeTable,
  code,
  fenced,
  operatorSignature,
  shortType,
  writeAttribute,
} from './describe.ts';

/** Characters of a type that anybody reads. */
const longest = 2000;

export interface Hover {
  readonly range: TextRange;
  readonly markdown: string;
}

/** What to show at an offset; undefined where there is nothing to say. */
export function hover(
  snapshot: CheckedSnapshot,
  offset: number,
  ranges?: KnownRanges,
  byUri: FileByUri = () => undefined,
): Hover | undefined {
  const path = pathAt(snapshot, offset);
  return (
    hoverAttribute(snapshot, path, offset) ??
    hoverName(snapshot, path, offset, ranges, byUri) ??
    hoverExpression(snapshot, path, ranges)
  );
}

/** An attribute's key: what it takes, its default, what it does. */
function hoverAttribute(snapshot: CheckedSnapshot, path: readonly Node[], offset: number): Hover | undefined {
  const at = path.findLastIndex((node) => node.kind === 'attribute');
  const attribute = path[at];
  const call = path[at - 1];
  if (attribute?.kind !== 'attribute' || call?.kind !== 'call') return undefined;
  const key = rangeOf(snapshot, attribute.key.span);
  // A value that is no expression of its own says nothing else.
  const { value } = attribute;
  const literal = value.kind !== 'expr' || /^(?:int|float|bool)$/.test(value.value.kind);
  const range = touches(key, offset) || !literal ? key : rangeOf(snapshot, value.span);
  if (!touches(range, offset)) return undefined;
  const operator = operatorOf(snapshot, call);
  const spec = operator && attributesOf(operator).find(([name]) => name === attribute.key.text)?.[1];
  if (!operator || !spec) return undefined;
  const fallback = spec.default === undefined ? 'required' : `default ${code(writeAttribute(spec.default))}`;
  const markdown = `${fenced(`${attribute.key.text}: ${attributeKind(spec)}`)}\n${spec.summary}\n\n${fallback}, of ${code(operator.name)}`;
  return { range, markdown };
}

function operatorOf(snapshot: CheckedSnapshot, call: CallExpr) {
  const symbol = call.callee.kind === 'name' ? snapshot.check.symbolOf(call.callee) : undefined;
  return symbol?.kind === 'operator' ? symbol.operator : undefined;
}

function hoverName(
  snapshot: CheckedSnapshot,
  path: readonly Node[],
  offset: number,
  ranges: KnownRanges | undefined,
  byUri: FileByUri,
): Hover | undefined {
  const found = occurrenceAt(snapshot, offset);
  if (!found) return undefined;
  const range = rangeOf(snapshot, found.span);
  const call = path.findLast((node): node is CallExpr => node.kind === 'call');
  if (found.symbol.kind === 'operator') {
    const own = call && call.callee.kind === 'name' && call.callee.span === found.span ? call : undefined;
    return {
      range,
      markdown: joined(describeOperator(snapshot, found.symbol, own), own ? rangeLine(ranges, own) : ''),
    };
  }
  const bound = found.symbol.kind === 'local' || found.symbol.kind === 'graph' ? found.symbol.definition : undefined;
  return {
    range,
    markdown: joined(describeSymbol(snapshot, found.symbol, path, byUri), bound ? rangeLine(ranges, bound) : ''),
  };
}

function describeOperator(
  snapshot: CheckedSnapshot,
  symbol: Extract<Symbol, { kind: 'operator' }>,
  call: CallExpr | undefined,
): string {
  const { operator } = symbol;
  const type = call && snapshot.check.typeOf(call);
  const parts = [fenced(type ? `${operator.name}(…): ${shortType(type, longest)}` : operatorSignature(operator))];
  parts.push(operator.summary);
  if (operator.inputs.length > 0) {
    parts.push(operator.inputs.map((input, i) => describeInput(snapshot, input, call?.args[i])).join('\n'));
  }
  const table = attributeTable(operator, call && snapshot.check.attrsOf(call));
  if (table) parts.push(table);
  const origins = call && type ? describeDims(snapshot, call, type) : '';
  if (origins) parts.push(origins);
  if (operator.details) parts.push(operator.details);
  return parts.join('\n\n');
}

function describeInput(
  snapshot: CheckedSnapshot,
  input: { readonly name: string; readonly summary: string },
  argument: Expr | undefined,
): string {
  const type = argument && snapshot.check.typeOf(argument);
  return `- ${code(input.name)}${type ? ` ${code(shortType(type, longest))}` : ''} ${input.summary}`;
}

function describeSymbol(snapshot: CheckedSnapshot, symbol: Symbol, path: readonly Node[], byUri: FileByUri): string {
  const name = symbolText(symbol);
  switch (symbol.kind) {
    case 'local': {
      const type = snapshot.check.typeOf(symbol.definition);
      const what = {
        param: 'parameter',
        let: 'bound by let',
        free_var: 'free variable',
        varpattern: 'bound by a pattern',
      };
      return joined(fenced(`${name}: ${printed(type)}`), what[symbol.definition.kind]);
    }
    case 'graph': {
      const { definition } = symbol;
      const type = snapshot.check.typeOf(definition);
      const origins = type ? describeDims(snapshot, definition, type) : '';
      return joined(fenced(`${name}: ${printed(type)}`), fenced(shorten(textOf(snapshot, definition.span))), origins);
    }
    case 'global': {
      const own = symbol.definition && snapshot.check.globals.get(symbol.name);
      const declared = declarationOf(snapshot, symbol, byUri);
      const definition = declared?.file.tree.definitions.findLast(
        (d): d is FunctionDefinition => d.kind === 'def' && d.name.text === symbol.name,
      );
      const written = declared && definition ? signatureText(declared.file, definition) : '';
      const shown = own || written === '' ? `def ${name}: ${printed(own)}` : `def ${name}${written}`;
      return joined(
        fenced(shown),
        declared ? commentAbove(declared.file, declared.full.start) : '',
        origin(snapshot, declared),
      );
    }
    case 'constructor': {
      const use = path.at(-1);
      const type = use?.kind === 'name' ? snapshot.check.typeOf(use) : undefined;
      const shown = type
        ? `${name}: ${shortType(type, longest)}`
        : symbol.definition
          ? textOf(snapshot, symbol.definition.span)
          : name;
      const declared = declarationOf(snapshot, symbol, byUri);
      return joined(fenced(shown), `constructor of ${code(symbol.adt)}`, origin(snapshot, declared));
    }
    case 'adt': {
      const declared = declarationOf(snapshot, symbol, byUri);
      const text = declared && declared.file.text.slice(declared.full.start, declared.full.end);
      const comment = declared ? commentAbove(declared.file, declared.full.start) : '';
      return joined(fenced(shorten(text ?? `type ${name}`)), comment, origin(snapshot, declared));
    }
    case 'typeParam':
      return joined(fenced(name), 'type parameter');
    case 'dimVar':
      return joined(fenced(name), 'named dimension');
    case 'operator':
      return describeOperator(snapshot, symbol, undefined);
  }
}

/** Where a name comes from that another file declares. */
function origin(snapshot: CheckedSnapshot, declared: Declared | undefined): string {
  if (!declared) return 'declared in another file';
  if (declared.file.uri === snapshot.uri) return '';
  if (declared.file.uri === preludeUri) return 'from the prelude';
  return `from ${code(decodeURIComponent(declared.file.uri.slice(declared.file.uri.lastIndexOf('/') + 1)))}`;
}

/** The innermost expression with a type: literals, calls, projections, tuples, blocks. */
function hoverExpression(
  snapshot: CheckedSnapshot,
  path: readonly Node[],
  ranges: KnownRanges | undefined,
): Hover | undefined {
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i];
    if (!node || !isTyped(node)) continue;
    const type = snapshot.check.typeOf(node);
    if (!type || type.kind === 'error') continue;
    const range = rangeOf(snapshot, node.span);
    if (node.kind === 'meta') {
      const name = `meta[${node.key}][${node.index}]`;
      return {
        range,
        markdown: joined(fenced(`${name}: ${shortType(type, longest)}`), summariseConstant(snapshot, node)),
      };
    }
    return { range, markdown: joined(fenced(shortType(type, longest)), rangeLine(ranges, node)) };
  }
  return undefined;
}

type Typed = Extract<Node, Expr>;

const untyped: ReadonlySet<Node['kind']> = new Set<Node['kind']>([
  ...(['def', 'type', 'import', 'constructor', 'param', 'let', 'graph', 'sequence', 'free_var', 'arm'] as const),
  ...(['wildcard', 'varpattern', 'ctorpattern', 'tuplepattern'] as const),
  ...(['tensortype', 'tupletype', 'fntype', 'namedtype', 'holetype', 'reftype'] as const),
  ...(['intdim', 'anydim', 'nameddim', 'exprdim', 'attribute', 'missing', 'block'] as const),
]);

function isTyped(node: Node): node is Typed {
  return !untyped.has(node.kind);
}

/** One line a dimension that was computed: `56 = floor((112 + 2·1 − 3)/2) + 1`. */
function describeDims(
  snapshot: CheckedSnapshot,
  node: Parameters<CheckedSnapshot['check']['explainDim']>[0],
  type: Type,
): string {
  if (type.kind !== 'tensor') return '';
  const lines: string[] = [];
  for (let dim = 0; dim < type.shape.length; dim++) {
    const step = snapshot.check.explainDim(node, dim);
    if (!step || step.formula === '') continue;
    // A size that the operator fixes (`1 = 1`) needs no explanation.
    if (step.formula === String(step.value) && step.sources.length === 0) continue;
    lines.push(`- ${code(`${step.value} = ${step.formula}`)}${describeSources(snapshot, step)}`);
  }
  return lines.length === 0 ? '' : `Dimensions:\n${lines.join('\n')}`;
}

function describeSources(snapshot: CheckedSnapshot, step: DimStep): string {
  const sources = step.sources.map((source) => {
    if (!source.span) return source.label;
    const at = snapshot.lines.position(rangeOf(snapshot, source.span).start);
    return `[${source.label}](${snapshot.uri}#L${at.line + 1},${at.character + 1})`;
  });
  return sources.length === 0 ? '' : ` from ${sources.join(', ')}`;
}

function printed(type: Type | undefined): string {
  return type && type.kind !== 'error' ? shortType(type, longest) : '_';
}

function joined(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

/** At most a few lines of source. */
function shorten(text: string): string {
  const lines = text.split(/\r?\n/);
  const shown = lines.slice(0, 8).map((line) => (line.length > 200 ? `${line.slice(0, 200)}…` : line));
  return lines.length > 8 ? `${shown.join('\n')}\n…` : shown.join('\n');
}
