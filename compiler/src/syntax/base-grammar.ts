/** What all grammar rules share: spans, failing, skipping, depth. */
import { EmbeddedActionsParser, isRecognitionException } from 'chevrotain';
import type { IToken, TokenType } from 'chevrotain';
import type { Diagnostic, Fix } from '../base/diagnostic.ts';
import type { Anchor, Span } from '../base/span.ts';
import { endOf } from './lexer.ts';
import { describeFound, quote } from './messages.ts';
import type { Expr, MissingExpr, Name } from './tree.ts';
import * as t from './vocabulary.ts';

/** Thrown after a diagnostic was recorded; the nearest list or statement catches it and skips on. */
export const syntaxFailure = { syntaxFailure: true };

/** Nesting beyond this is reported instead of parsed: every later stage recurses over expressions. */
const maximumDepth = 120;

/** Expressions that are more often a slip than the value that was meant. */
const simpleKinds = new Set<Expr['kind']>([
  'int',
  'float',
  'bool',
  'local',
  'graphref',
  'global',
  'name',
  'meta',
  'missing',
]);
const openers = new Set<TokenType>([t.LParen, t.LSquare, t.LBrace]);
const closers = new Set<TokenType>([t.RParen, t.RSquare, t.RBrace]);

/** What the source says beyond the tokens; the parser never looks at anything else. */
export interface ChunkContext {
  readonly tokens: IToken[];
  /** Text that the tokens' offsets refer to. */
  readonly text: string;
  readonly anchor: Anchor;
  /** Offset of the anchor in `text`. */
  readonly base: number;
  /** Names such as `input.1` that are declared somewhere in the file. */
  readonly dottedNames: ReadonlySet<string>;
}

export abstract class BaseGrammar extends EmbeddedActionsParser {
  protected anchor: Anchor = { id: -1 };
  protected base = 0;
  protected text = '';
  protected dottedNames: ReadonlySet<string> = new Set();
  protected depth = 0;
  private levels: Map<IToken, number> | undefined;
  /** Whether brackets nest deeper than is read: what stands in them is skipped, not salvaged. */
  private tooDeep = false;
  /** Diagnostics of the chunk that is being parsed. */
  protected diagnostics: Diagnostic[] = [];

  constructor() {
    super(t.vocabulary, { maxLookahead: 1, recoveryEnabled: false, skipValidations: true });
  }

  /** Points the parser at one chunk and clears all state. */
  load(context: ChunkContext): void {
    this.input = context.tokens;
    this.anchor = context.anchor;
    this.base = context.base;
    this.text = context.text;
    this.dottedNames = context.dottedNames;
    this.depth = 0;
    this.diagnostics = [];
    this.levels = undefined;
    this.tooDeep = false;
  }

  /** Number of tokens consumed since `load`. */
  get consumed(): number {
    return this.atEnd() ? this.input.length : this.input.indexOf(this.LA(1));
  }

  /** Diagnostics since `load`. */
  takeDiagnostics(): Diagnostic[] {
    return this.diagnostics;
  }

  // ---------------------------------------------------------------------------------------------- spans

  /** Start of the next token. */
  protected here(): number {
    const next = this.LA(1);
    return this.atEnd() ? this.previousEnd() : next.startOffset - this.base;
  }
  protected atEnd(): boolean {
    return Number.isNaN(this.LA(1).startOffset);
  }
  /** End of the token consumed last. */
  protected previousEnd(): number {
    const last = this.LA(0);
    return Number.isNaN(last.startOffset) ? 0 : endOf(last) - this.base;
  }
  /** From `start` to the end of the token consumed last. */
  protected since(start: number): Span {
    return { anchor: this.anchor, start, end: Math.max(start, this.previousEnd()) };
  }
  protected spanOf(token: IToken): Span {
    if (this.RECORDING_PHASE) return this.emptySpan(0);
    const start = token.startOffset - this.base;
    return { anchor: this.anchor, start, end: start + token.image.length };
  }
  protected emptySpan(at: number): Span {
    return { anchor: this.anchor, start: at, end: at };
  }
  protected nameOf(token: IToken, sigil: 0 | 1 = 0): Name {
    if (this.RECORDING_PHASE) return { text: '', span: this.emptySpan(0) };
    // A variable that was declared without its sign is used without it.
    const signed = sigil === 1 && /^[%@]/.test(token.image);
    return { text: signed ? token.image.slice(1) : token.image, span: this.spanOf(token) };
  }

  // ---------------------------------------------------------------------------------------------- errors

  protected report(
    code: string,
    span: Span,
    message: string,
    remedy?: string,
    fix?: Fix,
    severity: Diagnostic['severity'] = 'error',
  ): Diagnostic {
    const diagnostic = { code, severity, span, message, ...advice(remedy, fix) };
    this.diagnostics.push(diagnostic);
    return diagnostic;
  }

  /** Reports a slip that comes from the habit of another notation. */
  protected reportHabit(code: string, span: Span, message: string, remedy: string, fix?: Fix): Diagnostic {
    const diagnostic = { code, severity: 'error', span, message, ...advice(remedy, fix), habit: true } as const;
    this.diagnostics.push(diagnostic);
    return diagnostic;
  }

  /** Gives a diagnostic the repair that is known only when more was read; it may be gone by then. */
  protected addFix(told: Diagnostic, fix: Fix): void {
    const at = this.diagnostics.indexOf(told);
    if (at >= 0) this.diagnostics[at] = { ...told, fixes: [fix] };
  }

  /** Settled by syntax: TVM's own parser would not take this. */
  protected extension(span: Span, what: string, remedy: string): void {
    this.report('extension-syntax', span, what, remedy, undefined, 'information');
  }

  /** The next token, in words. */
  protected found(): string {
    return describeFound(this.LA(1));
  }

  /** Where something is missing: the next token when it stands on the same line, else right behind the last one. */
  protected gapSpan(): Span {
    const end = this.previousEnd();
    if (this.atEnd()) return this.emptySpan(end);
    const next = this.LA(1);
    const between = this.text.slice(end + this.base, next.startOffset);
    return between.includes('\n') && !Number.isNaN(this.LA(0).startOffset) ? this.emptySpan(end) : this.spanOf(next);
  }

  /** Reports that `wanted` does not stand here, and gives up the current element. */
  protected fail(code: string, wanted: string, remedy?: string): never {
    this.report(code, this.gapSpan(), `Expected ${wanted}, found ${this.found()}.`, remedy);
    throw syntaxFailure;
  }

  /** Whether an exception is a given-up element; one that Chevrotain raised by itself is reported here. */
  protected isFailure(error: unknown): boolean {
    if (error === syntaxFailure) return true;
    // The host's stack may be nearly used up before parsing starts.
    if (error instanceof RangeError) {
      this.reportTooDeep();
      return true;
    }
    if (!(error instanceof Error) || !isRecognitionException(error)) return false;
    this.report('unexpected-token', this.gapSpan(), `Expected something else here, found ${this.found()}.`);
    return true;
  }

  /** `CONSUME` with a message in the language's terms. */
  protected take(idx: number, type: TokenType, wanted: string, code = 'unexpected-token', remedy?: string): IToken {
    if (!this.RECORDING_PHASE && this.LA(1).tokenType !== type) this.fail(code, wanted, remedy);
    return this.consume(idx, type);
  }

  /**
   * Skips to the first of `stops` in the bracket group that holds `mark`, or to that group's closer, however deep
   * inside of it parsing stopped.
   */
  protected skipTo(mark: IToken, ...stops: readonly TokenType[]): void {
    const level = this.levelOf(mark) - (openers.has(mark.tokenType) ? 1 : 0);
    while (!this.atEnd()) {
      const next = this.LA(1);
      const own = this.levelOf(next);
      if (closers.has(next.tokenType) ? own <= level : own < level) return;
      if (stops.includes(next.tokenType) && own - (openers.has(next.tokenType) ? 1 : 0) === level) return;
      this.SKIP_TOKEN();
    }
  }

  protected skipRest(): void {
    while (!this.atEnd()) this.SKIP_TOKEN();
  }

  /** Whether an expression can start with the next token, and one that does; defined by the grammar of expressions. */
  protected abstract startsFragment(): boolean;
  protected abstract fragment(): Expr;

  /**
   * Skips like `skipTo`, but reads the expressions on the way: in broken text the names and calls that are whole keep
   * their meaning. Nothing is reported; that the text is broken already was.
   */
  protected salvage(mark: IToken, ...stops: readonly TokenType[]): Expr[] {
    const parts: Expr[] = [];
    if (this.tooDeep) {
      this.skipTo(mark, ...stops);
      return parts;
    }
    const level = this.levelOf(mark) - (openers.has(mark.tokenType) ? 1 : 0);
    while (!this.atEnd()) {
      const next = this.LA(1);
      const own = this.levelOf(next);
      if (closers.has(next.tokenType) ? own <= level : own < level) break;
      if (stops.includes(next.tokenType) && own === level) break;
      if (this.startsFragment()) this.readFragment(next, parts);
      else this.SKIP_TOKEN();
    }
    return parts;
  }

  private readFragment(start: IToken, parts: Expr[]): void {
    const reported = this.diagnostics.length;
    const depth = this.depth;
    try {
      parts.push(this.fragment());
    } catch (error) {
      if (!this.isFailure(error)) throw error;
      this.depth = depth;
      if (this.LA(1) === start) this.SKIP_TOKEN();
    }
    this.diagnostics.length = reported;
  }

  protected missing(at: number): MissingExpr {
    return { kind: 'missing', span: this.emptySpan(at) };
  }

  /** What broken text is taken for: its only expression, or a missing one that holds all that could be read. */
  protected recovered(parts: readonly Expr[], at: number): Expr {
    const [first] = parts;
    const last = parts[parts.length - 1];
    if (!first || !last) return this.missing(at);
    if (parts.length === 1) return first;
    const span = { anchor: this.anchor, start: first.span.start, end: last.span.end };
    const compound = parts.filter((part) => !simpleKinds.has(part.kind));
    const [likely] = compound;
    return { kind: 'missing', span, parts, ...(likely && compound.length === 1 ? { likely } : {}) };
  }

  /** Number of brackets around a token; a bracket counts as inside of itself. Computed when first needed. */
  private levelOf(token: IToken): number {
    if (this.levels === undefined) {
      this.levels = new Map();
      let level = 0;
      for (const each of this.input) {
        if (openers.has(each.tokenType)) level++;
        this.levels.set(each, level);
        if (closers.has(each.tokenType)) level--;
      }
    }
    return this.levels.get(token) ?? 0;
  }

  /**
   * The elements of a bracketed list and its closing bracket. As in TVM a trailing comma is fine and commas are
   * optional after the first one (that deserves a warning). A broken element is skipped alone; `salvaged` is given
   * the expressions in it, where the elements are expressions. `slip` may read an element that starts wrongly.
   */
  protected elements(
    idx: number,
    closer: TokenType,
    noun: string,
    element: () => void,
    salvaged?: (broken: Expr) => void,
    slip?: () => boolean,
  ): void {
    let needsComma = false;
    let sawComma = false;
    const alternatives = [
      {
        ALT: () => {
          const comma = this.consume(idx + 100, t.Comma);
          if (!needsComma && !this.RECORDING_PHASE)
            this.report(
              'unexpected-comma',
              this.spanOf(comma),
              `Expected ${noun} before the comma.`,
              'Remove the comma.',
              { title: 'Remove the comma', edits: [{ span: this.spanOf(comma), newText: '' }], preferred: true },
            );
          needsComma = false;
          sawComma = true;
        },
      },
      {
        ALT: () => {
          if (needsComma) this.reportMissingComma(noun, sawComma);
          needsComma = true;
          const depth = this.depth;
          const mark = this.LA(1);
          try {
            element();
          } catch (error) {
            if (!this.isFailure(error)) throw error;
            this.depth = depth;
            skip(mark);
          }
        },
      },
    ];
    const skip = (mark: IToken): void => {
      if (salvaged === undefined || mark.tokenType === t.AttributeKey) this.skipTo(mark, t.Comma);
      else {
        const parts = this.salvage(mark, t.Comma);
        if (parts.length > 0) salvaged(this.recovered(parts, 0));
      }
    };
    const step = (): unknown => this.or(idx + 100, alternatives);
    for (;;) {
      this.many(idx + 100, step);
      if (this.RECORDING_PHASE || this.LA(1).tokenType === closer || this.atEnd()) break;
      if (!needsComma && slip?.()) {
        needsComma = true;
        continue;
      }
      const wanted = needsComma ? `“,” or “${closerText(closer)}”` : `${noun} or “${closerText(closer)}”`;
      this.reportUnexpected(wanted, closer);
      skip(this.LA(1));
      if (this.LA(1).tokenType !== t.Comma) break;
      needsComma = true;
    }
    this.take(idx + 100, closer, `“${closerText(closer)}”`);
  }

  private reportUnexpected(wanted: string, closer: TokenType): void {
    const found = this.LA(1);
    const remedy =
      found.tokenType === t.Assign
        ? 'Attributes are written name=value, behind all arguments.'
        : `Remove ${quote(found.image)}, or close the list with “${closerText(closer)}” before it.`;
    this.report('unexpected-token', this.gapSpan(), `Expected ${wanted}, found ${this.found()}.`, remedy);
  }

  /** Whether characters that are no token were left out before the next one; they are reported already. */
  protected behindUnknown(): boolean {
    if (this.atEnd()) return false;
    const between = this.text.slice(this.previousEnd() + this.base, this.LA(1).startOffset);
    return /[^\s]/.test(between.replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, ''));
  }

  private reportMissingComma(noun: string, sawComma: boolean): void {
    if (this.behindUnknown()) return;
    const at = this.emptySpan(this.previousEnd());
    this.report(
      'missing-comma',
      at,
      `Expected “,” before the next ${noun.replace(/^an? /, '')}.`,
      'Insert a comma.',
      { title: 'Insert a comma', edits: [{ span: at, newText: ',' }], preferred: true },
      sawComma ? 'warning' : 'error',
    );
  }

  /** Counts nesting; reports and gives up beyond the maximum. Balance with `leave`. */
  protected enter(): void {
    if (++this.depth > maximumDepth && !this.RECORDING_PHASE) {
      this.reportTooDeep();
      throw syntaxFailure;
    }
  }
  private reportTooDeep(): void {
    this.tooDeep = true;
    this.report(
      'nesting-too-deep',
      this.atEnd() ? this.emptySpan(this.previousEnd()) : this.spanOf(this.LA(1)),
      `Brackets nest deeper here than the ${maximumDepth} levels that are read.`,
      'Bind inner parts to names with let.',
    );
  }
  protected leave(): void {
    this.depth--;
  }
}

function advice(remedy: string | undefined, fix: Fix | undefined): Pick<Diagnostic, 'remedy' | 'fixes'> {
  return { ...(remedy === undefined ? {} : { remedy }), ...(fix === undefined ? {} : { fixes: [fix] }) };
}

function closerText(closer: TokenType): string {
  return closer === t.RParen ? ')' : closer === t.RSquare ? ']' : '}';
}
