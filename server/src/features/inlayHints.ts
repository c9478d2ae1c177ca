/** What the text does not say: types behind the names of bindings, results of functions, names of parameters, ranges. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Steps } from '../../../compiler/src/base/steps.ts';
import type { CallExpr, FunctionNode, Node, Param } from '../../../compiler/src/syntax/tree.ts';
import { printShape, printType } from '../../../compiler/src/types/print.ts';
import type { Type } from '../../../compiler/src/types/type.ts';
import { walkInSteps } from '../slices.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';
import { shortType } from './describe.ts';
import { rangeText, type KnownRanges } from './valueRanges.ts';

/** Which hints are shown. */
export interface HintKinds {
  /** Types of `let` bindings, parameters, graph bindings and results. */
  readonly types: boolean;
  /** Of tensors only the shape: `(1, 64, 56, 56)`. */
  readonly shapesOnly: boolean;
  /** Names of inputs at calls of operators and functions. */
  readonly parameterNames: boolean;
  /** What every element of a quantised tensor is at least and at most. */
  readonly valueRanges: boolean;
}

/** A piece of a label; `target` is what it leads to, in this file. */
export interface HintPart {
  readonly text: string;
  readonly target?: TextRange;
}

export interface Hint {
  readonly kind: 'type' | 'parameter' | 'range';
  readonly offset: number;
  readonly parts: readonly HintPart[];
  /** Inserting this text at `offset` writes the type into the program; absent where the language has no place for it. */
  readonly insert?: string;
  /** The whole of what the label cuts. */
  readonly tooltip?: string;
}

/** Longer types are cut; the tooltip shows more. */
const longest = 60;
const longestTooltip = 1000;

const allTypes: HintKinds = { types: true, shapesOnly: false, parameterNames: false, valueRanges: false };

/** Hints inside `range`, in the order of the text. */
export function* inlayHints(
  snapshot: CheckedSnapshot,
  range: TextRange,
  kinds: HintKinds = allTypes,
  ranges?: KnownRanges,
): Steps<readonly Hint[]> {
  const hints: Hint[] = [];
  yield* walkInSteps(snapshot.tree, (node) => {
    const at = rangeOf(snapshot, node.span);
    if (at.end < range.start || at.start > range.end) return false;
    for (const hint of hintsFor(snapshot, node, kinds, ranges))
      if (hint.offset >= range.start && hint.offset <= range.end) hints.push(hint);
    return true;
  });
  return hints.sort((a, b) => a.offset - b.offset);
}

function hintsFor(
  snapshot: CheckedSnapshot,
  node: Node,
  kinds: HintKinds,
  ranges: KnownRanges | undefined,
): readonly Hint[] {
  switch (node.kind) {
    case 'graph': {
      const end = rangeOf(snapshot, node.nameSpan).end;
      const type = kinds.types ? typeHint(snapshot, snapshot.check.typeOf(node), end, kinds) : [];
      return [...type, ...(kinds.valueRanges ? rangeHint(node, end, ranges) : [])];
    }
    case 'let':
    case 'param':
    case 'free_var': {
      const end = rangeOf(snapshot, node.name.span).end;
      const shown = kinds.types && !node.type && node.name.text !== '';
      const type = shown ? typeHint(snapshot, snapshot.check.typeOf(node), end, kinds, ': ', ': ') : [];
      return [...type, ...(kinds.valueRanges && node.kind === 'let' ? rangeHint(node, end, ranges) : [])];
    }
    case 'def':
      return kinds.types ? resultHint(snapshot, node.fn, kinds) : [];
    case 'fn':
      return kinds.types ? resultHint(snapshot, node, kinds) : [];
    case 'call':
      return kinds.parameterNames ? parameterHints(snapshot, node) : [];
    default:
      return [];
  }
}

/** `before` stands in front of the type in the label, `written` in front of it in the text. */
function typeHint(
  snapshot: CheckedSnapshot,
  type: Type | undefined,
  offset: number,
  kinds: HintKinds,
  written?: string,
  before = ': ',
): readonly Hint[] {
  if (!type || type.kind === 'error' || type.kind === 'incomplete') return [];
  const text = printType(type);
  const shown = kinds.shapesOnly && type.kind === 'tensor' && type.shape.length > 0 ? printShape(type.shape) : text;
  const cut = shown.length > longest;
  const parts = withTargets(snapshot, `${before}${cut ? `${shown.slice(0, longest)}…` : shown}`);
  // An inferred type may mention what the text cannot name.
  const insert = written !== undefined && !/[?_]\d|<|…/.test(text) ? { insert: `${written}${text}` } : {};
  return [
    {
      kind: 'type',
      offset,
      parts,
      ...insert,
      ...(cut || shown !== text ? { tooltip: shortType(type, longestTooltip) } : {}),
    },
  ];
}

/** `-> T` behind the parameters of a function that does not say what it gives. */
function resultHint(snapshot: CheckedSnapshot, fn: FunctionNode, kinds: HintKinds): readonly Hint[] {
  if (fn.ret || !fn.body.braces) return [];
  const brace = rangeOf(snapshot, fn.body.span).start;
  const before = snapshot.text.slice(Math.max(0, brace - 1000), brace);
  const offset = brace - (before.length - before.trimEnd().length);
  if (snapshot.text[offset - 1] !== ')') return [];
  return typeHint(snapshot, snapshot.check.typeOf(fn.body), offset, kinds, ' -> ', ' -> ');
}

/** The label with the data types of this file as pieces that lead to their definitions. */
function withTargets(snapshot: CheckedSnapshot, label: string): readonly HintPart[] {
  const declared = new Map(
    snapshot.tree.definitions.flatMap((d) => (d.kind === 'type' ? [[d.name.text, d.name.span] as const] : [])),
  );
  if (declared.size === 0) return [{ text: label }];
  return label.split(/\b([A-Za-z_]\w*)\b/).flatMap((text): readonly HintPart[] => {
    const span = declared.get(text);
    return text === '' ? [] : span ? [{ text, target: rangeOf(snapshot, span) }] : [{ text }];
  });
}

function rangeHint(node: Node, offset: number, ranges: KnownRanges | undefined): readonly Hint[] {
  const text = rangeText(ranges, node);
  const because = ranges?.rangeOf(node)?.because ?? '';
  if (text === undefined || because === '') return [];
  return [{ kind: 'range', offset, parts: [{ text: ` ∈ ${text}` }], tooltip: because }];
}

/** Names in front of arguments that do not say the same themselves; a call with one argument needs none. */
function parameterHints(snapshot: CheckedSnapshot, call: CallExpr): readonly Hint[] {
  const names = parametersOf(snapshot, call);
  if (call.args.length < 2) return [];
  return call.args.flatMap((arg, i): readonly Hint[] => {
    const { name, param } = names[i] ?? { name: '', param: undefined };
    if (name === '' || (arg.kind === 'local' && arg.name === name)) return [];
    const target = param && { target: rangeOf(snapshot, param.name.span) };
    return [{ kind: 'parameter', offset: rangeOf(snapshot, arg.span).start, parts: [{ text: `${name}:`, ...target }] }];
  });
}

function parametersOf(
  snapshot: CheckedSnapshot,
  call: CallExpr,
): readonly { readonly name: string; readonly param?: Param }[] {
  const symbol = snapshot.check.symbolOf(call.callee);
  if (symbol?.kind === 'operator') return symbol.operator.inputs.map(({ name }) => ({ name }));
  const named = (params: readonly Param[]) => params.map((param) => ({ name: param.name.text, param }));
  if (symbol?.kind === 'global') return named(symbol.definition?.fn.params ?? []);
  if (symbol?.kind === 'local' && symbol.definition.kind === 'let' && symbol.definition.value.kind === 'fn')
    return named(symbol.definition.value.params);
  return [];
}
