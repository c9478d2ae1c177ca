/**
 * Token types of Relay text. Identifiers are scanned with one pattern and told apart from keywords afterwards
 * (`classify.ts`), and binders such as `%0 =` or `key =` get types of their own there, so that the grammar decides
 * everywhere by one token of lookahead.
 */
import { createToken, Lexer } from 'chevrotain';
import type { CustomPatternMatcherReturn, IToken, TokenType } from 'chevrotain';

// ------------------------------------------------------------------------------------------------ trivia

export const WhiteSpace = createToken({ name: 'WhiteSpace', pattern: /[ \t\r\n]+/, group: Lexer.SKIPPED });
export const LineComment = createToken({ name: 'LineComment', pattern: /\/\/[^\n]*|#(?!\[)[^\n]*/, group: 'comments' });
export const BlockComment = createToken({
  name: 'BlockComment',
  pattern: { exec: scanBlockComment },
  start_chars_hint: ['/'],
  line_breaks: true,
  group: 'comments',
});

/** Unclosed comments that one text may have before the rest of it counts as one; bounds the time for hopeless texts. */
const maximumOpenComments = 16;
let openComments = 0;
/** Where a run of `-` ends that no number follows: none of its signs belongs to a literal. */
let barrenSigns = 0;

/** To be called before each text is scanned. */
export function resetScanner(): void {
  openComments = 0;
  barrenSigns = 0;
}

/** Block comments nest. One that is never closed ends with its line, so that the rest of the file stays readable. */
function scanBlockComment(text: string, offset: number): CustomPatternMatcherReturn | null {
  if (text.charCodeAt(offset) !== 47 || text.charCodeAt(offset + 1) !== 42) return null;
  let depth = 1;
  let at = offset + 2;
  while (depth > 0) {
    const close = text.indexOf('*/', at);
    if (close < 0) {
      const newline = ++openComments > maximumOpenComments ? -1 : text.indexOf('\n', offset);
      return [text.slice(offset, newline < 0 ? text.length : newline)];
    }
    let open = text.indexOf('/*', at);
    while (open >= 0 && open < close) {
      depth++;
      at = open + 2;
      // In `/*/` the slash belongs to the opening.
      if (at > close) break;
      open = text.indexOf('/*', at);
    }
    if (at > close) continue;
    depth--;
    at = close + 2;
  }
  return [text.slice(offset, at)];
}

// ------------------------------------------------------------------------------------------------ literals, names

export const StringLiteral = createToken({
  name: 'StringLiteral',
  pattern: { exec: scanString },
  start_chars_hint: ['"', "'", '“', '”', '‘', '’'],
  line_breaks: true,
});

const sameLineString = /"(?:[^"\\\n]|\\.)*"/y;
const rawSameLineString = /"[^"\n]*"/y;
const longString = /"[^"]*"(?=\s*[,)\]};])/y;
const openString = /"[^\n]*?(?=[)\]};,]{0,8}[ \t\r]{0,8}(?:\n|$))/y;

/**
 * Strings run to the next quote. One that crosses lines is taken as such only when what follows can follow a string;
 * otherwise a quote was forgotten, and the string ends before the punctuation at its line's end, so that the rest of
 * the file stays readable.
 */
function scanString(text: string, offset: number, matched: IToken[]): CustomPatternMatcherReturn | null {
  const quoted = otherQuotes.exec(text.slice(offset, offset + longestLine));
  if (quoted) return [quoted[0]];
  if (text.charCodeAt(offset) !== 34) return null;
  const previous = matched[matched.length - 1];
  if (previous && !beforeString.has(previous.tokenTypeIdx) && previous.image !== 'import' && oddQuotes(text, offset))
    return ['"'];
  for (const pattern of [sameLineString, rawSameLineString, longString, openString]) {
    pattern.lastIndex = offset;
    const match = pattern.exec(text);
    if (match) return [match[0]];
  }
  return null;
}

/** Strings in the quotes of other languages or of word processors. */
const otherQuotes = /^(?:['‘’][^'‘’"\n;]*['‘’]|[“”][^“”"\n;]*[“”"])/;

/** Whether an odd number of quotation marks stands in the rest of the line: one of them is too much. */
function oddQuotes(text: string, offset: number): boolean {
  let odd = false;
  for (let i = offset; i < text.length && i - offset < longestLine; i++) {
    const c = text.charCodeAt(i);
    if (c === 10) break;
    if (c === 34) odd = !odd;
  }
  return odd;
}

/** How far quotation marks are counted. */
const longestLine = 500;

/** Everything that starts like a number, well formed or not; `numbers.ts` tells which. */
const numberTail = '[0-9](?:[eE][+-](?=[0-9])|[\\w.])*';
const numberPattern = new RegExp(numberTail, 'y');
const signedPattern = new RegExp(`-+(?:${numberTail}|(?:inf|nan)f(?:16|32|64)?(?![\\w/]))`, 'y');

export const NumberLiteral = createToken({ name: 'NumberLiteral', pattern: numberPattern });

/** A sign belongs to the literal, except directly behind an operand: `1-2` is a subtraction. */
function scanSigned(text: string, offset: number, matched: IToken[]): CustomPatternMatcherReturn | null {
  const previous = matched[matched.length - 1];
  if (previous && previous.startOffset + previous.image.length === offset && endsOperand.has(previous.tokenTypeIdx))
    return null;
  if (offset < barrenSigns) return null;
  signedPattern.lastIndex = offset;
  const match = signedPattern.exec(text);
  if (match) return [match[0]];
  barrenSigns = offset + 1;
  while (text.charCodeAt(barrenSigns) === 45) barrenSigns++;
  return null;
}

export const SignedLiteral = createToken({
  name: 'SignedLiteral',
  pattern: { exec: scanSigned },
  start_chars_hint: ['-'],
  line_breaks: false,
  categories: [NumberLiteral],
});
export const InfLiteral = createToken({
  name: 'InfLiteral',
  pattern: /(?:inf|nan)f(?:16|32|64)?(?![\w/])/,
  categories: [NumberLiteral],
});

// Names may hold `/`; printed dumps also hold `.` and `:` (`%conv.weight`, `%input:0`), which read as one name where
// nothing else can be meant: `%t.0` stays a projection and `%x:int32` an annotation.
const nameTail = '\\w*(?:\\/\\w+)*(?:(?:\\.\\w+|:[0-9]+)*\\.[A-Za-z_]\\w*(?:\\/\\w+)*|:[0-9]+(?![\\w.]))*';

export const Local = createToken({ name: 'Local', pattern: new RegExp(`%[A-Za-z_]${nameTail}`) });
export const Graph = createToken({ name: 'Graph', pattern: /%[0-9]\w*/ });
export const Global = createToken({ name: 'Global', pattern: new RegExp(`@[A-Za-z_]${nameTail}`) });
export const MetaReference = createToken({ name: 'MetaReference', pattern: /meta\[[^\][\n]*\]\[[0-9]+\]/ });
export const Identifier = createToken({
  name: 'Identifier',
  pattern: /[A-Za-z_]\w*(?:\/\w+)*(?:\.[A-Za-z_]\w*(?:\/\w+)*)*/,
});
export const PartialMatch = createToken({ name: 'PartialMatch', pattern: /match\?/ });
/** `.0`, with nothing between: a projection. */
export const Index = createToken({ name: 'Index', pattern: /\.[0-9]+/ });

// Told apart from identifiers, numbers and graph references after scanning.
const later = (name: string): TokenType => createToken({ name, pattern: Lexer.NA });
export const GraphBinder = later('GraphBinder');
export const AttributeKey = later('AttributeKey');
export const Boolean = later('Boolean');
export const Underscore = later('Underscore');
export const TensorName = later('TensorName');
export const Let = later('Let');
export const Fn = later('Fn');
export const Def = later('Def');
export const If = later('If');
export const Else = later('Else');
export const Type = later('Type');
export const Match = later('Match');
export const Extern = later('Extern');
export const FreeVar = later('FreeVar');
export const Ref = later('Ref');
export const RefRead = later('RefRead');
export const RefWrite = later('RefWrite');
export const Import = later('Import');
/** A header: `#[version = "0.0.5"]`, or another one to report. */
export const Version = createToken({ name: 'Version', pattern: /#\[(?!\s*metadata\s*\])[^\]\n]*\]?/ });
export const Metadata = createToken({
  name: 'Metadata',
  pattern: { exec: scanMetadata },
  start_chars_hint: ['#'],
  line_breaks: true,
});

const metadataHead = /#\[\s*metadata\s*\]/y;

/** The section reaches to the end of the file; a slice shares the text's memory. */
function scanMetadata(text: string, offset: number): CustomPatternMatcherReturn | null {
  metadataHead.lastIndex = offset;
  return metadataHead.test(text) ? [text.slice(offset)] : null;
}

// ------------------------------------------------------------------------------------------------ punctuation

const mark = (name: string, text: string): TokenType => createToken({ name, pattern: text });
export const LParen = mark('LParen', '(');
export const RParen = mark('RParen', ')');
export const LSquare = mark('LSquare', '[');
export const RSquare = mark('RSquare', ']');
export const LBrace = mark('LBrace', '{');
export const RBrace = mark('RBrace', '}');
export const Comma = mark('Comma', ',');
export const Semicolon = mark('Semicolon', ';');
export const Colon = mark('Colon', ':');
export const Dot = mark('Dot', '.');
export const Question = mark('Question', '?');
export const Arrow = mark('Arrow', '->');
export const FatArrow = mark('FatArrow', '=>');
export const Assign = mark('Assign', '=');
export const InfixOperator = createToken({ name: 'InfixOperator', pattern: Lexer.NA });
const infix = (name: string, text: string): TokenType =>
  createToken({ name, pattern: text, categories: [InfixOperator] });
export const Plus = infix('Plus', '+');
export const Minus = infix('Minus', '-');
export const Star = infix('Star', '*');
export const Slash = infix('Slash', '/');
export const Less = infix('Less', '<');
export const LessEqual = infix('LessEqual', '<=');
export const Greater = infix('Greater', '>');
export const GreaterEqual = infix('GreaterEqual', '>=');
export const Equal = infix('Equal', '==');
export const NotEqual = infix('NotEqual', '!=');

/** Spellings that are tokens of their own instead of identifiers. */
export const reservedWords: ReadonlyMap<string, TokenType> = new Map([
  ['let', Let],
  ['fn', Fn],
  ['def', Def],
  ['if', If],
  ['else', Else],
  ['type', Type],
  ['match', Match],
  ['extern', Extern],
  ['free_var', FreeVar],
  ['ref', Ref],
  ['ref_read', RefRead],
  ['ref_write', RefWrite],
  ['True', Boolean],
  ['False', Boolean],
  ['_', Underscore],
]);

/** In the order in which they are tried. */
export const vocabulary: TokenType[] = [
  WhiteSpace,
  LineComment,
  BlockComment,
  MetaReference,
  PartialMatch,
  InfLiteral,
  Identifier,
  Local,
  Graph,
  Global,
  NumberLiteral,
  SignedLiteral,
  StringLiteral,
  Index,
  Metadata,
  Version,
  Arrow,
  FatArrow,
  Equal,
  NotEqual,
  LessEqual,
  GreaterEqual,
  LParen,
  RParen,
  LSquare,
  RSquare,
  LBrace,
  RBrace,
  Comma,
  Semicolon,
  Colon,
  Dot,
  Question,
  Assign,
  Plus,
  Minus,
  Star,
  Slash,
  Less,
  Greater,
  GraphBinder,
  AttributeKey,
  Boolean,
  Underscore,
  TensorName,
  Let,
  Fn,
  Def,
  If,
  Else,
  Type,
  Match,
  Extern,
  FreeVar,
  Ref,
  RefRead,
  RefWrite,
  Import,
  InfixOperator,
];

const index = (type: TokenType): number => type.tokenTypeIdx ?? -1;

/** Token types that a string can follow. */
const beforeString: ReadonlySet<number> = new Set([Assign, Comma, LSquare, LParen].map(index));

/** Token types after which a directly adjacent `-` is an operator. */
const endsOperand: ReadonlySet<number> = new Set(
  [
    NumberLiteral,
    SignedLiteral,
    InfLiteral,
    Local,
    Graph,
    Identifier,
    MetaReference,
    Index,
    RParen,
    RSquare,
    RBrace,
  ].map(index),
);
