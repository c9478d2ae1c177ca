/**
 * Top-level parts of a file: functions with their chunks, type definitions, imports, a stand-alone expression. A unit
 * owns the text from its first token to the next unit, and nothing in it mentions where it lies.
 */
import type { IToken, TokenType } from 'chevrotain';
import type { Diagnostic } from '../base/diagnostic.ts';
import { createAnchor } from '../base/span.ts';
import type { Anchor, Span } from '../base/span.ts';
import type { Steps } from '../base/steps.ts';
import { anchorIssues, grammar, parseChunks } from './chunks.ts';
import type { Chunk, ParseContext } from './chunks.ts';
import { isStatement } from './statement-grammar.ts';
import type { Header } from './grammar.ts';
import { bodySigns, hasHabits, mendHabits, withUses, type IndentedBody } from './habits.ts';
import { endOf } from './lexer.ts';
import { quote } from './messages.ts';
import { repair } from './repair.ts';
import type { Repaired } from './repair.ts';
import type { RawIssue } from './brackets.ts';
import type {
  Block,
  Definition,
  Expr,
  FunctionDefinition,
  ImportDefinition,
  Statement,
  TypeDefinition,
} from './tree.ts';
import * as t from './vocabulary.ts';

/** A function, or the body of an expression file (`header` undefined). */
export interface BodyUnit {
  readonly kind: 'body';
  readonly anchor: Anchor;
  /** Owned text; the anchor lies at its start. */
  readonly length: number;
  readonly header: Header | undefined;
  /** From the unit's start to behind `{`, that is, to the first chunk. */
  readonly bodyStart: number;
  readonly chunks: readonly Chunk[];
  /** Length of what follows the chunks up to the end of the definition: `}`, or 0 where it is missing. */
  readonly closing: number;
  readonly errors: readonly Diagnostic[];
  /** How far repairs of brackets reach: nowhere, only within chunks that carry an error about it, or farther. */
  readonly repaired: 'no' | 'chunks' | 'across';
  /** Whether its start is recognised even behind brackets that were left open. */
  readonly plain: boolean;
  /** Whether errors lie behind the header, outside of chunks. */
  readonly bodyErrors: boolean;
  readonly definition: FunctionDefinition | undefined;
  readonly block: Block;
}

export interface SimpleUnit {
  readonly kind: 'simple';
  readonly anchor: Anchor;
  readonly length: number;
  readonly errors: readonly Diagnostic[];
  readonly repaired: 'no' | 'across';
  readonly plain: boolean;
  readonly definition: TypeDefinition | ImportDefinition;
}

export type Unit = BodyUnit | SimpleUnit;

/** The definition of a unit, if it is one. */
export function definitionOf(unit: Unit): Definition | undefined {
  return unit.definition;
}

/** Parses the unit whose tokens are `tokens`, with offsets into `context.text`; it owns the text up to `end`. */
export function* parseUnit(tokens: IToken[], end: number, plain: boolean, context: ParseContext): Steps<Unit> {
  const head = tokens[0] as IToken;
  if (head.tokenType === t.Def) return yield* parseFunction(tokens, end, plain, context);
  return parseSimple(tokens, end, plain, context);
}

function parseSimple(tokens: IToken[], end: number, plain: boolean, context: ParseContext): SimpleUnit {
  const head = tokens[0] as IToken;
  const base = head.startOffset;
  const anchor = createAnchor();
  const repaired = repair(tokens, context.text);
  const parser = grammar();
  parser.load({ tokens: repaired.tokens, text: context.text, anchor, base, dottedNames: context.dottedNames });
  const definition = head.tokenType === t.Import ? parser.importDefinition() : parser.typeDefinition();
  const errors = [...anchorIssues(repaired.issues, anchor, base), ...parser.takeDiagnostics()];
  const reach = repaired.issues.length > 0 ? 'across' : 'no';
  return { kind: 'simple', anchor, length: end - base, errors, repaired: reach, plain, definition };
}

function* parseFunction(tokens: IToken[], end: number, plain: boolean, context: ParseContext): Steps<BodyUnit> {
  const base = (tokens[0] as IToken).startOffset;
  const anchor = createAnchor();
  const habits = mendHabits(tokens, context.text);
  const repaired = repair(habits.tokens, context.text);
  yield;
  const list = repaired.tokens;
  let issues = repaired.issues;
  const parser = grammar();
  parser.load({ tokens: list, text: context.text, anchor, base, dottedNames: context.dottedNames });
  const header = parser.header();
  const headerErrors = parser.takeDiagnostics();
  const { consumed } = parser;
  yield;
  const own: RawIssue[] = habits.indented ? [indentedIssue(habits.indented)] : [];
  own.push(...habits.issues);
  const body = findBody(list, consumed, own);
  if (body.missingOpener) issues = withoutLastStrayBrace(issues);
  const bodyStart = body.from === 0 ? 0 : endOf(list[body.from - 1] as IToken);
  const closer = list[body.to];
  const bodyEnd = closer ? closer.startOffset : endOf(list[list.length - 1] as IToken);
  const inBody = (issue: RawIssue): boolean =>
    issue.start >= bodyStart && issue.end <= bodyEnd && !atBrace(issue, closer);
  const mine = issues.filter(inBody);
  const chunks = yield* parseChunks(list, body.from, body.to, bodyStart, bodyEnd, true, mine, { ...context, habits });
  for (const issue of issues) if (!inBody(issue)) own.push(issue);
  const extra = list[body.to + 1];
  if (extra) own.push(behindDefinition(extra));
  const errors = [...withUses(headerErrors, habits, base), ...anchorIssues(own, anchor, base)];
  const isWhole = own.length === 0 && !hasHabits(habits);
  return buildBody({
    anchor,
    length: end - base,
    header,
    bodyStart: bodyStart - base,
    chunks,
    closing: closer ? closer.image.length : 0,
    errors,
    repaired: isWhole ? reachOf(repaired) : 'across',
    bodyErrors: own.length > 0,
    plain,
    braces: true,
  });
}

function reachOf(repaired: Repaired): BodyUnit['repaired'] {
  if (repaired.braces) return 'across';
  return repaired.issues.length > 0 ? 'chunks' : 'no';
}

/** The issue about the closing brace of the definition itself belongs to the definition. */
function atBrace(issue: RawIssue, closer: IToken | undefined): boolean {
  return closer?.image === '' && issue.start === closer.startOffset;
}

interface BodyRange {
  /** First token of the body, and the index of its `}` (or the number of tokens). */
  readonly from: number;
  readonly to: number;
  readonly missingOpener: boolean;
}

/** Finds the body behind a header of `consumed` tokens. */
function findBody(tokens: readonly IToken[], consumed: number, issues: RawIssue[]): BodyRange {
  const next = tokens[consumed];
  const previous = tokens[consumed - 1] as IToken;
  if (next?.tokenType === t.LBrace) return { from: consumed + 1, to: partner(tokens, consumed), missingOpener: false };
  if (next && bodySigns.has(next.tokenType)) {
    const behind = tokens[consumed + 1];
    const braces = behind?.tokenType === t.LBrace;
    const last = tokens[tokens.length - 1] as IToken;
    issues.push({
      code: 'expected-body',
      start: next.startOffset,
      end: endOf(next),
      message: `Expected the body of the function in braces, found ${quote(next.image)}.`,
      remedy: 'Write the body in braces: { … }.',
      fix: braces
        ? { title: `Remove ${quote(next.image)}`, newText: '' }
        : { title: 'Write { … }', newText: '{', also: [{ at: endOf(last), newText: ' }' }] },
      habit: true,
    });
    if (braces) return { from: consumed + 2, to: partner(tokens, consumed + 1), missingOpener: false };
    return { from: consumed + 1, to: tokens.length, missingOpener: true };
  }
  const brace = next === undefined || starters.has(next.tokenType) ? -1 : braceAfter(tokens, consumed);
  if (next !== undefined && brace >= 0) {
    issues.push({
      code: 'unexpected-token',
      start: next.startOffset,
      end: endOf(next),
      message: `Expected the body of the function in braces, found ${quote(next.image)}.`,
      remedy: 'Write { … } after the signature.',
    });
    return { from: brace + 1, to: partner(tokens, brace), missingOpener: false };
  }
  issues.push({
    code: 'expected-body',
    start: endOf(previous),
    end: endOf(previous),
    message: `Expected the body of the function in braces, found ${next ? quote(next.image) : 'the end'}.`,
    remedy: 'Write { … } after the signature.',
    ...(next ? { fix: { title: 'Insert “{”', newText: ' {' } } : {}),
  });
  return { from: consumed, to: tokens.length, missingOpener: true };
}

function indentedIssue({ sign, end, ends }: IndentedBody): RawIssue {
  const also = [...ends.map((at) => ({ at, newText: ';' })), { at: end, newText: '\n}' }];
  return {
    code: 'expected-body',
    start: sign,
    end: sign + 1,
    message: 'Expected the body of the function in braces, found “:”.',
    remedy: 'Write the body in braces, with “;” behind each statement but the last.',
    fix: { title: 'Write { … }', newText: ' {', also },
    habit: true,
  };
}

const starters = new Set<TokenType>([t.Let, t.GraphBinder, t.FreeVar]);
const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);

/** The first `{` outside of other brackets, before any statement. */
function braceAfter(tokens: readonly IToken[], from: number): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const type = (tokens[i] as IToken).tokenType;
    if (depth === 0 && type === t.LBrace) return i;
    if (depth === 0 && (starters.has(type) || type === t.Semicolon || type === t.Fn)) return -1;
    if (openers.has(type)) depth++;
    else if (closers.has(type)) depth--;
  }
  return -1;
}

/** The closer of the bracket at `open`; brackets match. */
function partner(tokens: readonly IToken[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const type = (tokens[i] as IToken).tokenType;
    if (openers.has(type)) depth++;
    else if (closers.has(type) && --depth === 0) return i;
  }
  return tokens.length;
}

function withoutLastStrayBrace(issues: readonly RawIssue[]): readonly RawIssue[] {
  const last = issues.findLastIndex((x) => x.code === 'unmatched-bracket');
  return issues.filter((_, i) => i !== last);
}

function behindDefinition(token: IToken): RawIssue {
  return {
    code: 'unexpected-token',
    start: token.startOffset,
    end: endOf(token),
    message: `Expected the next definition, found ${quote(token.image)}.`,
    remedy: 'Start definitions with def or type, or move this into a function.',
  };
}

/** Parses an expression file's tokens; the unit owns the text up to `end`. */
export function* parseExpressionUnit(tokens: IToken[], end: number, context: ParseContext): Steps<BodyUnit> {
  const base = (tokens[0] as IToken).startOffset;
  const repaired = repair(tokens, context.text);
  const list = repaired.tokens;
  const chunks = yield* parseChunks(list, 0, list.length, base, end, true, repaired.issues, context);
  return buildBody({
    anchor: createAnchor(),
    length: end - base,
    header: undefined,
    bodyStart: 0,
    chunks,
    closing: 0,
    errors: [],
    repaired: reachOf(repaired),
    bodyErrors: false,
    plain: false,
    braces: false,
  });
}

export type BodyParts = Omit<BodyUnit, 'kind' | 'definition' | 'block'> & { readonly braces: boolean };

/** The unit with the tree nodes above its chunks. */
export function buildBody(parts: BodyParts): BodyUnit {
  const { braces, ...unit } = parts;
  const { anchor, header, chunks, bodyStart } = unit;
  const statements: Statement[] = [];
  let end = bodyStart;
  for (const chunk of chunks) {
    end += chunk.length;
    if (isStatement(chunk.node)) statements.push(chunk.node);
  }
  const last = (chunks[chunks.length - 1] as Chunk).node;
  const span = (from: number, to: number): Span => ({ anchor, start: from, end: to });
  const result: Expr = isStatement(last)
    ? { kind: 'missing', span: { anchor: last.span.anchor, start: last.span.end, end: last.span.end } }
    : last;
  const close = end + unit.closing;
  const block: Block = {
    kind: 'block',
    span: braces ? span(bodyStart - 1, close) : span(0, close),
    braces,
    statements,
    result,
  };
  if (header === undefined) return { kind: 'body', ...unit, definition: undefined, block };
  const { name, fnStart, ...signature } = header;
  const definition: FunctionDefinition = {
    kind: 'def',
    span: span(0, close),
    name,
    fn: { kind: 'fn', span: span(fnStart, close), ...signature, body: block },
  };
  return { kind: 'body', ...unit, definition, block };
}
