/** Variables whose printed names end in a number, such as `%input.1`: they look like projections where they are used. */
import type { IToken } from 'chevrotain';
import { endOf } from './lexer.ts';
import * as t from './vocabulary.ts';

/** Names with a numeric tail that stand where only a declaration can: before `:` or `=`, or as a parameter. */
export function declaredDottedNames(tokens: readonly IToken[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let i = 0; i + 1 < tokens.length; i++) {
    const token = tokens[i] as IToken;
    if (token.tokenType !== t.Local || tokens[i + 1]?.tokenType !== t.Index) continue;
    let end = i + 1;
    let text = token.image.slice(1);
    while (
      tokens[end]?.tokenType === t.Index &&
      (tokens[end] as IToken).startOffset === endOf(tokens[end - 1] as IToken)
    )
      text += (tokens[end++] as IToken).image;
    const next = tokens[end]?.tokenType;
    const previous = tokens[i - 1]?.tokenType;
    if (next === t.Colon || previous === t.Let || previous === t.FreeVar) names.add(text);
  }
  return names;
}
