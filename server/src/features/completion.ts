/** Completion: what may stand at the cursor, by the place it is in. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { AttributeSpec } from '../../../compiler/src/operators/attributes.ts';
import type { Operator } from '../../../compiler/src/operators/operator.ts';
import { operatorRegistry } from '../../../compiler/src/operators/registry.ts';
import type { CallExpr, Node } from '../../../compiler/src/syntax/tree.ts';
import { commonDTypes } from '../../../compiler/src/tensor/dtype.ts';
import { errorType, type Type } from '../../../compiler/src/types/type.ts';
import { pathAt } from '../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';
import {
  attributeKind,
  attributesOf,
  attributeTable,
  code,
  operatorSignature,
  shortType,
  writeAttribute,
} from './describe.ts';
import { accepts, argumentTest } from './completionRanking.ts';
import type { FileByUri } from './declared.ts';
import { visibleLocals } from './scope.ts';
import { argumentIndex } from './signatureHelp.ts';
import { commentAbove, signatureText, visibleFrom, type Nearness, type Visible } from './visible.ts';

export type CompletionKind =
  | 'local'
  | 'graph'
  | 'global'
  | 'operator'
  | 'attribute'
  | 'value'
  | 'constructor'
  | 'type'
  | 'typeParam'
  | 'keyword'
  | 'snippet';

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  readonly detail: string;
  /** Markdown; absent where there is none, or where `data` leads to it. */
  readonly documentation?: string;
  /** What `documentationOf` takes. */
  readonly data?: string;
  /** What is inserted over `range`; a snippet when `snippet` is set. */
  readonly insert: string;
  readonly snippet?: boolean;
  readonly range: TextRange;
  /** Smaller comes first. */
  readonly rank: number;
}

/** Longer types are cut. */
const longestDetail = 120;

/** Everything that fits at `offset`; the editor filters by what is typed. */
export function completion(
  snapshot: CheckedSnapshot,
  offset: number,
  byUri: FileByUri = () => undefined,
): readonly Completion[] {
  const lineStart = snapshot.text.lastIndexOf('\n', offset - 1) + 1;
  const line = snapshot.text.slice(Math.max(lineStart, offset - 2000), offset);
  if (inComment(line) || inMetadata(snapshot, offset)) return [];
  const typed = /[%@]?[A-Za-z_0-9][\w/.]*$|[%@]$/.exec(line)?.[0] ?? '';
  const range = { start: offset - typed.length, end: offset };
  const visible = visibleFrom(snapshot, byUri);
  if (typed.startsWith('@')) return globals(snapshot, visible, range);
  const path = pathAt(snapshot, offset);
  const call = callAround(snapshot, path, offset);
  const operator = call && operatorOf(snapshot, call);
  const index = call ? argumentIndex(snapshot, call, range.start) : 0;
  const fits = call && operator ? argumentTest(snapshot, call, operator, index) : undefined;
  if (typed.startsWith('%')) return locals(snapshot, path, offset, range, fits);
  const before = line.slice(0, line.length - typed.length);
  const key = /([A-Za-z_][\w.]*)\s*=\s*(?:"[^"]*)?$/.exec(before)?.[1];
  if (operator && key !== undefined && !/==\s*$/.test(before)) {
    const spec = attributesOf(operator).find(([name]) => name === key)?.[1];
    if (spec) return values(spec, range, /"[^"]*$/.test(before));
  }
  if (inString(before)) return [];
  if (isTypePlace(before, path)) return types(visible, path, range);
  const expressions = [
    ...locals(snapshot, path, offset, range, fits),
    ...globals(snapshot, visible, range),
    ...constructors(visible, range),
    ...rankedOperators(snapshot, path, range),
    ...keywords(range),
  ];
  if (call && operator && /[(,]\s*$/.test(before)) return [...attributes(operator, call, range), ...expressions];
  return expressions;
}

function inComment(line: string): boolean {
  return /^[^"]*\/\//.test(line);
}

function inString(before: string): boolean {
  return (before.split('"').length - 1) % 2 === 1;
}

function inMetadata(snapshot: CheckedSnapshot, offset: number): boolean {
  const { metadata } = snapshot.tree;
  return metadata !== undefined && offset > rangeOf(snapshot, metadata.span).start;
}

/** The innermost call whose parentheses hold the offset. */
function callAround(snapshot: CheckedSnapshot, path: readonly Node[], offset: number): CallExpr | undefined {
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i];
    if (node?.kind === 'fn' || (node?.kind === 'block' && node.braces)) return undefined;
    if (node?.kind === 'call' && rangeOf(snapshot, node.argsSpan).start < offset) return node;
  }
  return undefined;
}

function operatorOf(snapshot: CheckedSnapshot, call: CallExpr): Operator | undefined {
  if (call.callee.kind !== 'name') return undefined;
  const symbol = snapshot.check.symbolOf(call.callee);
  if (symbol) return symbol.kind === 'operator' ? symbol.operator : undefined;
  return operatorRegistry.get(call.callee.name);
}

const typeKinds: ReadonlySet<Node['kind']> = new Set<Node['kind']>([
  ...(['tensortype', 'tupletype', 'fntype', 'namedtype', 'holetype', 'reftype'] as const),
]);

/** After a colon or an arrow, or inside a type. */
function isTypePlace(before: string, path: readonly Node[]): boolean {
  if (/(?:[%@]?[\w/\])]\s*:|->)\s*$/.test(before)) return true;
  return path.some((node) => typeKinds.has(node.kind));
}

/** Locals that fit the argument come first, each kind nearest first. */
function locals(
  snapshot: CheckedSnapshot,
  path: readonly Node[],
  offset: number,
  range: TextRange,
  fits: ((type: Type) => boolean) | undefined,
): readonly Completion[] {
  return visibleLocals(snapshot, path, offset).map((local, nearness) => {
    const type = snapshot.check.typeOf(local.node);
    const unfit = fits !== undefined && type !== undefined && !fits(type);
    return {
      label: local.text,
      kind: local.node.kind === 'graph' ? 'graph' : 'local',
      detail: type && type.kind !== 'error' ? shortType(type, longestDetail) : '',
      insert: local.text,
      range,
      rank: (unfit ? 20 : 10) + Math.min(nearness, 9),
    };
  });
}

const beyond: Readonly<Record<Nearness, number>> = { here: 0, imported: 1, prelude: 15 };

function globals(snapshot: CheckedSnapshot, visible: Visible, range: TextRange): readonly Completion[] {
  return visible.functions.map(({ name, definition, file, from }): Completion => {
    const type = from === 'here' ? snapshot.check.globals.get(name) : undefined;
    const detail = type ? shortType(type, longestDetail) : `fn ${signatureText(file, definition)}`;
    const comment = commentAbove(file, rangeOf(file, definition.span).start);
    return {
      label: `@${name}`,
      kind: 'global',
      detail,
      ...(comment === '' ? {} : { documentation: comment }),
      insert: `@${name}`,
      range,
      rank: 30 + beyond[from],
    };
  });
}

function constructors(visible: Visible, range: TextRange): readonly Completion[] {
  return visible.constructors.map(({ name, definition, type, from }): Completion => {
    const taken = definition.fields.length > 0;
    const detail = `constructor of ${type.name.text}`;
    const insert = taken ? `${name}($0)` : name;
    return { label: name, kind: 'constructor', detail, insert, snippet: taken, range, rank: 35 + beyond[from] };
  });
}

let operatorItems: readonly Omit<Completion, 'range'>[] | undefined;

/** Operators say the same in every document; only the range differs. */
function operators(range: TextRange): readonly Completion[] {
  operatorItems ??= operatorRegistry.all().map((operator) => ({
    label: operator.name,
    kind: 'operator',
    detail: operatorSignature(operator),
    data: operator.name,
    insert: `${operator.name}($0)`,
    snippet: true,
    rank: 40,
  }));
  return operatorItems.map((item) => ({ ...item, range }));
}

/** The documentation of a completion, by its `data`. */
export function documentationOf(data: unknown): string | undefined {
  const operator = typeof data === 'string' ? operatorRegistry.get(data) : undefined;
  if (!operator) return undefined;
  const inputs = operator.inputs.map(({ name, summary }) => `- ${code(name)} ${summary}`).join('\n');
  return [operator.summary, inputs, attributeTable(operator, undefined)].filter((part) => part !== '').join('\n\n');
}

/**
 * Operators in front of the parentheses of a call that is there: those whose relation takes the arguments come first,
 * those that cannot take them last.
 */
function rankedOperators(snapshot: CheckedSnapshot, path: readonly Node[], range: TextRange): readonly Completion[] {
  const items = operators(range);
  const call = path.findLast((node): node is CallExpr => node.kind === 'call');
  if (!call || rangeOf(snapshot, call.argsSpan).start < range.end || call.args.length === 0) return items;
  const types = call.args.map((arg) => snapshot.check.typeOf(arg) ?? errorType);
  const attrs = Object.fromEntries(call.attrs.map(({ key }) => [key.text, undefined]));
  // The parentheses are there already.
  const start = rangeOf(snapshot, call.argsSpan).start;
  const written = start === range.end;
  return items.map((item) => {
    const operator = operatorRegistry.get(item.label);
    const verdict = operator ? accepts(operator, types, attrs) : undefined;
    const rank = verdict === undefined ? item.rank : verdict ? 25 : 55;
    return { ...item, rank, ...(written ? { insert: item.label, snippet: false } : {}) };
  });
}

/** Attributes that the call does not have yet; required ones first. */
function attributes(operator: Operator, call: CallExpr, range: TextRange): readonly Completion[] {
  const written = new Set(call.attrs.map((attribute) => attribute.key.text));
  return attributesOf(operator)
    .filter(([name]) => !written.has(name))
    .map(([name, spec]): Completion => {
      const fallback = spec.default === undefined ? 'required' : `default ${writeAttribute(spec.default)}`;
      return {
        label: `${name}=`,
        kind: 'attribute',
        detail: `${attributeKind(spec)}, ${fallback}`,
        documentation: `${spec.summary}\n\nAttribute of ${code(operator.name)}`,
        insert: `${name}=${valuePlaceholder(spec)}`,
        snippet: true,
        range,
        rank: spec.default === undefined ? 1 : 5,
      };
    });
}

function valuePlaceholder(spec: AttributeSpec): string {
  if (spec.values && spec.values.length > 0) return `"\${1|${spec.values.join(',')}|}"`;
  if (spec.kind === 'bool') return '${1|True,False|}';
  const quoted = spec.kind === 'string' || spec.kind === 'dtype';
  const fallback = spec.default === undefined || spec.default === null ? '' : writeAttribute(spec.default);
  if (quoted) return `"\${1:${fallback.replaceAll('"', '')}}"`;
  if (spec.kind.endsWith('[]') && spec.kind !== 'int|int[]') return `[\${1:${fallback.replace(/^\[|\]$/g, '')}}]`;
  return `\${1:${fallback}}`;
}

function values(spec: AttributeSpec, range: TextRange, quoted: boolean): readonly Completion[] {
  const strings = spec.values ?? (spec.kind === 'dtype' ? commonDTypes : []);
  const words = quoted ? [] : spec.kind === 'bool' ? ['True', 'False'] : [];
  const none = spec.nullable === true && !quoted ? ['None'] : [];
  const shown = [...words, ...strings.map((s) => (quoted ? s : `"${s}"`)), ...none];
  return shown.map((text, i) => ({ label: text, kind: 'value', detail: spec.summary, insert: text, range, rank: i }));
}

function types(visible: Visible, path: readonly Node[], range: TextRange): readonly Completion[] {
  const item = (label: string, kind: CompletionKind, detail: string, rank: number, insert = label): Completion => {
    return { label, kind, detail, insert, snippet: insert !== label, range, rank };
  };
  const params = path.flatMap((node) =>
    node.kind === 'def' ? node.fn.typeParams : node.kind === 'type' || node.kind === 'fn' ? node.typeParams : [],
  );
  return [
    item('Tensor', 'type', 'Tensor[(shape), dtype]', 0, 'Tensor[(${1:1}), ${2:float32}]'),
    ...commonDTypes.map((dtype) => item(dtype, 'type', 'scalar', 2)),
    ...[...new Set(params.map((name) => name.text))].map((name) => item(name, 'typeParam', 'type parameter', 1)),
    ...visible.types.map(({ name, definition, from }) => {
      const generic = definition.typeParams.length > 0;
      return item(name, 'type', 'data type', from === 'prelude' ? 4 : 1, generic ? `${name}[$0]` : name);
    }),
    item('fn', 'keyword', 'function type', 3, 'fn ($1) -> $0'),
  ];
}

const snippets: readonly (readonly [string, string, string])[] = [
  ['def', 'function definition', 'def @${1:main}(%${2:x}: Tensor[(${3:1}), float32]) {\n  $0\n}'],
  ['let', 'local binding', 'let %${1:x} = $2;\n$0'],
  ['fn', 'function literal', 'fn (%${1:x}) {\n  $0\n}'],
  ['if', 'conditional', 'if ($1) {\n  $2\n} else {\n  $0\n}'],
  ['match', 'pattern match', 'match (${1:%x}) {\n  $0\n}'],
  ['type', 'data type', 'type ${1:Name} {\n  $0\n}'],
];

function keywords(range: TextRange): readonly Completion[] {
  const plain = ['ref', 'ref_read', 'ref_write', 'free_var', 'True', 'False'];
  return [
    ...snippets.map(([label, detail, insert]): Completion => {
      return { label, kind: 'snippet', detail, insert, snippet: true, range, rank: 60 };
    }),
    ...plain.map((label): Completion => ({ label, kind: 'keyword', detail: '', insert: label, range, rank: 61 })),
  ];
}
