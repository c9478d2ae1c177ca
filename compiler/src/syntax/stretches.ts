/**
 * Brackets that do not fit where they stand, or that a construct needs and lacks. In `f(%x: Tensor[2), int8])` the first
 * `)` seems to close the parameters, and every bracket behind it seems wrong; but after `Tensor[` a `(` must follow, and
 * with it all fits. Only the stretch between braces and semicolons is looked at, so that a statement is repaired
 * the same way wherever it stands.
 */
import type { IToken, TokenType } from 'chevrotain';
import { startsOperand } from './expression-grammar.ts';
import { beforeParenthesis, callees, inserted, isAnnotation, maximumCount, openerIssue } from './reopen.ts';
import type { Reopened } from './reopen.ts';
import { strayIssue } from './brackets.ts';
import type { RawIssue } from './brackets.ts';
import * as t from './vocabulary.ts';

/** How many brackets of a list lack a partner. */
type Count = (tokens: readonly IToken[]) => number;

/** Puts a `(` before the token at `at`, or drops that token. */
interface BracketEdit {
  readonly at: number;
  readonly drop: boolean;
}

const borders = new Set<TokenType>([t.Semicolon, t.LBrace, t.RBrace]);

/** Repairs the stretches around brackets without partner where one or two edits make them fit. */
export function repairStretches(tokens: IToken[], lonely: ReadonlySet<number>, count: Count): Reopened {
  const issues: RawIssue[] = [];
  let all: IToken[] | undefined;
  let copied = 0;
  let done = 0;
  for (const i of [...lonely].sort((a, b) => a - b)) {
    if (i < done || issues.length >= maximumCount) continue;
    let from = i;
    while (from > done && !borders.has((tokens[from - 1] as IToken).tokenType)) from--;
    done = i;
    while (done < tokens.length && !borders.has((tokens[done] as IToken).tokenType)) done++;
    const stretch = tokens.slice(from, done);
    const repaired = stretch.length > maximumStretch ? undefined : repairStretch(stretch, count);
    if (!repaired) continue;
    all ??= [];
    for (; copied < from; copied++) all.push(tokens[copied] as IToken);
    for (const token of repaired.tokens) all.push(token);
    copied = done;
    issues.push(repaired.issue);
  }
  if (!all) return { tokens, issues };
  for (; copied < tokens.length; copied++) all.push(tokens[copied] as IToken);
  return { tokens: all, issues };
}

/** Longer stretches are no statement of a program. */
const maximumStretch = 20_000;

/** How many edits are made of one stretch, and how many are tried for each: a try costs a pass over the stretch. */
const maximumEdits = 2;
const maximumTries = 8;

function repairStretch(stretch: IToken[], count: Count): { tokens: IToken[]; issue: RawIssue } | undefined {
  let tokens = stretch;
  let left = count(tokens);
  let issue: RawIssue | undefined;
  for (let n = 0; n < maximumEdits && left > 0; n++) {
    let best: { readonly edit: BracketEdit; readonly tokens: IToken[] } | undefined;
    for (const edit of candidates(tokens)) {
      const tried = edit.drop
        ? [...tokens.slice(0, edit.at), ...tokens.slice(edit.at + 1)]
        : inserted(tokens, [{ at: edit.at, type: t.LParen }]);
      const after = count(tried);
      if (after >= left) continue;
      left = after;
      best = { edit, tokens: tried };
      if (after === 0) break;
    }
    if (!best) break;
    // One mistake, one message: what follows from the first edit is not said.
    issue ??= issueOf(tokens, best.edit);
    tokens = best.tokens;
  }
  return issue && { tokens, issue };
}

function issueOf(tokens: readonly IToken[], { at, drop }: BracketEdit): RawIssue {
  const token = tokens[at] as IToken;
  if (drop) return strayIssue(token);
  const closer = tokens.slice(at).find((x) => x.tokenType === t.RParen);
  return openerIssue(tokens, { at, sure: true }, t.LParen, closer ?? token);
}

/** Edits that a construct asks for; of brackets too many the last is tried first. */
function candidates(tokens: readonly IToken[]): BracketEdit[] {
  const edits: BracketEdit[] = [];
  for (let i = 1; i < tokens.length && edits.length < maximumTries; i++)
    if (needsParenthesis(tokens, i)) edits.push({ at: i, drop: false });
  for (let i = tokens.length - 1; i >= 0 && edits.length < 2 * maximumTries; i--)
    if (isMisfit(tokens, i)) edits.push({ at: i, drop: true });
  return edits;
}

/** Whether a construct before token `i` needs a `(` that is not there. */
function needsParenthesis(tokens: readonly IToken[], i: number): boolean {
  const next = (tokens[i] as IToken).tokenType;
  const previous = (tokens[i - 1] as IToken).tokenType;
  const before = tokens[i - 2]?.tokenType;
  if (next === t.LParen) return false;
  if (previous === t.LSquare) return before === t.TensorName;
  if (next === t.LSquare) return false;
  if (previous === t.Global) return before === t.Def || startsOperand.has(next);
  if (beforeParenthesis.has(previous)) return true;
  return callees.has(previous) && startsOperand.has(next) && !isAnnotation(tokens, i - 1);
}

const afterCloser = new Set<TokenType>([t.Colon, t.Assign, t.TensorName]);
const beforeSquare = new Set<TokenType>([t.TensorName, t.Identifier, t.Assign, t.Global, t.Fn, t.LSquare, t.Comma]);

/** Whether the bracket at `i` can hardly stand between its neighbours. */
function isMisfit(tokens: readonly IToken[], i: number): boolean {
  const { tokenType } = tokens[i] as IToken;
  const previous = tokens[i - 1]?.tokenType;
  const next = tokens[i + 1]?.tokenType;
  if (tokenType === t.LSquare) return previous !== undefined && !beforeSquare.has(previous);
  if (tokenType !== t.RParen && tokenType !== t.RSquare) return false;
  if (previous === t.Colon || previous === t.Arrow || previous === t.Assign) return true;
  if (next === undefined) return false;
  if (afterCloser.has(next) || (startsOperand.has(next) && next !== t.LParen)) return true;
  if (next !== t.Comma) return false;
  const behind = tokens[i + 2]?.tokenType;
  if (tokenType === t.RParen && closesShape(tokens, i))
    return !(behind === t.Identifier && tokens[i + 3]?.tokenType === t.RSquare);
  return behind === t.Local && tokens[i + 3]?.tokenType === t.Colon;
}

/** Whether the `)` at `i` closes the shape of a tensor type; shapes are short. */
function closesShape(tokens: readonly IToken[], i: number): boolean {
  for (let k = i - 1, depth = 0; k >= Math.max(2, i - 100); k--) {
    const type = (tokens[k] as IToken).tokenType;
    if (type === t.RParen) depth++;
    else if (type === t.LParen && depth-- === 0)
      return tokens[k - 1]?.tokenType === t.LSquare && tokens[k - 2]?.tokenType === t.TensorName;
  }
  return false;
}
