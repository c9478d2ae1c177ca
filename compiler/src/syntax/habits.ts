/**
 * Functions in the habits of other languages: names without their sign (`def main(x)`, `let y = x;`), bodies by
 * indentation as in Python. The tokens are made those of the function that was meant, so that one habit costs one
 * message: the grammar tells of each declaration, and every use of the name behind it is read as meant.
 */
import type { IToken, TokenType } from 'chevrotain';
import type { Diagnostic, Fix, TextEdit } from '../base/diagnostic.ts';
import type { Anchor } from '../base/span.ts';
import { virtualToken, type RawIssue } from './brackets.ts';
import { retype } from './classify.ts';
import { endOf } from './lexer.ts';
import { mendFunctions, mendLoops } from './foreign-tokens.ts';
import { Layout } from './layout.ts';
import * as t from './vocabulary.ts';

export interface Habits {
  readonly tokens: IToken[];
  /** By the offset of a name that is declared without its sign: where it is used without. */
  readonly uses: ReadonlyMap<number, readonly number[]>;
  /** The body by indentation, if the function has one. */
  readonly indented: IndentedBody | undefined;
  /** Whether loops were set off. */
  readonly looped: boolean;
  /** What is told of the function besides. */
  readonly issues: readonly RawIssue[];
}

export interface IndentedBody {
  /** Offsets of the sign before the body and of the body's end. */
  readonly sign: number;
  readonly end: number;
  /** Where statements end without a semicolon. */
  readonly ends: readonly number[];
}

/** The tokens of a function as they were meant. `retype` changes tokens in place: they must not be shared. */
export function mendHabits(tokens: IToken[], text: string): Habits {
  const looped = mendLoops(tokens, text);
  const indented = indentedBody(looped, text);
  const functions = mendFunctions(indented?.tokens ?? looped);
  const uses = mendNames(functions.tokens);
  const writes = mendWrites(functions.tokens, text);
  const issues = [...functions.issues, ...writes.issues].sort((a, b) => a.start - b.start);
  return { tokens: writes.tokens, issues, uses, indented: indented?.body, looped: looped !== tokens };
}

/** Whether a function has a habit, so that no part of it can be read alone. */
export function hasHabits({ uses, indented, looped, issues }: Habits): boolean {
  return uses.size > 0 || indented !== undefined || looped || issues.length > 0;
}

const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);

// ------------------------------------------------------------------------------------------------ names without signs

/** Makes variables of the names that are declared without `%`, and of their uses. */
function mendNames(tokens: readonly IToken[]): ReadonlyMap<number, readonly number[]> {
  const declared = new Map<string, { readonly at: number; readonly uses: number[] }>();
  const signed = new Set<string>();
  /** Those that are bound to functions, which are called like operators. */
  const functions = new Set<string>();
  const declare = (token: IToken, at = token.startOffset): void => {
    if (!declared.has(token.image)) declared.set(token.image, { at, uses: [] });
  };
  const declarations = new Set<number>();
  for (let i = 0; i < tokens.length; i++) {
    const type = (tokens[i] as IToken).tokenType;
    const tuple =
      type === t.Let || startsStatement(tokens, i - 1) ? tupleNames(tokens, type === t.Let ? i + 1 : i) : [];
    for (const k of tuple) {
      declarations.add(k);
      if (isBareName(tokens[k]))
        declare(tokens[k] as IToken, (tokens[type === t.Let ? i + 1 : i] as IToken).startOffset);
    }
    if (tokens[i + 1]?.tokenType === t.Assign && tokens[i + 2]?.tokenType === t.Fn && isBareName(tokens[i]))
      functions.add((tokens[i] as IToken).image);
    if (type === t.Local) signed.add((tokens[i] as IToken).image.slice(1));
    const isBinding = tokens[i + 2]?.tokenType === t.Assign || tokens[i + 2]?.tokenType === t.Colon;
    if (type === t.Let && isBareName(tokens[i + 1]) && isBinding) {
      declarations.add(i + 1);
      declare(tokens[i + 1] as IToken);
    } else if (startsAssignment(tokens, i)) {
      declarations.add(i);
      declare(tokens[i] as IToken);
    } else if (type === t.Identifier && startsAssignment(tokens, i + 1, i)) {
      // `const y = …`: the word is told of.
      declarations.add(i);
      declarations.add(i + 1);
      declare(tokens[i + 1] as IToken, (tokens[i] as IToken).startOffset);
    } else if (type === t.Def || type === t.Fn)
      for (const k of bareParameters(tokens, i)) {
        declarations.add(k);
        declare(tokens[k] as IToken);
      }
  }
  const [first] = declared.values();
  if (!first) return new Map();
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    if (token.tokenType !== t.Identifier || declarations.has(i)) continue;
    if (!isOperand(tokens, i) && !(functions.has(token.image) && tokens[i + 1]?.tokenType === t.LParen)) continue;
    // Who leaves out one sign leaves out others.
    const known = declared.get(token.image) ?? (signed.has(token.image) ? first : undefined);
    if (!known) continue;
    known.uses.push(token.startOffset);
    retype(token, t.Local);
  }
  const places = new Map<number, number[]>();
  for (const { at, uses } of declared.values()) places.set(at, [...(places.get(at) ?? []), ...uses]);
  return places;
}

/** Whether the token at `i` ends what stands before a statement; `{` behind a variable holds attributes. */
function startsStatement(tokens: readonly IToken[], i: number): boolean {
  const type = tokens[i]?.tokenType;
  return type === t.Semicolon || (type === t.LBrace && tokens[i - 1]?.tokenType !== t.Local);
}

/** Where the names of `(a, b) =` stand, with or without the parentheses; none where anything else stands. */
function tupleNames(tokens: readonly IToken[], from: number): readonly number[] {
  const end = tupleEnd((k) => tokens[from + k]?.tokenType);
  if (end === undefined) return [];
  return Array.from({ length: end }, (_, k) => from + k).filter((k) => names.has((tokens[k] as IToken).tokenType));
}

const names = new Set<TokenType>([t.Local, t.Identifier, t.AttributeKey, t.Underscore]);

/** The place of “=” behind names that commas separate, which parentheses may group; undefined for anything else. */
export function tupleEnd(typeAt: (k: number) => TokenType | undefined): number | undefined {
  let depth = 0;
  let commas = 0;
  let ended = false;
  for (let k = 0; ; k++) {
    const type = typeAt(k);
    if (type === t.Assign) return depth === 0 && commas > 0 ? k : undefined;
    const isOperand = type !== undefined && (type === t.LParen || names.has(type));
    if (type === undefined || (isOperand ? ended : !ended)) return undefined;
    if (type === t.LParen) depth++;
    else if (type === t.RParen) depth--;
    else if (type === t.Comma) commas++;
    else if (!names.has(type)) return undefined;
    if (depth < 0) return undefined;
    // A comma may close a group.
    ended = type === t.RParen || names.has(type) || (type === t.Comma && typeAt(k + 1) === t.RParen);
  }
}

function isBareName(token: IToken | undefined): boolean {
  return token?.tokenType === t.Identifier || token?.tokenType === t.AttributeKey;
}

/** `y = …` where a statement starts. */
function startsAssignment(tokens: readonly IToken[], i: number, start = i): boolean {
  if (tokens[i]?.tokenType !== t.AttributeKey || tokens[i + 1]?.tokenType !== t.Assign) return false;
  return startsStatement(tokens, start - 1);
}

/** Whether the word at `i` stands where a value can, and neither as the name of an operator nor as a type. */
function isOperand(tokens: readonly IToken[], i: number): boolean {
  const before = tokens[i - 1]?.tokenType;
  const next = tokens[i + 1]?.tokenType;
  if (before === t.Colon && !behindQuestion(tokens, i - 1)) return false;
  return next !== t.LParen && before !== t.Arrow && before !== t.Dot && before !== t.LSquare;
}

/** Whether the colon at `i` belongs to a choice `c ? a : b`. */
function behindQuestion(tokens: readonly IToken[], i: number): boolean {
  for (let k = i - 1; k >= Math.max(0, i - choiceReach); k--) {
    const type = tokens[k]?.tokenType;
    if (type === t.Question) return tokens[k - 1]?.tokenType !== t.LParen && tokens[k - 1]?.tokenType !== t.Comma;
    if (type === t.Semicolon || type === t.LBrace || type === t.Let) return false;
  }
  return false;
}

/** How far a choice's two values may lie apart, in tokens. */
const choiceReach = 100;

/** Names without `%` among the parameters behind `def` or `fn`. Those of a function's type are types. */
function bareParameters(tokens: readonly IToken[], keyword: number): readonly number[] {
  let open = keyword + 1;
  if (tokens[keyword]?.tokenType === t.Def) open++;
  if (tokens[open]?.tokenType !== t.LParen) return [];
  const names: number[] = [];
  let depth = 0;
  let typed = true;
  let at = open;
  for (; at < tokens.length; at++) {
    const type = (tokens[at] as IToken).tokenType;
    if (openers.has(type)) depth++;
    else if (closers.has(type) && --depth === 0) break;
    if (depth !== 1 || type !== t.Identifier) continue;
    const before = tokens[at - 1]?.tokenType;
    const next = tokens[at + 1]?.tokenType;
    if (before !== t.LParen && before !== t.Comma) continue;
    if (next !== t.Colon && next !== t.Comma && next !== t.RParen) continue;
    names.push(at);
    typed &&= next === t.Colon;
  }
  const behind = tokens[at + 1]?.tokenType;
  const isFunction = tokens[keyword]?.tokenType === t.Def || typed || (behind !== undefined && bodySigns.has(behind));
  return isFunction ? names : [];
}

// ------------------------------------------------------------------------------------------------ references

/** Makes `ref_write(%r, value);` of `%r = value;` where `%r` was bound to a reference. */
function mendWrites(tokens: IToken[], text: string): Pick<Habits, 'tokens' | 'issues'> {
  const references = new Set<string>();
  const issues: RawIssue[] = [];
  const inserted: { readonly at: number; readonly type: TokenType; readonly offset: number }[] = [];
  const dropped = new Set<number>();
  for (let i = 1; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    if (token.tokenType !== t.Local) continue;
    if (tokens[i - 1]?.tokenType === t.Let) {
      if (tokens[i + 1]?.tokenType === t.Assign && tokens[i + 2]?.tokenType === t.Ref) references.add(token.image);
      else references.delete(token.image);
      continue;
    }
    const before = tokens[i - 1]?.tokenType;
    const sign = tokens[i + 1]?.tokenType === t.Colon ? i + 2 : i + 1;
    if (!references.has(token.image) || (before !== t.Semicolon && before !== t.LBrace)) continue;
    const end = tokens[sign]?.tokenType === t.Assign ? statementEnd(tokens, sign) : undefined;
    if (end === undefined) continue;
    const assign = tokens[sign] as IToken;
    const value = text.slice(endOf(assign), endOf(tokens[end - 1] as IToken)).trim();
    const after = endOf(tokens[end - 1] as IToken);
    inserted.push({ at: i, type: t.RefWrite, offset: token.startOffset });
    inserted.push({ at: i, type: t.LParen, offset: token.startOffset });
    inserted.push({ at: end, type: t.RParen, offset: after });
    if (sign === i + 2) dropped.add(i + 1);
    retype(assign, t.Comma);
    issues.push({
      code: 'missing-let',
      start: token.startOffset,
      end: endOf(assign),
      message: `“${token.image}” is a reference: what it holds is not changed with “=”.`,
      remedy: `Write ref_write(${token.image}, ${value}).`,
      fix: {
        title: 'Write ref_write(…, …)',
        newText: `ref_write(${token.image},`,
        also: [{ at: after, newText: ')' }],
      },
      habit: true,
    });
  }
  if (issues.length === 0) return { tokens, issues };
  const all: IToken[] = [];
  let next = 0;
  tokens.forEach((token, i) => {
    for (; inserted[next]?.at === i; next++) {
      const place = inserted[next] as (typeof inserted)[number];
      all.push(virtualToken(place.type, place.offset));
    }
    if (!dropped.has(i)) all.push(token);
  });
  return { tokens: all, issues };
}

/** Index of the semicolon that ends the statement with the token at `from`; undefined where a bracket does. */
function statementEnd(tokens: readonly IToken[], from: number): number | undefined {
  for (let i = from, depth = 0; i < tokens.length; i++) {
    const { tokenType } = tokens[i] as IToken;
    if (openers.has(tokenType)) depth++;
    else if (closers.has(tokenType) && --depth < 0) return undefined;
    else if (depth === 0 && tokenType === t.Semicolon) return i > from + 1 ? i : undefined;
  }
  return undefined;
}

// ------------------------------------------------------------------------------------------------ bodies

/** What other languages write between a function's signature and its body. */
export const bodySigns = new Set<TokenType>([t.LBrace, t.FatArrow, t.Assign, t.Colon]);

/** The function with braces and semicolons where its body is set off by a colon and by lines. */
function indentedBody(
  tokens: readonly IToken[],
  text: string,
): { readonly tokens: IToken[]; readonly body: IndentedBody } | undefined {
  const sign = signBefore(tokens, text);
  if (sign === undefined) return undefined;
  const layout = new Layout(text);
  const colon = tokens[sign] as IToken;
  const all: IToken[] = tokens.slice(0, sign);
  const ends: number[] = [];
  all.push(virtualToken(t.LBrace, endOf(colon)));
  // Behind a colon the first name was taken for a type.
  const first = tokens[sign + 1] as IToken;
  if (first.tokenType === t.Identifier && tokens[sign + 2]?.tokenType === t.Assign) retype(first, t.AttributeKey);
  let depth = 0;
  for (let i = sign + 1; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    const previous = tokens[i - 1] as IToken;
    const newLine = depth === 0 && i > sign + 1 && layout.isFirstOnLine(token.startOffset);
    if (newLine && previous.tokenType !== t.Semicolon && !continues(previous, token)) {
      ends.push(endOf(previous));
      all.push(virtualToken(t.Semicolon, endOf(previous)));
    }
    if (openers.has(token.tokenType)) depth++;
    else if (closers.has(token.tokenType)) depth--;
    all.push(token);
  }
  const end = endOf(tokens[tokens.length - 1] as IToken);
  all.push(virtualToken(t.RBrace, end));
  return { tokens: all, body: { sign: colon.startOffset, end, ends } };
}

/** Whether a statement goes on over the end of a line. */
function continues(last: IToken, next: IToken): boolean {
  const infix = (token: IToken): boolean => token.tokenType.CATEGORIES?.includes(t.InfixOperator) === true;
  return infix(last) || last.tokenType === t.Assign || last.tokenType === t.Comma || infix(next);
}

/** The colon at the end of a line behind a signature, with something but no brace behind it. */
function signBefore(tokens: readonly IToken[], text: string): number | undefined {
  let depth = 0;
  for (let i = 1; i < tokens.length; i++) {
    const token = tokens[i] as IToken;
    const type = token.tokenType;
    if (type === t.LBrace || type === t.Semicolon || type === t.Let) return undefined;
    if (openers.has(type)) depth++;
    else if (closers.has(type) && --depth < 0) return undefined;
    if (depth !== 0 || type !== t.Colon) continue;
    const next = tokens[i + 1];
    if (!next || next.tokenType === t.LBrace) return undefined;
    return text.slice(endOf(token), next.startOffset).includes('\n') ? i : undefined;
  }
  return undefined;
}

// ------------------------------------------------------------------------------------------------ telling

/** The diagnostics with the uses of a name added to the repair of its declaration; anchors lie at `base`. */
export function withUses(diagnostics: readonly Diagnostic[], { uses }: Habits, base: number): readonly Diagnostic[] {
  if (uses.size === 0) return diagnostics;
  return diagnostics.map((diagnostic) => {
    const places = diagnostic.habit === true ? uses.get(diagnostic.span.start + base) : undefined;
    const [fix, ...others] = diagnostic.fixes ?? [];
    if (!fix || !places || places.length === 0) return diagnostic;
    const { anchor } = diagnostic.span;
    const more = places.map((at) => insertion(anchor, at - base, '%'));
    return { ...diagnostic, fixes: [{ ...fix, edits: [...fix.edits, ...more] }, ...others] };
  });
}

function insertion(anchor: Anchor, at: number, newText: string): TextEdit {
  return { span: { anchor, start: at, end: at }, newText };
}

/** More places than these nobody reads. */
const maximumPlaces = 20;

/** Told together: habits of one function, or of one file, at the first place that shows them, with one repair of all. */
export function foldHabits(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const habits = diagnostics.filter((diagnostic) => diagnostic.habit === true);
  const [first, ...others] = habits;
  if (!first || others.length === 0) return diagnostics;
  const remedies = new Set(habits.map(({ remedy }) => remedy ?? ''));
  const related = others.slice(0, maximumPlaces).map(({ span, message }) => ({ span, message }));
  const folded: Diagnostic = {
    ...first,
    remedy: [...remedies].join(' ').trim(),
    related: [...(first.related ?? []), ...related],
    fixes: jointFix(habits),
  };
  return diagnostics.flatMap((diagnostic) =>
    diagnostic === first ? [folded] : diagnostic.habit === true ? [] : [diagnostic],
  );
}

/** In which order edits at one place are made: what closes comes before what opens, the sign of a name is next to it. */
function rankOf({ span, newText }: TextEdit): number {
  if (span.start < span.end) return 5;
  if (newText === '%') return 6;
  const closing = [')', ' }', ';'].indexOf(newText);
  return closing >= 0 ? closing : newText === '\n}' ? 4 : newText.startsWith('\n') || newText.startsWith(' ') ? 3 : 4;
}

function jointFix(habits: readonly Diagnostic[]): readonly Fix[] {
  const fixes = habits.map((habit) => habit.fixes?.[0]);
  if (fixes.some((fix) => fix === undefined)) return [];
  const edits = fixes.flatMap((fix) => fix?.edits ?? []).sort((a, b) => rankOf(a) - rankOf(b));
  const titles = new Set(fixes.map((fix) => fix?.title));
  const [only] = titles;
  return [
    {
      title: titles.size === 1 && only !== undefined ? `${only} everywhere` : 'Write it as in Relay',
      edits,
      preferred: true,
    },
  ];
}
