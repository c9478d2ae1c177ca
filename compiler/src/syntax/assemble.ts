/** Cuts a token list into definitions and statements and has each parsed on its own. */
import type { IToken } from 'chevrotain';
import type { Diagnostic } from '../base/diagnostic.ts';
import { createAnchor } from '../base/span.ts';
import type { Anchor, Span } from '../base/span.ts';
import { classify } from './classify.ts';
import { RelayGrammar, isStatement } from './grammar.ts';
import { endOf, lex } from './lexer.ts';
import type { Block, Definition, Expr, FunctionDefinition, MetadataSection, SourceTree, Statement } from './tree.ts';
import type { VersionHeader } from './tree.ts';
import * as t from './vocabulary.ts';

let shared: RelayGrammar | undefined;
/** The one parser; it keeps no state between chunks. */
function grammar(): RelayGrammar {
  return (shared ??= new RelayGrammar());
}

export function assemble(text: string): SourceTree {
  const lexed = lex(text);
  const tokens = classify(lexed.tokens);
  const anchors = new Map<Anchor, number>();
  const errors: Diagnostic[] = [];
  const definitions: Definition[] = [];
  const parser = grammar();
  const anchorAt = (offset: number): Anchor => {
    const anchor = createAnchor();
    anchors.set(anchor, offset);
    return anchor;
  };
  const load = (slice: IToken[], anchor: Anchor, base: number): void =>
    parser.load({ tokens: slice, text, anchor, base, dottedNames: new Set() });
  let at = 0;
  let version: VersionHeader | undefined;
  let metadata: MetadataSection | undefined;
  const first = tokens[0];
  if (first?.tokenType === t.Version) {
    const anchor = anchorAt(first.startOffset);
    const span: Span = { anchor, start: 0, end: first.image.length };
    version = { kind: 'version', span, version: /"([^"]*)"/.exec(first.image)?.[1] ?? '' };
    at = 1;
  }
  let end = tokens.length;
  const last = tokens[end - 1];
  if (last?.tokenType === t.Metadata) {
    const anchor = anchorAt(last.startOffset);
    const span: Span = { anchor, start: 0, end: last.image.length };
    metadata = { kind: 'metadata', span, json: last.image.slice(last.image.indexOf(']') + 1) };
    end--;
  }

  const parseBody = (from: number, to: number): { statements: Statement[]; result: Expr } => {
    const statements: Statement[] = [];
    let result: Expr | undefined;
    let start = from;
    let depth = 0;
    for (let i = from; i <= to; i++) {
      const type = i < to ? (tokens[i] as IToken).tokenType : undefined;
      if (type === t.LParen || type === t.LBrace || type === t.LSquare) depth++;
      else if (type === t.RParen || type === t.RBrace || type === t.RSquare) depth--;
      else if ((type === t.Semicolon && depth === 0) || i === to) {
        const slice = tokens.slice(start, Math.min(i + 1, to));
        start = i + 1;
        const head = slice[0];
        if (!head) continue;
        const anchor = anchorAt(head.startOffset);
        load(slice, anchor, head.startOffset);
        const node = parser.statement() as Statement | Expr;
        errors.push(...parser.takeDiagnostics());
        if (isStatement(node)) statements.push(node);
        else result = node;
      }
    }
    const anchor = anchors.keys().next().value as Anchor;
    return { statements, result: result ?? { kind: 'missing', span: { anchor, start: 0, end: 0 } } };
  };

  const firstDefinition = tokens.findIndex((x) => startsDefinition(x));
  if (firstDefinition < 0) {
    if (at < end) {
      const base = (tokens[at] as IToken).startOffset;
      const anchor = anchorAt(base);
      const { statements, result } = parseBody(at, end);
      const span = { anchor, start: 0, end: endOf(tokens[end - 1] as IToken) - base };
      const expression: Block = { kind: 'block', span, braces: false, statements, result };
      return { version, definitions, expression, metadata, errors, anchors };
    }
    return { version, definitions, expression: undefined, metadata, errors, anchors };
  }
  at = firstDefinition;
  while (at < end) {
    let next = at + 1;
    if ((tokens[at] as IToken).tokenType === t.Extern) next++;
    while (next < end && !startsDefinition(tokens[next] as IToken)) next++;
    const head = tokens[at] as IToken;
    const anchor = anchorAt(head.startOffset);
    if (head.tokenType === t.Def) {
      let depth = 0;
      let body = at;
      for (; body < next; body++) {
        const type = (tokens[body] as IToken).tokenType;
        if (type === t.LBrace && depth === 0) break;
        if (type === t.LParen || type === t.LSquare || type === t.LBrace) depth++;
        else if (type === t.RParen || type === t.RSquare || type === t.RBrace) depth--;
      }
      load(tokens.slice(at, body), anchor, head.startOffset);
      const header = parser.header();
      errors.push(...parser.takeDiagnostics());
      const open = tokens[body] as IToken;
      const close = tokens[next - 1] as IToken;
      const { statements, result } = parseBody(body + 1, next - 1);
      const span = (a: number, b: number): Span => ({ anchor, start: a - head.startOffset, end: b - head.startOffset });
      const block: Block = {
        kind: 'block',
        span: span(open.startOffset, endOf(close)),
        braces: true,
        statements,
        result,
      };
      const { name, fnStart, ...signature } = header;
      const definition: FunctionDefinition = {
        kind: 'def',
        span: span(head.startOffset, endOf(close)),
        name,
        fn: {
          kind: 'fn',
          span: { anchor, start: fnStart, end: endOf(close) - head.startOffset },
          ...signature,
          body: block,
        },
      };
      definitions.push(definition);
    } else {
      load(tokens.slice(at, next), anchor, head.startOffset);
      definitions.push(head.tokenType === t.Import ? parser.importDefinition() : parser.typeDefinition());
      errors.push(...parser.takeDiagnostics());
    }
    at = next;
  }
  return { version, definitions, expression: undefined, metadata, errors, anchors };
}

function startsDefinition(token: IToken): boolean {
  const type = token.tokenType;
  return type === t.Def || type === t.Type || type === t.Extern || type === t.Import;
}
