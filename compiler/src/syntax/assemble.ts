/** The whole file: header, units, metadata. */
import type { IToken, TokenType } from 'chevrotain';
import type { Diagnostic, Severity } from '../base/diagnostic.ts';
import { createAnchor } from '../base/span.ts';
import type { Anchor } from '../base/span.ts';
import type { Steps } from '../base/steps.ts';
import type { ParseContext } from './chunks.ts';
import { classify } from './classify.ts';
import { declaredDottedNames } from './dotted.ts';
import { markHeadless, startsLine } from './headless.ts';
import { endOf, lex } from './lexer.ts';
import type { LexResult } from './lexer.ts';
import { quote } from './messages.ts';
import { definitionHeads, definitionStarts } from './segments.ts';
import { mendSigils, type Sigils } from './sigils.ts';
import type { FileState, MetadataPart, Preamble } from './state.ts';
import type { VersionHeader } from './tree.ts';
import { parseExpressionUnit, parseUnit } from './units.ts';
import type { Unit } from './units.ts';
import * as t from './vocabulary.ts';

/** The version of the text format that TVM 0.12 writes. */
const knownVersion = '0.0.5';

/** Parses the whole of `text`, stopping between its parts. */
export function* assemble(text: string): Steps<FileState> {
  const lexed = lex(text);
  const sigils = mendSigils(text, lexed);
  yield;
  const all = classify(lexed.tokens);
  const last = all[all.length - 1];
  const metadata = last?.tokenType === t.Metadata ? metadataPart(createAnchor(), last.image) : undefined;
  const end = metadata ? (last as IToken).startOffset : text.length;
  const versions = all.filter((x) => x.tokenType === t.Version);
  const words = all.filter((x) => x.tokenType !== t.Version && x.tokenType !== t.Metadata);
  const script = scriptStart(words, text);
  const tokens = markHeadless(script === undefined ? words : words.slice(0, script), text);
  const context: ParseContext = { text, dottedNames: declaredDottedNames(tokens) };
  yield;
  const starts = definitionStarts(tokens, text);
  const offsets = starts.map(({ at }) => (tokens[at] as IToken).startOffset);
  const units: Unit[] = [];
  for (const [k, { at, plain }] of starts.entries()) {
    yield;
    units.push(yield* parseUnit(tokens.slice(at, starts[k + 1]?.at), offsets[k + 1] ?? end, plain, context));
  }
  const isModule = starts.length > 0;
  if (!isModule && tokens.length > 0) units.push(yield* parseExpressionUnit(tokens, end, context));
  const firstOffset = isModule ? offsets[0] : tokens[0]?.startOffset;
  const stray = isModule ? tokens.slice(0, starts[0]?.at) : [];
  const foreign = script === undefined ? undefined : words[script];
  const preamble = parsePreamble(text, firstOffset ?? end, versions, stray, isModule || tokens.length === 0, foreign);
  const lexical = lexicalErrors(text, lexed, sigils, preamble);
  // Whether a keyword within brackets starts a definition depends on all brackets before it.
  const hidden = definitionHeads(tokens) !== starts.length;
  const misplaced =
    hidden || script !== undefined || stray.length > 0 || preamble.errors.some((x) => x.code === 'misplaced-header');
  const fragile =
    misplaced ||
    lexical.length > 0 ||
    lexed.unknown.length > 0 ||
    all.some((token, i) => isOpenString(token) || isMisplacedString(token, i, all));
  return { preamble, units, metadata, lexical, dottedNames: context.dottedNames, fragile };
}

const decorator = /^@(?:\w+\.)+(?:function|prim_func|ir_module|script)$/;

/**
 * Where a script begins that only TVM's Python front end reads: `import tvm`, `from tvm import …`, `class Module:`,
 * `@R.function`. Nothing in it is Relay text.
 */
function scriptStart(tokens: readonly IToken[], text: string): number | undefined {
  const at = tokens.findIndex((token, i) => {
    const next = tokens[i + 1];
    if (token.tokenType === t.Global)
      return decorator.test(token.image) && next !== undefined && startsLine(text, next.startOffset);
    if (token.tokenType !== t.Identifier || next?.tokenType !== t.Identifier || !startsLine(text, token.startOffset))
      return false;
    if (token.image === 'class') return tokens[i + 2]?.tokenType === t.Colon || tokens[i + 2]?.tokenType === t.LParen;
    return (token.image === 'import' || token.image === 'from') && !startsLine(text, next.startOffset);
  });
  return at < 0 ? undefined : at;
}

/** The section that the text `image`, from `#[metadata]` to the end of the file, holds. */
export function metadataPart(anchor: Anchor, image: string): MetadataPart {
  const length = image.length;
  const json = image.slice(image.indexOf(']') + 1);
  return { anchor, length, section: { kind: 'metadata', span: { anchor, start: 0, end: length }, json } };
}

function parsePreamble(
  text: string,
  end: number,
  versions: readonly IToken[],
  stray: readonly IToken[],
  needsVersion: boolean,
  script: IToken | undefined,
): Preamble {
  const anchor = createAnchor();
  const first = versions[0];
  const lead = first && first.startOffset < end ? first.startOffset : 0;
  const errors: Diagnostic[] = [];
  const report = (
    code: string,
    severity: Severity,
    from: number,
    to: number,
    message: string,
    remedy: string,
    insert?: string,
  ): void => {
    const span = { anchor, start: from - lead, end: to - lead };
    const fix =
      insert === undefined ? {} : { fixes: [{ title: 'Insert the header', edits: [{ span, newText: insert }] }] };
    errors.push({ code, severity, span, message, remedy, ...fix });
  };
  let version: VersionHeader | undefined;
  const rest = [...versions];
  if (first && first.startOffset < end && stray.every((x) => x.startOffset > first.startOffset)) {
    rest.shift();
    const span = { anchor, start: first.startOffset - lead, end: endOf(first) - lead };
    const written = /^#\[\s*version\s*=\s*"([^"]*)"\s*\]$/.exec(first.image)?.[1];
    if (written === undefined)
      report(
        'malformed-header',
        'error',
        first.startOffset,
        endOf(first),
        `Expected a version header, found ${quote(first.image)}.`,
        `Write #[version = "${knownVersion}"].`,
      );
    else {
      version = { kind: 'version', span, version: written };
      if (written !== knownVersion)
        report(
          'unknown-version',
          'warning',
          first.startOffset,
          endOf(first),
          `The text says version ${quote(written)}; it is read as ${knownVersion}.`,
          `Write #[version = "${knownVersion}"] if the program is for TVM 0.12.`,
        );
    }
  } else if (needsVersion) {
    const header = `#[version = "${knownVersion}"]`;
    const message = /\S/.test(text) ? 'The module has no version header.' : 'The file is empty; expected a module.';
    report('missing-version', 'error', 0, 0, message, `Begin the file with ${header}.`, `${header}\n`);
  }
  for (const extra of rest)
    report(
      'misplaced-header',
      'error',
      extra.startOffset,
      endOf(extra),
      `A header such as ${quote(extra.image)} stands only once, at the start of the file.`,
      'Remove it.',
    );
  const junk = stray[0];
  if (junk)
    report(
      'unexpected-token',
      'error',
      junk.startOffset,
      endOf(junk),
      `Expected a definition, found ${quote(junk.image)}.`,
      'Start definitions with def or type.',
    );
  if (script)
    report(
      'unexpected-token',
      'error',
      script.startOffset,
      endOf(script),
      `Expected Relay text, found Python from ${quote(script.image)} on.`,
      'Write def @main(%x: Tensor[(2, 3), float32]) { … }; of a module in TVM, print(mod.astext()) writes the text.',
    );
  return { anchor, length: end, lead, version, errors };
}

/** Stretches that are no tokens, and comments without end; anchored at the preamble. */
function lexicalErrors(text: string, lexed: LexResult, { variables, bars }: Sigils, preamble: Preamble): Diagnostic[] {
  const errors: Diagnostic[] = [];
  const at = (anchor: Anchor, from: number, to: number): Diagnostic['span'] => ({
    anchor,
    start: from - preamble.lead,
    end: to - preamble.lead,
  });
  for (const { offset, length } of lexed.unknown) {
    const found = text.slice(offset, offset + length);
    if (bars.has(offset)) continue;
    const variable = variables.get(offset);
    if (variable) {
      const span = at(preamble.anchor, offset, variable.end);
      const newText = `%${variable.name}`;
      errors.push({
        code: 'unknown-character',
        severity: 'error',
        span,
        message: `Expected a variable such as ${newText}, found ${quote(text.slice(offset, variable.end))}.`,
        remedy: `Write ${newText}.`,
        fixes: [{ title: `Write ${newText}`, edits: [{ span, newText }], preferred: true }],
      });
      continue;
    }
    errors.push({
      code: 'unknown-character',
      severity: 'error',
      span: at(preamble.anchor, offset, offset + length),
      message: `${quote(found)} has no meaning in Relay text.`,
      remedy: remedies.get(found) ?? 'Remove it; names are made of ASCII letters, digits and _.',
    });
  }
  for (const open of lexed.comments) {
    if (isHashComment(open)) {
      const span = at(preamble.anchor, open.startOffset, open.startOffset + 1);
      errors.push({
        code: 'unknown-character',
        severity: 'error',
        span,
        message: 'Comments start with //, not with “#”.',
        remedy: 'Write // instead.',
        fixes: [{ title: 'Write //', edits: [{ span, newText: '//' }], preferred: true }],
        habit: true,
      });
    }
    if (!isOpenComment(open)) continue;
    const end = endOf(open);
    errors.push({
      code: 'unterminated-comment',
      severity: 'error',
      span: at(preamble.anchor, open.startOffset, open.startOffset + 2),
      message: 'The comment never ends.',
      remedy: 'Close it with */; comments nest, so every /* inside needs its own.',
      fixes: [
        {
          title: 'Close the comment at the end of its line',
          edits: [{ span: at(preamble.anchor, end, end), newText: ' */' }],
        },
      ],
    });
  }
  return errors;
}

/** What to write instead of signs that other languages have. */
const remedies: ReadonlyMap<string, string> = new Map([
  ['&&', 'Write logical_and(…, …).'],
  ['&', 'Write logical_and(…, …), or bitwise_and(…, …).'],
  ['||', 'Write logical_or(…, …).'],
  ['|', 'Write logical_or(…, …), or “,” between constructors.'],
  ['!', 'Write logical_not(…).'],
  ['^', 'Write power(…, …), or bitwise_xor(…, …).'],
  ['\\', 'Write fn (%x) { … } for a function.'],
  ['%', 'Write % right before the name of a variable.'],
  ['@', 'Write @ right before the name of a function.'],
]);

/** Whether a comment is written as in Python. */
export function isHashComment(comment: IToken): boolean {
  return comment.image.startsWith('#');
}

/** Whether a block comment lacks its end. */
export function isOpenComment(comment: IToken): boolean {
  const { image } = comment;
  if (!image.startsWith('/*') || (image.endsWith('*/') && image.length > 3 && !image.includes('/*', 2))) return false;
  let depth = 0;
  for (const [mark] of image.matchAll(/\/\*|\*\//g)) depth += mark === '/*' ? 1 : -1;
  return depth > 0;
}

/** Whether a string has no closing quotation mark. */
export function isOpenString(token: IToken): boolean {
  const { image, tokenType } = token;
  return tokenType === t.StringLiteral && image.startsWith('"') && (image.length < 2 || !image.endsWith('"'));
}

/** Whether a string stands where none can: what it ends with then depends on the rest of its line. */
export function isMisplacedString(token: IToken, i: number, tokens: readonly IToken[]): boolean {
  if (token.tokenType !== t.StringLiteral) return false;
  const before = tokens[i - 1]?.tokenType;
  return before === undefined || !beforeString.has(before);
}

const beforeString = new Set<TokenType>([t.Assign, t.Comma, t.LSquare, t.LParen, t.Import]);
