/** Colours by meaning: what each name is. Syntax (numbers, strings, keywords) is left to the TextMate grammar. */
import type { Span, TextRange } from '../../../compiler/src/base/span.ts';
import type { Symbol } from '../../../compiler/src/check/result.ts';
import type { Name, Node } from '../../../compiler/src/syntax/tree.ts';
import { walk } from '../../../compiler/src/syntax/walk.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

/** The legend, in the order of LSP's numbers. */
export const tokenTypes = [
  'function',
  'parameter',
  'variable',
  'type',
  'typeParameter',
  'enumMember',
  'property',
  'macro',
] as const;
export const tokenModifiers = ['declaration', 'readonly', 'defaultLibrary'] as const;

type TokenType = (typeof tokenTypes)[number];
type TokenModifier = (typeof tokenModifiers)[number];

export interface SemanticToken {
  readonly range: TextRange;
  readonly type: TokenType;
  readonly modifiers: readonly TokenModifier[];
}

/** The tokens that touch `range`, in the order of the text, none overlapping another. */
export function semanticTokens(snapshot: CheckedSnapshot, range?: TextRange): readonly SemanticToken[] {
  const { definitions, expression } = snapshot.tree;
  return tokensUnder(snapshot, expression ? [expression] : definitions, range);
}

/** The tokens of some nodes and all under them but `except`, in the order of the text. */
export function tokensUnder(
  snapshot: CheckedSnapshot,
  roots: readonly Node[],
  range?: TextRange,
  except?: Node,
): readonly SemanticToken[] {
  const tokens: SemanticToken[] = [];
  let sorted = true;
  let last = 0;
  // Neighbours share an anchor, so its place is looked up once a statement.
  let anchor: Span['anchor'] | undefined;
  let base = 0;
  const add = (span: Span, type: TokenType, modifiers: readonly TokenModifier[] = none): void => {
    if (span.end <= span.start) return;
    if (span.anchor !== anchor) {
      anchor = span.anchor;
      base = snapshot.tree.anchors.get(anchor) ?? 0;
    }
    const start = base + span.start;
    if (start < last) sorted = false;
    last = start;
    tokens.push({ range: { start, end: base + span.end }, type, modifiers });
  };
  const visit = (node: Node): boolean => {
    if (node === except) return false;
    if (range) {
      const at = rangeOf(snapshot, node.span);
      if (at.end < range.start || at.start > range.end) return false;
    }
    colour(snapshot, node, add);
    return true;
  };
  for (const root of roots) walk(root, visit);
  if (!sorted) tokens.sort((a, b) => a.range.start - b.range.start);
  return tokens.filter((token, i) => i === 0 || token.range.start >= (tokens[i - 1]?.range.end ?? 0));
}

type Add = (span: Span, type: TokenType, modifiers?: readonly TokenModifier[]) => void;

const none = [] as const;
const readonly = ['readonly'] as const;
const library = ['defaultLibrary'] as const;
const declared = ['declaration'] as const;
const declaredOnce = ['declaration', 'readonly'] as const;

function colour(snapshot: CheckedSnapshot, node: Node, add: Add): void {
  const typeParams = (names: readonly Name[]): void => {
    for (const name of names) add(name.span, 'typeParameter', declared);
  };
  switch (node.kind) {
    case 'def':
      add(node.name.span, 'function', declared);
      return typeParams(node.fn.typeParams);
    case 'type':
      add(node.name.span, 'type', declared);
      return typeParams(node.typeParams);
    case 'fn':
      return typeParams(node.typeParams);
    case 'constructor':
      return add(node.name.span, 'enumMember', declared);
    case 'param':
      return add(node.name.span, 'parameter', declared);
    case 'let':
    case 'free_var':
    case 'varpattern':
      return add(node.name.span, 'variable', declaredOnce);
    case 'graph':
      return add(node.nameSpan, 'variable', declaredOnce);
    case 'graphref':
      return add(node.span, 'variable', readonly);
    case 'attribute':
      return add(node.key.span, 'property');
    case 'meta':
      return onOneLine(snapshot, node.span) ? add(metaSpan(node), 'macro') : undefined;
    case 'local':
    case 'global':
    case 'name':
    case 'ctorpattern':
    case 'namedtype': {
      const symbol = snapshot.check.symbolOf(node);
      const span = node.kind === 'ctorpattern' || node.kind === 'namedtype' ? node.name.span : node.span;
      return symbol && onOneLine(snapshot, span) ? colourUse(symbol, span, add) : undefined;
    }
    default:
      return undefined;
  }
}

/** A reference without the type comment behind it. */
function metaSpan(node: Extract<Node, { kind: 'meta' }>): Span {
  const length = `meta[${node.key}][${node.index}]`.length;
  return { ...node.span, end: Math.min(node.span.end, node.span.start + length) };
}

function colourUse(symbol: Symbol, span: Span, add: Add): void {
  switch (symbol.kind) {
    case 'local':
      return add(span, symbol.definition.kind === 'param' ? 'parameter' : 'variable', readonly);
    case 'graph':
      return add(span, 'variable', readonly);
    case 'global':
      return add(span, 'function', symbol.definition ? none : library);
    case 'constructor':
      return add(span, 'enumMember', symbol.definition ? none : library);
    case 'adt':
      return add(span, 'type', symbol.definition ? none : library);
    case 'typeParam':
    case 'dimVar':
      return add(span, 'typeParameter');
    case 'operator':
      return add(span, 'function', library);
  }
}

/** LSP's tokens may not span lines. */
function onOneLine(snapshot: CheckedSnapshot, span: Span): boolean {
  const { start, end } = rangeOf(snapshot, span);
  return !snapshot.text.slice(start, end).includes('\n');
}
