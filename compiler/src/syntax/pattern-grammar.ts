/** Rules for patterns and for variables where they are declared. */
import type { IToken, TokenType } from 'chevrotain';
import { quote } from './messages.ts';
import type { Name, Pattern, TypeNode } from './tree.ts';
import { TypeGrammar } from './type-grammar.ts';
import * as t from './vocabulary.ts';

export abstract class PatternGrammar extends TypeGrammar {
  readonly pattern = this.RULE('pattern', (): Pattern => {
    if (!this.RECORDING_PHASE && !patternStarts.has(this.LA(1).tokenType))
      this.fail('expected-pattern', 'a pattern', 'Write _, a variable, a constructor or a tuple of patterns.');
    this.enter();
    const start = this.here();
    const node = this.OR<Pattern>([
      {
        ALT: () => {
          this.CONSUME(t.Underscore);
          return { kind: 'wildcard', span: this.since(start) };
        },
      },
      {
        ALT: () => {
          const name = this.binder(this.CONSUME(t.Local));
          const type = this.annotation(1, t.Comma, t.FatArrow);
          return { kind: 'varpattern', span: this.since(start), name, type };
        },
      },
      {
        ALT: () => {
          const name = this.nameOf(this.CONSUME(t.Identifier));
          const fields: Pattern[] = [];
          this.OPTION(() => {
            this.CONSUME1(t.LParen);
            this.elements(1, t.RParen, 'a pattern', () => fields.push(this.SUBRULE1(this.pattern)));
          });
          return { kind: 'ctorpattern', span: this.since(start), name, fields };
        },
      },
      {
        ALT: () => {
          this.CONSUME2(t.LParen);
          const fields: Pattern[] = [];
          this.elements(2, t.RParen, 'a pattern', () => fields.push(this.SUBRULE2(this.pattern)));
          return { kind: 'tuplepattern', span: this.since(start), fields };
        },
      },
    ]);
    this.leave();
    return node;
  });

  /** The name of a variable where it is declared; printed names may end in `.0`, which then is part of the name. */
  protected binder(token: IToken): Name {
    const name = this.nameOf(token, 1);
    if (this.RECORDING_PHASE) return name;
    this.checkName(token, name);
    let text = name.text;
    let end = name.span.end;
    while (this.LA(1).tokenType === t.Index && this.LA(1).startOffset === end + this.base) {
      text += this.LA(1).image;
      end += this.LA(1).image.length;
      this.SKIP_TOKEN();
    }
    return end === name.span.end ? name : { text, span: { ...name.span, end } };
  }

  /** Keywords are no names, even behind a sigil. */
  protected checkName(token: IToken, name: Name): void {
    if (!keywords.has(name.text)) return;
    this.report(
      'keyword-as-name',
      name.span,
      `${quote(token.image)} is no name, because “${name.text}” is a keyword.`,
      `Choose another name, for example ${token.image}_.`,
    );
  }

  /**
   * `: T`, if present; a type that cannot be read is skipped up to one of `stops`, and a forgotten colon is reported.
   * `_` counts as written but unknown.
   */
  protected annotation(idx: number, ...stops: readonly TokenType[]): TypeNode | undefined {
    if (this.RECORDING_PHASE) {
      let type: TypeNode | undefined;
      this.option(idx + 20, () => {
        this.consume(idx + 20, t.Colon);
        type = this.typeHere(idx + 20);
      });
      return type;
    }
    if (this.LA(1).tokenType === t.Colon) this.consume(idx + 20, t.Colon);
    else if (this.startsBareType()) {
      const at = this.emptySpan(this.previousEnd());
      const fix = { title: 'Insert “:”', edits: [{ span: at, newText: ':' }], preferred: true };
      this.report(
        'missing-colon',
        this.gapSpan(),
        `Expected “:” before the type, found ${this.found()}.`,
        'Insert “:”.',
        fix,
      );
    } else return undefined;
    return this.attempt(() => this.typeHere(idx + 20), this.missingType(), ...stops);
  }
}

const patternStarts = new Set([t.Underscore, t.Local, t.Identifier, t.LParen]);
const keywords = new Set([...t.reservedWords.keys()].filter((w) => w !== 'True' && w !== 'False' && w !== '_'));
