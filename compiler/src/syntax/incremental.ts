/**
 * Parsing again after an edit. The smallest part whose borders the edit cannot have moved is parsed alone: a run of
 * statements, a function's header, a definition, the metadata section. Everything else keeps its nodes and anchors.
 * In doubt the next larger part is taken; the result is always that of `parseSource`.
 */
import type { IToken } from 'chevrotain';
import { complete, type Steps } from '../base/steps.ts';
import { assemble, isHashComment, isMisplacedString, isOpenComment, isOpenString, metadataPart } from './assemble.ts';
import { grammar, parseChunks } from './chunks.ts';
import type { Chunk, ParseContext } from './chunks.ts';
import { classify } from './classify.ts';
import { declaredDottedNames } from './dotted.ts';
import { isGuessed, markHeadless, startsLine } from './headless.ts';
import { hasHabits, mendHabits } from './habits.ts';
import { endOf, lex } from './lexer.ts';
import { repair } from './repair.ts';
import { definitionHeads, definitionStarts, isDefinitionHead } from './segments.ts';
import { buildTree, stateOf } from './state.ts';
import type { FileState } from './state.ts';
import type { SourceTree } from './tree.ts';
import { buildBody, parseUnit } from './units.ts';
import type { BodyUnit, Unit } from './units.ts';
import * as t from './vocabulary.ts';

/** The stretch `[start, end)` of a text was replaced by `newLength` characters. */
export interface TextChange {
  readonly start: number;
  readonly end: number;
  readonly newLength: number;
}

/**
 * The tree of `text`, made from the tree of `previousText`. `changes` lead from one text to the other in order, each
 * in offsets of the text that the ones before it left (as LSP sends them).
 */
export function reparse(
  previous: SourceTree,
  previousText: string,
  text: string,
  changes: readonly TextChange[],
): SourceTree {
  return complete(reparseSteps(previous, previousText, text, changes));
}

/** The same in steps, of which there are many only where the whole file must be parsed. */
export function* reparseSteps(
  previous: SourceTree,
  previousText: string,
  text: string,
  changes: readonly TextChange[],
): Steps<SourceTree> {
  const state = stateOf(previous);
  const change = trim(merge(changes), previousText, text);
  if (change === undefined) return previous;
  const fits = text.length === previousText.length - (change.end - change.start) + change.newLength;
  const next = state && fits && !state.fragile ? new Edit(state, previousText, text, change).apply() : undefined;
  return buildTree(next ?? (yield* assemble(text)));
}

/** One change that does what all of them do in order. */
function merge(changes: readonly TextChange[]): TextChange | undefined {
  let merged: TextChange | undefined;
  for (const { start, end, newLength } of changes) {
    if (merged === undefined) {
      merged = { start, end, newLength };
      continue;
    }
    const from = Math.min(merged.start, start);
    const oldEnd = merged.start + merged.newLength;
    const to = Math.max(oldEnd, end);
    merged = { start: from, end: merged.end + (to - oldEnd), newLength: to - from + newLength - (end - start) };
  }
  return merged;
}

/** Without what both texts share at the ends of the change; undefined when nothing is left. */
function trim(change: TextChange | undefined, before: string, after: string): TextChange | undefined {
  if (change === undefined) return undefined;
  let { start, end, newLength } = change;
  while (start < end && newLength > 0 && before.charCodeAt(start) === after.charCodeAt(start)) {
    start++;
    newLength--;
  }
  while (end > start && newLength > 0 && before.charCodeAt(end - 1) === after.charCodeAt(start + newLength - 1)) {
    end--;
    newLength--;
  }
  return end === start && newLength === 0 ? undefined : { start, end, newLength };
}

class Edit {
  private readonly state: FileState;
  private readonly before: string;
  private readonly text: string;
  private readonly change: TextChange;
  private readonly delta: number;
  private readonly context: ParseContext;

  constructor(state: FileState, before: string, text: string, change: TextChange) {
    this.state = state;
    this.before = before;
    this.text = text;
    this.change = change;
    this.delta = change.newLength - (change.end - change.start);
    this.context = { text, dottedNames: state.dottedNames };
  }

  /** The new state; undefined when the whole file must be parsed. */
  apply(): FileState | undefined {
    const { units, metadata, preamble } = this.state;
    let at = preamble.length;
    if (this.change.start <= at && units.length > 0) return undefined;
    for (const [k, unit] of units.entries()) {
      const end = at + unit.length;
      if (this.change.start > at && this.change.start < end && this.change.end < end) return this.editUnit(k, unit, at);
      // The last unit may grow at its end, where nothing follows it.
      if (this.change.end === end && this.change.start > at && k === units.length - 1 && !metadata)
        return this.editUnit(k, unit, at);
      at = end;
    }
    return this.editMetadata(at);
  }

  private editMetadata(at: number): FileState | undefined {
    const { metadata } = this.state;
    if (!metadata) return undefined;
    const head = this.before.indexOf(']', at) + 1;
    if (this.change.start < head) return undefined;
    const part = metadataPart(metadata.anchor, this.text.slice(at));
    return { ...this.state, metadata: part };
  }

  private editUnit(k: number, unit: Unit, at: number): FileState | undefined {
    // Behind brackets that were left open, where the next definition starts is a matter of the whole file.
    const named = unit.kind === 'body' && unit.header && this.change.start > at + unit.header.fnStart;
    if (!named && this.state.units.slice(0, k).some((x) => x.repaired !== 'no')) return undefined;
    const edited = unit.kind === 'body' ? (this.editChunks(unit, at) ?? this.editHeader(unit, at)) : undefined;
    const replacement = edited ? [edited] : this.editDefinition(k, unit, at);
    if (!replacement || !this.nextStays(k, at, unit, replacement)) return undefined;
    const units = [...this.state.units.slice(0, k), ...replacement, ...this.state.units.slice(k + 1)];
    return { ...this.state, units };
  }

  /** Whether the next definition is recognised even if the edited one leaves brackets open. */
  private nextStays(k: number, at: number, old: Unit, edited: readonly Unit[]): boolean {
    const next = this.state.units[k + 1];
    if (!next || edited.every((x) => x.repaired === 'no')) return true;
    return next.plain && this.text.charAt(at + old.length + this.delta - 1) === '\n';
  }

  // ---------------------------------------------------------------------------------------------- statements

  private editChunks(unit: BodyUnit, unitAt: number): BodyUnit | undefined {
    const { chunks } = unit;
    if (unit.repaired === 'across' || unit.bodyErrors) return undefined;
    const range = this.chunkRange(unit, unitAt);
    if (!range) return undefined;
    const { first, last, start, end } = range;
    if (unit.repaired === 'chunks' && chunks.some((c, i) => c.repaired && (i < first || i > last))) return undefined;
    const isLast = last === chunks.length - 1;
    const newEnd = end + this.delta;
    const tokens = this.scan(start, newEnd + (isLast ? unit.closing : 0), end);
    if (!tokens || tokens.some(isDefinitionHead)) return undefined;
    if (isLast && unit.closing > 0) {
      const brace = tokens.pop();
      if (brace?.tokenType !== t.RBrace || brace.startOffset !== newEnd) return undefined;
    }
    if (hasHabits(mendHabits(tokens, this.text))) return undefined;
    const repaired = repair(tokens, this.text);
    if (repaired.braces) return undefined;
    const { issues } = repaired;
    const { length: count } = repaired.tokens;
    const parsed = complete(parseChunks(repaired.tokens, 0, count, start, newEnd, isLast, issues, this.context));
    const length = parsed.reduce((sum, chunk) => sum + chunk.length, 0);
    if (length !== newEnd - start || (!isLast && !parsed[parsed.length - 1]?.closed)) return undefined;
    const all: Chunk[] = [...chunks.slice(0, first), ...parsed, ...chunks.slice(last + 1)];
    const isRepaired = all.some((chunk) => chunk.repaired);
    return buildBody({
      ...unit,
      length: unit.length + this.delta,
      chunks: all,
      repaired: isRepaired ? 'chunks' : 'no',
      braces: unit.header !== undefined,
    });
  }

  /** The chunks whose own text holds the edit, without touching the semicolon that ends the last of them. */
  private chunkRange(
    unit: BodyUnit,
    unitAt: number,
  ): { first: number; last: number; start: number; end: number } | undefined {
    let at = unitAt + unit.bodyStart;
    if (this.change.start < at) return undefined;
    let first = -1;
    let start = at;
    for (const [i, chunk] of unit.chunks.entries()) {
      const end = at + chunk.length;
      const isLast = i === unit.chunks.length - 1;
      if (first < 0 && (this.change.start < end || isLast)) {
        first = i;
        start = at;
      }
      if (first >= 0 && (isLast ? this.change.end <= end : chunk.closed && this.change.end < end))
        return { first, last: i, start, end };
      at = end;
    }
    return undefined;
  }

  // ---------------------------------------------------------------------------------------------- headers

  private editHeader(unit: BodyUnit, unitAt: number): BodyUnit | undefined {
    if (!unit.header || unit.bodyErrors || unit.repaired === 'across') return undefined;
    const end = unitAt + unit.bodyStart;
    if (this.change.end >= end) return undefined;
    const newEnd = end + this.delta;
    const tokens = this.scan(unitAt, newEnd, end);
    if (!tokens || tokens[0]?.tokenType !== t.Def || tokens[0].startOffset !== unitAt) return undefined;
    if (tokens.slice(1).some(isDefinitionHead)) return undefined;
    const brace = tokens.pop();
    if (brace?.tokenType !== t.LBrace || endOf(brace) !== newEnd) return undefined;
    if (hasHabits(mendHabits(tokens, this.text))) return undefined;
    const repaired = repair(tokens, this.text);
    if (repaired.issues.length > 0) return undefined;
    const parser = grammar();
    parser.load({
      tokens: [...repaired.tokens, brace],
      text: this.text,
      anchor: unit.anchor,
      base: unitAt,
      dottedNames: this.context.dottedNames,
    });
    const header = parser.header();
    if (parser.consumed !== repaired.tokens.length) return undefined;
    return buildBody({
      ...unit,
      length: unit.length + this.delta,
      header,
      bodyStart: unit.bodyStart + this.delta,
      errors: parser.takeDiagnostics(),
      braces: true,
    });
  }

  // ---------------------------------------------------------------------------------------------- definitions

  private editDefinition(k: number, unit: Unit, at: number): Unit[] | undefined {
    const end = at + unit.length;
    const newEnd = end + this.delta;
    const follows = k + 1 < this.state.units.length || this.state.metadata !== undefined;
    const tokens = this.scan(at, newEnd, end);
    const head = tokens?.[0];
    if (!tokens || !head || head.startOffset !== at || !isDefinitionHead(head)) return undefined;
    if (follows && (!endsCleanly(this.text, newEnd) || openAtEnd(tokens))) return undefined;
    const starts = definitionStarts(tokens, this.text);
    if (definitionHeads(tokens) !== starts.length) return undefined;
    return starts.map((start, i) => {
      const next = starts[i + 1]?.at;
      const stop = next === undefined ? newEnd : (tokens[next] as IToken).startOffset;
      const plain = start.plain && (i > 0 || unit.plain);
      return complete(parseUnit(tokens.slice(start.at, next), stop, plain, this.context));
    });
  }

  /**
   * The tokens of `[start, end)` in the new text, whose stretch in the old text ended at `oldEnd`; undefined when
   * they do not stand for themselves: something is left open, or names with dots are declared.
   */
  private scan(start: number, end: number, oldEnd: number): IToken[] | undefined {
    const lexed = lex(this.text.slice(start, end));
    if (lexed.unknown.length > 0) return undefined;
    const comment = lexed.comments[lexed.comments.length - 1];
    if (lexed.comments.some((x) => isOpenComment(x) || isHashComment(x))) return undefined;
    if (comment && endOf(comment) === end - start && end < this.text.length) return undefined;
    for (const token of lexed.tokens) token.startOffset += start;
    const tokens = markHeadless(classify(lexed.tokens), this.text);
    for (const token of tokens)
      if (token.tokenType === t.Version || token.tokenType === t.Metadata || isOpenString(token)) return undefined;
    if (tokens.some(isMisplacedString)) return undefined;
    // Whether a word was meant as the keyword of a definition depends on what stands before it.
    const head = tokens[0];
    if (head && isGuessed(head) && !startsLine(this.text, head.startOffset)) return undefined;
    return this.sameDottedNames(tokens, start, oldEnd) ? tokens : undefined;
  }

  private sameDottedNames(tokens: readonly IToken[], start: number, oldEnd: number): boolean {
    const known = this.state.dottedNames;
    const now = declaredDottedNames(tokens);
    for (const name of now) if (!known.has(name)) return false;
    if (known.size === 0) return true;
    const before = declaredDottedNames(classify(lex(this.before.slice(start, oldEnd)).tokens));
    for (const name of before) if (!now.has(name)) return false;
    return true;
  }
}

/** Whether the last character before `end` cannot be part of a token that goes on. */
function endsCleanly(text: string, end: number): boolean {
  return /[\s})\];]/.test(text.charAt(end - 1));
}

/** Whether brackets are left open, so that what follows might belong to it. */
function openAtEnd(tokens: readonly IToken[]): boolean {
  let depth = 0;
  for (const { tokenType } of tokens) {
    if (tokenType === t.LParen || tokenType === t.LSquare || tokenType === t.LBrace) depth++;
    else if (tokenType === t.RParen || tokenType === t.RSquare || tokenType === t.RBrace)
      depth = Math.max(0, depth - 1);
  }
  return depth !== 0;
}
