/**
 * Statements as chunks: the unit of incremental parsing. A chunk owns the text from behind the previous semicolon to
 * its own, so every character of a body belongs to exactly one chunk, and none of a chunk's data mentions where it
 * lies.
 */
import type { IToken, TokenType } from 'chevrotain';
import type { Diagnostic, TextEdit } from '../base/diagnostic.ts';
import { createAnchor } from '../base/span.ts';
import type { Anchor, Span } from '../base/span.ts';
import type { Steps } from '../base/steps.ts';
import { RelayGrammar } from './grammar.ts';
import { withUses, type Habits } from './habits.ts';
import { endOf } from './lexer.ts';
import { isVirtual } from './brackets.ts';
import type { RawIssue } from './brackets.ts';
import type { Expr, Statement } from './tree.ts';
import * as t from './vocabulary.ts';

/** A statement or a result. The last chunk of a body is its result. */
export interface Chunk {
  readonly anchor: Anchor;
  /** Length of the owned text. */
  readonly length: number;
  /** From the start of the owned text to the anchor: white space and comments. */
  readonly lead: number;
  readonly node: Statement | Expr;
  readonly errors: readonly Diagnostic[];
  /** Whether it ends with a semicolon of the text. */
  readonly closed: boolean;
  /** Whether brackets or semicolons had to be repaired in it. */
  readonly repaired: boolean;
}

/** What parsing needs besides tokens. Offsets of tokens refer to `text`. */
export interface ParseContext {
  readonly text: string;
  readonly dottedNames: ReadonlySet<string>;
  /** Those of the function that is parsed. */
  readonly habits?: Habits;
}

let shared: RelayGrammar | undefined;

/** The one parser; it keeps no state between chunks. */
export function grammar(): RelayGrammar {
  return (shared ??= new RelayGrammar());
}

/** Diagnostics of raw issues under an anchor that lies at `base`. */
export function anchorIssues(issues: readonly RawIssue[], anchor: Anchor, base: number): Diagnostic[] {
  const span = (start: number, end: number): Span => ({ anchor, start: start - base, end: end - base });
  const edits = ({ newText, at: own, also }: NonNullable<RawIssue['fix']>, at: Span): TextEdit[] => [
    { span: own ? span(own.start, own.end) : at, newText },
    ...(also ?? []).map((other) => ({ span: span(other.at, other.end ?? other.at), newText: other.newText })),
  ];
  return issues.map((issue) => {
    const at = span(issue.start, issue.end);
    return {
      code: issue.code,
      severity: 'error',
      span: at,
      message: issue.message,
      remedy: issue.remedy,
      ...(issue.fix ? { fixes: [{ title: issue.fix.title, edits: edits(issue.fix, at), preferred: true }] } : {}),
      ...(issue.habit === true ? { habit: true } : {}),
      ...(issue.related
        ? { related: [{ span: span(issue.related.start, issue.related.end), message: issue.related.message }] }
        : {}),
    };
  });
}

/** Chunks between two stops of the work: well below a millisecond. */
const chunksAtATime = 8;

/**
 * Parses `tokens[from, to)`, which own the text from `start` to `end`. With `result`, the last chunk is the body's
 * result (a missing one where nothing stands); else all are statements. `issues` within the text go to their chunks.
 */
export function* parseChunks(
  tokens: readonly IToken[],
  from: number,
  to: number,
  start: number,
  end: number,
  result: boolean,
  issues: readonly RawIssue[],
  context: ParseContext,
): Steps<Chunk[]> {
  const chunks: Chunk[] = [];
  const parser = grammar();
  let first = from;
  let owned = start;
  let issue = 0;
  for (const stop of statementEnds(tokens, from, to)) {
    if (stop === to && !result) break;
    if (chunks.length % chunksAtATime === chunksAtATime - 1) yield;
    const last = stop === to;
    const slice = tokens.slice(first, Math.min(stop + 1, to));
    const head = slice[0];
    const terminator = stop < to ? (tokens[stop] as IToken) : undefined;
    const ownedEnd = terminator ? endOf(terminator) : end;
    const base = head?.startOffset ?? ownedEnd;
    const anchor = createAnchor();
    const mine: RawIssue[] = [];
    while (issue < issues.length && (last || (issues[issue] as RawIssue).start < ownedEnd || isHere(issue, ownedEnd)))
      mine.push(issues[issue++] as RawIssue);
    let node: Statement | Expr;
    let errors: readonly Diagnostic[] = [];
    if (head) {
      parser.load({ tokens: slice, text: context.text, anchor, base, dottedNames: context.dottedNames });
      node = parser.chunk(last);
      errors = parser.takeDiagnostics();
      if (context.habits) errors = withUses(errors, context.habits, base);
    } else {
      const span = { anchor, start: 0, end: 0 };
      node = { kind: 'missing', span };
      if (mine.length === 0) errors = [missingResult(span)];
    }
    if (mine.length > 0) errors = [...anchorIssues(mine, anchor, base), ...errors];
    const closed = terminator !== undefined && !isVirtual(terminator);
    chunks.push({
      anchor,
      length: ownedEnd - owned,
      lead: base - owned,
      node,
      errors,
      closed,
      repaired: mine.length > 0,
    });
    first = stop + 1;
    owned = ownedEnd;
  }
  return chunks;

  /** An issue right at the end of a chunk whose semicolon is virtual belongs to it. */
  function isHere(i: number, ownedEnd: number): boolean {
    return (issues[i] as RawIssue).start === ownedEnd && (issues[i] as RawIssue).end === ownedEnd;
  }
}

/** A block without a value. */
function missingResult(span: Span): Diagnostic {
  return {
    code: 'missing-result',
    severity: 'error',
    span,
    message: 'Expected an expression at the end of the block: its value.',
    remedy: 'Write the value last, without a semicolon behind it.',
  };
}

const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);
const binders = new Set<TokenType | undefined>([t.Let, t.GraphBinder]);

/**
 * Indices of the semicolons that end statements, and `to` for the result. A let in value position
 * (`let %x = let %y = 1; %y;`) takes the semicolons of its own binders with it.
 */
function* statementEnds(tokens: readonly IToken[], from: number, to: number): Generator<number> {
  let depth = 0;
  let nested = 0;
  let inBinder = false;
  for (let i = from; i < to; i++) {
    const type = (tokens[i] as IToken).tokenType;
    if (openers.has(type)) depth++;
    else if (closers.has(type)) depth--;
    else if (depth > 0) continue;
    else if (binders.has(type) && i > from && tokens[i - 1]?.tokenType === t.Assign) {
      nested++;
      inBinder = true;
    } else if (type === t.Semicolon) {
      if (nested > 0 && !inBinder) nested--;
      if (nested === 0) yield i;
      else inBinder = binders.has(tokens[i + 1]?.tokenType);
    }
  }
  yield to;
}
