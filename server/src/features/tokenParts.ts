/**
 * Semantic tokens statement by statement. A statement that was neither edited nor learnt anew keeps its numbers, so
 * after a keystroke only the statement around it is coloured again, and a delta is found without looking at the rest.
 */
import type { Steps } from '../../../compiler/src/base/steps.ts';
import type { Block, Expr, Node, Statement } from '../../../compiler/src/syntax/tree.ts';
import type { CheckedSnapshot } from '../snapshot.ts';
import { tokenModifiers, tokensUnder, tokenTypes, type SemanticToken } from './semanticTokens.ts';

/** Numbers of a token: line and character relative to the one before, length, type, modifiers. */
const width = 5;

/** The tokens of a stretch of text, wherever it lies. */
export interface Segment {
  /** LSP's numbers; the first token's line and character are relative to the stretch's start. */
  readonly data: readonly number[];
  /** Where the last token starts, relative to the stretch's start. */
  readonly lastLine: number;
  readonly lastCharacter: number;
}

/** A segment in a document: its first token's place relative to the last token before. */
export interface Part {
  readonly segment: Segment;
  readonly line: number;
  readonly character: number;
}

/** The numbers of tokens in the order of the text. `base` is the offset that the segment starts at. */
export function segmentOf(
  snapshot: Pick<CheckedSnapshot, 'lines'>,
  tokens: readonly SemanticToken[],
  base: number,
): Segment {
  const start = snapshot.lines.position(base);
  const data: number[] = [];
  let line = 0;
  let character = 0;
  for (const token of tokens) {
    const at = snapshot.lines.position(token.range.start);
    const newLine = at.line - start.line;
    const newCharacter = newLine === 0 ? at.character - start.character : at.character;
    const modifiers = token.modifiers.reduce((bits, name) => bits | (1 << tokenModifiers.indexOf(name)), 0);
    const sameLine = newLine === line;
    data.push(
      newLine - line,
      sameLine ? newCharacter - character : newCharacter,
      token.range.end - token.range.start,
      tokenTypes.indexOf(token.type),
      modifiers,
    );
    line = newLine;
    character = newCharacter;
  }
  return { data, lastLine: line, lastCharacter: character };
}

/** Segments of statements, by what the checker found out about them. */
const segments = new WeakMap<object, { readonly node: Node; readonly segment: Segment }>();

/** Statements coloured anew between two stops of the work. */
const statementsAtATime = 32;

/** The whole document's tokens. */
export function* tokenParts(snapshot: CheckedSnapshot): Steps<readonly Part[]> {
  const parts: Part[] = [];
  let fresh = 0;
  let line = 0;
  let character = 0;
  const add = (segment: Segment, base: number): void => {
    const { data } = segment;
    if (data.length === 0) return;
    const start = snapshot.lines.position(base);
    const absolute = (l: number, c: number) => ({ line: start.line + l, character: l === 0 ? start.character + c : c });
    const first = absolute(data[0] ?? 0, data[1] ?? 0);
    const newLine = first.line - line;
    parts.push({ segment, line: newLine, character: newLine === 0 ? first.character - character : first.character });
    ({ line, character } = absolute(segment.lastLine, segment.lastCharacter));
  };
  const whole = (node: Node, except?: Node): void => {
    const base = snapshot.tree.anchors.get(node.span.anchor) ?? 0;
    add(segmentOf(snapshot, tokensUnder(snapshot, [node], undefined, except), base), base);
  };
  const statement = (node: Statement | Expr): void => {
    const base = snapshot.tree.anchors.get(node.span.anchor) ?? 0;
    const findings = snapshot.check.findings(node);
    const known = findings && segments.get(findings);
    if (known?.node === node) return add(known.segment, base);
    const segment = segmentOf(snapshot, tokensUnder(snapshot, [node]), base);
    if (findings) segments.set(findings, { node, segment });
    fresh++;
    add(segment, base);
  };
  const block = function* (body: Block): Steps<void> {
    for (const node of [...body.statements, body.result]) {
      statement(node);
      if (fresh % statementsAtATime === statementsAtATime - 1) {
        fresh = 0;
        yield;
      }
    }
  };
  for (const definition of snapshot.tree.definitions) {
    if (definition.kind === 'def') {
      whole(definition, definition.fn.body);
      yield* block(definition.fn.body);
    } else whole(definition);
  }
  if (snapshot.tree.expression) yield* block(snapshot.tree.expression);
  return parts;
}

/** LSP's numbers of consecutive parts. */
export function tokenData(parts: readonly Part[]): number[] {
  const result: number[] = [];
  for (const { segment, line, character } of parts) {
    const at = result.length;
    for (const n of segment.data) result.push(n);
    if (segment.data.length === 0) continue;
    result[at] = line;
    result[at + 1] = character;
  }
  return result;
}

export interface TokenEdit {
  readonly start: number;
  readonly deleteCount: number;
  readonly data: number[];
}

/** The one edit that makes `after` of `before`, in whole tokens; none when they are the same. */
export function tokenEdits(before: readonly Part[], after: readonly Part[]): readonly TokenEdit[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  let skipped = 0;
  for (; head < shorter && same(before[head], after[head]); head++) skipped += before[head]?.segment.data.length ?? 0;
  let tail = 0;
  while (tail < shorter - head && same(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail++;
  const edits = numberEdits(
    tokenData(before.slice(head, before.length - tail)),
    tokenData(after.slice(head, after.length - tail)),
  );
  return edits.map((edit) => ({ ...edit, start: edit.start + skipped }));
}

function same(a: Part | undefined, b: Part | undefined): boolean {
  if (!a || !b || a.line !== b.line || a.character !== b.character) return false;
  const before = a.segment.data;
  const after = b.segment.data;
  return before === after || (before.length === after.length && before.every((n, i) => n === after[i]));
}

/** The same for LSP's numbers. */
export function numberEdits(before: readonly number[], after: readonly number[]): readonly TokenEdit[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  if (start === before.length && start === after.length) return [];
  start -= start % width;
  let tail = 0;
  while (tail < shorter - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  tail -= tail % width;
  return [{ start, deleteCount: before.length - start - tail, data: after.slice(start, after.length - tail) }];
}

/** What clients were last sent, by document. */
export class SentTokens {
  private next = 1;
  private readonly sent = new Map<string, { readonly id: string; readonly parts: readonly Part[] }>();

  /** Keeps the tokens and names them. */
  keep(uri: string, parts: readonly Part[]): string {
    const id = String(this.next++);
    this.sent.set(uri, { id, parts });
    return id;
  }

  /** The document was closed. */
  forget(uri: string): void {
    this.sent.delete(uri);
  }

  /** The tokens of that name, when they are the last ones. */
  get(uri: string, id: string): readonly Part[] | undefined {
    const last = this.sent.get(uri);
    return last?.id === id ? last.parts : undefined;
  }
}
