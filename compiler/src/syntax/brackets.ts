/**
 * Which bracket belongs to which, and what is said of one without partner. Closers are matched by a stack; `}` outranks
 * `)` and `]`.
 */
import type { IToken, TokenType } from 'chevrotain';
import type { Layout } from './layout.ts';
import { endOf } from './lexer.ts';
import { quote } from './messages.ts';
import * as t from './vocabulary.ts';

/** A diagnostic before its chunk has an anchor: offsets are those of the tokens. */
export interface RawIssue {
  readonly code: string;
  readonly start: number;
  readonly end: number;
  readonly message: string;
  readonly remedy: string;
  /** Replacement of the stretch that repairs it. */
  readonly fix?: {
    readonly title: string;
    readonly newText: string;
    /** What is replaced, where it is not the place itself. */
    readonly at?: { readonly start: number; readonly end: number };
    /** What is inserted, or written up to `end`, elsewhere besides. */
    readonly also?: readonly { readonly at: number; readonly end?: number; readonly newText: string }[];
  };
  readonly habit?: boolean;
  readonly related?: { readonly start: number; readonly end: number; readonly message: string };
}

/** From an opener's type to its closer's, and back. */
export const closerOf = new Map<TokenType, TokenType>([
  [t.LParen, t.RParen],
  [t.LSquare, t.RSquare],
  [t.LBrace, t.RBrace],
]);
export const openerOf = new Map<TokenType, TokenType>([
  [t.RParen, t.LParen],
  [t.RSquare, t.LSquare],
  [t.RBrace, t.LBrace],
]);
/** How a closer is written. */
export const spelling = new Map<TokenType, string>([
  [t.RParen, ')'],
  [t.RSquare, ']'],
  [t.RBrace, '}'],
]);
/** A token of zero length that stands for what is missing. */
export function virtualToken(type: TokenType, offset: number): IToken {
  return { image: '', startOffset: offset, tokenTypeIdx: type.tokenTypeIdx ?? 0, tokenType: type };
}

/** Whether a virtual token was inserted by `repair`. */
export function isVirtual(token: IToken): boolean {
  return token.image === '';
}

/** Says that a bracket has no partner. */
export function strayIssue(token: IToken): RawIssue {
  const shown = quote(token.image);
  const opens = closerOf.has(token.tokenType);
  return {
    code: 'unmatched-bracket',
    start: token.startOffset,
    end: endOf(token),
    message: opens ? `The ${shown} opens nothing here.` : `Nothing is open that ${shown} could close.`,
    remedy: `Remove ${shown}, or add its ${opens ? 'closing' : 'opening'} partner.`,
    fix: { title: `Remove ${shown}`, newText: '' },
  };
}

export interface Matching {
  readonly clean: boolean;
  readonly braces: boolean;
  /** Openers without partner, and closers without. */
  readonly lonely: ReadonlySet<number>;
}

/** Finds the brackets without partner; with a layout, indentation decides which brace belongs to which. */
export function match(tokens: readonly IToken[], layout?: Layout): Matching {
  const stack: number[] = [];
  /** Depths in `stack` where braces stand. */
  const braceDepths: number[] = [];
  const lonely = new Set<number>();
  let braces = false;
  const kind = (i: number | undefined): TokenType | undefined => (i === undefined ? i : tokens[i]?.tokenType);
  const pop = (): number => {
    if (braceDepths[braceDepths.length - 1] === stack.length - 1) braceDepths.pop();
    return stack.pop() as number;
  };
  const popTo = (depth: number): void => {
    while (stack.length > depth) {
      const i = pop();
      lonely.add(i);
      if (kind(i) === t.LBrace) braces = true;
    }
  };
  const lastBrace = layout ? tokens.findLastIndex((x) => x.tokenType === t.RBrace) : -1;
  for (let i = 0; i < tokens.length; i++) {
    const type = (tokens[i] as IToken).tokenType;
    if (closerOf.has(type)) {
      if (type === t.LBrace) braceDepths.push(stack.length);
      stack.push(i);
      continue;
    }
    const opener = openerOf.get(type);
    if (opener === undefined) continue;
    if (kind(stack[stack.length - 1]) === opener && (layout === undefined || type !== t.RBrace)) {
      pop();
      continue;
    }
    const depth =
      type !== t.RBrace
        ? find(opener)
        : layout
          ? braceByLayout(tokens, stack, braceDepths, i, layout, lastBrace)
          : (braceDepths[braceDepths.length - 1] ?? -1);
    if (depth < 0) {
      lonely.add(i);
      if (type === t.RBrace) braces = true;
    } else {
      popTo(depth + 1);
      pop();
    }
  }
  popTo(0);
  return { clean: lonely.size === 0, braces, lonely };

  /** The innermost `(` or `[` of the block, not too far out. */
  function find(opener: TokenType): number {
    const inner = Math.max(braceDepths[braceDepths.length - 1] ?? -1, stack.length - maximumReach);
    for (let d = stack.length - 1; d > inner; d--) if (kind(stack[d]) === opener) return d;
    return -1;
  }
}

/** How many open brackets are looked through for a partner; bounds the time that hopeless texts take. */
const maximumReach = 100;

/** Depth in `stack` of the brace that the `}` at `i` closes, by indentation; −1 when it closes none. */
function braceByLayout(
  tokens: readonly IToken[],
  stack: readonly number[],
  braceDepths: readonly number[],
  i: number,
  layout: Layout,
  lastBrace: number,
): number {
  const open = braceDepths.slice(-maximumReach).reverse();
  const top = open[0];
  if (top === undefined) return -1;
  const at = (d: number): number => (tokens[stack[d] as number] as IToken).startOffset;
  const closer = (tokens[i] as IToken).startOffset;
  if (!layout.isFirstOnLine(closer)) {
    if (layout.sameLine(at(top), closer)) return top;
    // A brace at the end of a line closes the innermost block, but the outermost only as the last brace of all.
    return open.length > 1 || i === lastBrace ? top : -1;
  }
  const column = layout.indentation(closer);
  const exact = open.find((d) => layout.indentation(at(d)) === column);
  if (exact !== undefined) return exact;
  return layout.indentation(at(top)) < column && open.length === 1 && i !== lastBrace ? -1 : top;
}
