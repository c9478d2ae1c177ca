/**
 * How much of a file keeps its hovers when one token is deleted, inserted or changed.
 *
 * A hover is what the editor shows at a name, a literal or a projection: the innermost node there and its type. The
 * rest of the file is every such token but the edited one; where the edit opens a comment or a string, the rest of
 * its line is part of the edit. A hover counts as unchanged only when the same kind of node with the same type stands
 * at the same token. `dependence.ts` tells which of them depend on the edit.
 */
import { check } from '../../compiler/src/check/check.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { tokenize } from '../../compiler/src/syntax/tokens.ts';
import type { SourceToken } from '../../compiler/src/syntax/tokens.ts';
import type { Node } from '../../compiler/src/syntax/tree.ts';
import { nodeAt } from '../../compiler/src/syntax/walk.ts';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { printType } from '../../compiler/src/types/print.ts';
import { dependents } from './dependence.ts';
import type { Random, RandomEdit } from './edits.ts';
import { applied } from './edits.ts';

export interface TokenEdit extends RandomEdit {
  /** For statistics: `deleted ;`, `inserted (`. */
  readonly label: string;
}

export interface Outcome {
  readonly text: string;
  readonly edit: TokenEdit;
  /** Hovers of the rest of the file, by whether they depend on the edit. */
  readonly independent: Count;
  readonly dependent: Count;
  /** Tokens with a hover that was lost without depending on the edit. */
  readonly lost: readonly string[];
}

export interface Count {
  readonly total: number;
  readonly same: number;
}

const inserts =
  '( ) [ ] { } ; , = : -> => . + - * / < == % @ %0 %x @f let if else match fn def type Tensor add 0 -1 9223372036854775807 1f True meta[x][0] ? _ " /* // é ref free_var "s"'.split(
    ' ',
  );
const pointed = new Set(['local', 'graph', 'global', 'name', 'number', 'boolean', 'meta']);

/** An edit of one token: a third deletions, a third insertions, a third changes, half of which are slips within a word. */
export function tokenEdit(tokens: readonly SourceToken[], random: Random): TokenEdit | undefined {
  const token = tokens[random(tokens.length)];
  if (!token) return undefined;
  const piece = inserts[random(inserts.length)] ?? ';';
  const kind = random(6);
  const what =
    token.kind === 'bracket' || token.kind === 'punctuation' || token.kind === 'operator' || token.kind === 'keyword';
  const shown = what ? token.text : token.kind;
  const { start, end } = token;
  // What stood on both sides stays two tokens.
  if (kind < 2) return { start, end, insert: ' ', label: `deleted ${shown}` };
  if (kind < 4) return { start, end: start, insert: `${piece} `, label: `inserted ${piece}` };
  if (kind === 4 || token.text.length < 2)
    return { start, end, insert: ` ${piece} `, label: `changed ${shown} to ${piece}` };
  const at = 1 + random(token.text.length - 1);
  const slip = token.text.slice(0, at) + token.text.slice(at + 1);
  return { start, end, insert: slip, label: `slip in ${token.kind}` };
}

/** The tokens of a program before its metadata. */
export function programTokens(text: string): readonly SourceToken[] {
  return tokenize(text).tokens.filter((token) => token.kind !== 'metadata');
}

export function measureEdit(
  text: string,
  before: CheckResult,
  tokens: readonly SourceToken[],
  edit: TokenEdit,
): Outcome {
  const edited = applied(text, edit);
  const after = check(parseSource(edited));
  const newline = text.indexOf('\n', edit.end);
  const opens = /^\s*(\/\/|\/\*|")/.test(edit.insert) && !edit.insert.includes('"s"');
  const end = opens ? (newline < 0 ? text.length : newline) : edit.end;
  const stretch = { start: edit.start, end };
  const affected = dependents(before, stretch, boundNames(after, edit));
  const delta = edit.insert.length - (edit.end - edit.start);
  const independent = { total: 0, same: 0 };
  const dependent = { total: 0, same: 0 };
  const lost: string[] = [];
  for (const token of tokens) {
    if (!pointed.has(token.kind) || (token.start < end && token.end > edit.start)) continue;
    const node = pointedNode(before, token.start);
    const shown = node && hoverOf(before, node, token.start);
    if (!node || shown === undefined) continue;
    const at = token.start + (token.start >= edit.end ? delta : 0);
    const now = pointedNode(after, at);
    const same = now !== undefined && hoverOf(after, now, at) === shown;
    const count = affected.has(node) ? dependent : independent;
    count.total++;
    if (same) count.same++;
    else if (count === independent) lost.push(`${token.text}@${token.start}`);
  }
  return { text, edit, independent, dependent, lost };
}

function pointedNode(result: CheckResult, offset: number): Node | undefined {
  return nodeAt(result.tree, offset).at(-1);
}

/** The kind of node and its type, when the node says so at this very token. */
function hoverOf(result: CheckResult, node: Node, offset: number): string | undefined {
  const type = result.typeOf(node as Parameters<CheckResult['typeOf']>[0]);
  if (!type || node.kind === 'block') return undefined;
  const span =
    node.kind === 'graph'
      ? node.nameSpan
      : 'name' in node && typeof node.name === 'object'
        ? node.name.span
        : undefined;
  if (span && node.kind !== 'ctorpattern' && node.kind !== 'namedtype') {
    const { start, end } = resolveSpan(result.tree.anchors, span);
    if (offset < start || offset >= end) return undefined;
  }
  return `${node.kind} ${printType(type)}`;
}

/** Names that the inserted text declares: mentions of the same name may now mean it. */
function boundNames(after: CheckResult, edit: TokenEdit): ReadonlySet<string> {
  const at = edit.start + (edit.insert.length - edit.insert.trimStart().length);
  const node = edit.insert === '' ? undefined : nodeAt(after.tree, at).at(-1);
  const names = new Set<string>();
  if (!node) return names;
  if (node.kind === 'graph') names.add(String(node.index));
  else if (
    (node.kind === 'let' || node.kind === 'param' || node.kind === 'varpattern' || node.kind === 'def') &&
    node.name
  )
    names.add(node.name.text);
  return names;
}
