/** Where one statement ends and the next begins although no semicolon stands between them. */
import type { IToken, TokenType } from 'chevrotain';
import { startsOperand } from './expression-grammar.ts';
import * as t from './vocabulary.ts';

/** What starts a statement. */
export const starters = new Set<TokenType>([t.Let, t.GraphBinder, t.FreeVar]);
const beforeStarter = new Set<TokenType>([
  t.Let,
  t.Semicolon,
  t.LBrace,
  t.LParen,
  t.Comma,
  t.Assign,
  t.FatArrow,
  t.LSquare,
  t.Colon,
  t.Arrow,
]);

/** Whether the token at `i` starts a statement without a semicolon before it. */
export function needsSemicolon(tokens: readonly IToken[], i: number, previous: IToken | undefined): boolean {
  const token = tokens[i] as IToken;
  if (!starters.has(token.tokenType)) return false;
  if (previous === undefined || beforeStarter.has(previous.tokenType)) return false;
  return token.tokenType === t.GraphBinder || tokens[i + 1]?.tokenType === t.Local;
}

/** Whether the tokens may lack a semicolon anywhere. */
export function lacksSemicolon(tokens: readonly IToken[]): boolean {
  // Whether the statement of each open brace binds a name and has not ended yet.
  const binds: boolean[] = [];
  let bound = false;
  for (let i = 0; i < tokens.length; i++) {
    const { tokenType } = tokens[i] as IToken;
    if (i > 0 && needsSemicolon(tokens, i, tokens[i - 1])) return true;
    if (bound && besideOperand(tokens, i)) return true;
    if (tokenType === t.Semicolon) bound = false;
    else if (bindsAt(tokens, i)) bound = true;
    else if (tokenType === t.LBrace) {
      binds.push(bound);
      bound = false;
    } else if (tokenType === t.RBrace) {
      if (bound) return true;
      bound = binds.pop() ?? false;
    }
  }
  return bound;
}

/** Whether two operands stand side by side before token `i`, where the second cannot be an argument list. */
function besideOperand(tokens: readonly IToken[], i: number): boolean {
  const { tokenType } = tokens[i] as IToken;
  const previous = tokens[i - 1];
  if (tokenType === t.LParen || previous === undefined) return false;
  return anotherOperand.has(tokenType) && endsOperand.has(previous.tokenType);
}

/** Whether a binding starts at token `i`; its `let` may have been forgotten. */
export function bindsAt(tokens: readonly IToken[], i: number): boolean {
  const { tokenType } = tokens[i] as IToken;
  return starters.has(tokenType) || (tokenType === t.Local && tokens[i + 1]?.tokenType === t.Assign);
}

/** Token types that end an operand. */
export const endsOperand = new Set<TokenType>([
  t.NumberLiteral,
  t.SignedLiteral,
  t.InfLiteral,
  t.Local,
  t.Graph,
  t.Global,
  t.Identifier,
  t.MetaReference,
  t.Boolean,
  t.RParen,
  t.RBrace,
  t.Index,
]);
/** Token types that start an operand where no operator stands between. */
export const anotherOperand = new Set<TokenType>([...startsOperand].filter((type) => type !== t.LBrace));
