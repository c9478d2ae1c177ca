/** What the text does not say: types behind the names of bindings, results of functions, names of parameters. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Steps } from '../../../compiler/src/base/steps.ts';
import type { CallExpr, Node } from '../../../compiler/src/syntax/tree.ts';
import { printShape, printType } from '../../../compiler/src/types/print.ts';
import { walkInSteps } from '../slices.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

/** Which hints are shown. */
export interface HintKinds {
  /** Types of `let` bindings, parameters, graph bindings and results. */
  readonly types: boolean;
  /** Of tensors only the shape: `(1, 64, 56, 56)`. */
  readonly shapesOnly: boolean;
  /** Names of inputs at calls of operators and functions. */
  readonly parameterNames: boolean;
}

export interface Hint {
  readonly kind: 'type' | 'parameter';
  readonly offset: number;
  readonly label: string;
  /** Inserting this text at `offset` writes the type into the program; absent where the language has no place for it. */
  readonly insert?: string;
}

/** Longer types are cut; the hover shows them whole. */
const longest = 60;

const allTypes: HintKinds = { types: true, shapesOnly: false, parameterNames: false };

/** Hints inside `range`, in the order of the text. */
export function* inlayHints(
  snapshot: CheckedSnapshot,
  range: TextRange,
  kinds: HintKinds = allTypes,
): Steps<readonly Hint[]> {
  const hints: Hint[] = [];
  yield* walkInSteps(snapshot.tree, (node) => {
    const at = rangeOf(snapshot, node.span);
    if (at.end < range.start || at.start > range.end) return false;
    for (const hint of hintsFor(snapshot, node, kinds))
      if (hint.offset >= range.start && hint.offset <= range.end) hints.push(hint);
    return true;
  });
  return hints.sort((a, b) => a.offset - b.offset);
}

function hintsFor(snapshot: CheckedSnapshot, node: Node, kinds: HintKinds): readonly Hint[] {
  switch (node.kind) {
    case 'graph':
      return kinds.types ? typeHint(snapshot, node, rangeOf(snapshot, node.nameSpan).end, false, kinds) : [];
    case 'let':
    case 'param':
    case 'free_var':
      return kinds.types && !node.type
        ? typeHint(snapshot, node, rangeOf(snapshot, node.name.span).end, true, kinds)
        : [];
    case 'call':
      return kinds.parameterNames ? parameterHints(snapshot, node) : [];
    default:
      return [];
  }
}

function typeHint(
  snapshot: CheckedSnapshot,
  node: Extract<Node, { kind: 'graph' | 'let' | 'param' | 'free_var' }>,
  offset: number,
  writable: boolean,
  kinds: HintKinds,
): readonly Hint[] {
  const type = snapshot.check.typeOf(node);
  if (!type || type.kind === 'error' || type.kind === 'incomplete') return [];
  const text = printType(type);
  const shown = kinds.shapesOnly && type.kind === 'tensor' ? printShape(type.shape) : text;
  const label = `: ${shown.length > longest ? `${shown.slice(0, longest)}…` : shown}`;
  return [{ kind: 'type', offset, label, ...(writable ? { insert: `: ${text}` } : {}) }];
}

/** Names in front of arguments that do not say the same themselves; a call with one argument needs none. */
function parameterHints(snapshot: CheckedSnapshot, call: CallExpr): readonly Hint[] {
  const names = parameterNames(snapshot, call);
  if (call.args.length < 2) return [];
  return call.args.flatMap((arg, i): readonly Hint[] => {
    const name = names[i];
    if (name === undefined || name === '' || (arg.kind === 'local' && arg.name === name)) return [];
    return [{ kind: 'parameter', offset: rangeOf(snapshot, arg.span).start, label: `${name}:` }];
  });
}

function parameterNames(snapshot: CheckedSnapshot, call: CallExpr): readonly string[] {
  const symbol = snapshot.check.symbolOf(call.callee);
  if (symbol?.kind === 'operator') return symbol.operator.inputs.map(({ name }) => name);
  if (symbol?.kind === 'global') return (symbol.definition?.fn.params ?? []).map(({ name }) => name.text);
  if (symbol?.kind === 'local' && symbol.definition.kind === 'let' && symbol.definition.value.kind === 'fn')
    return symbol.definition.value.params.map(({ name }) => name.text);
  return [];
}
