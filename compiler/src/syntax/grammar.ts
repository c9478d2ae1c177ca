/** Rules for definitions; the grammar as a whole. */
import type { IToken } from 'chevrotain';
import { quote } from './messages.ts';
import { CompoundGrammar } from './compound-grammar.ts';
import type { Signature } from './function-grammar.ts';
import type { ConstructorNode, ImportDefinition, Name, TypeDefinition, TypeNode } from './tree.ts';
import * as t from './vocabulary.ts';

/** A definition's `def @name signature`, without the body. */
export interface Header extends Signature {
  readonly name: Name;
  /** Where the function starts, behind the name. */
  readonly fnStart: number;
}

export class RelayGrammar extends CompoundGrammar {
  constructor() {
    super();
    this.performSelfAnalysis();
  }

  /** `def @name …` up to the body, whose brace stays. */
  readonly header = this.RULE('header', (): Header => {
    const keyword = this.CONSUME(t.Def);
    this.checkKeyword(keyword, 'def', 'Functions start with def @name(…).');
    let name = this.missingName();
    this.OPTION(() => {
      const token = this.CONSUME(t.Global);
      name = this.nameOf(token, 1);
      if (!this.RECORDING_PHASE) this.checkName(token, name);
    });
    const fnStart = this.here();
    const empty = { typeParams: [], params: [], attrs: [], ret: undefined };
    const signature = this.attempt<Signature>(() => this.SUBRULE(this.signature), empty, t.LBrace);
    return { name, fnStart, ...signature };
  });

  /** Reports that a definition's keyword was guessed (`headless.ts`). */
  private checkKeyword(token: IToken, keyword: 'def' | 'type', remedy: string): void {
    if (this.RECORDING_PHASE || token.image === keyword) return;
    const name = this.LA(1);
    if (keyword === 'def' && name.tokenType === t.Identifier) {
      // `fn main()`: one message for both the word and the name.
      const edits = [{ span: { ...this.spanOf(token), end: this.spanOf(name).start }, newText: 'def @' }];
      const message = `Expected “def @${name.image}”, found “${token.image} ${name.image}”.`;
      const fix = { title: `Write def @${name.image}`, edits, preferred: true };
      const whole = { ...this.spanOf(token), end: this.spanOf(name).end };
      this.reportHabit('expected-definition', whole, message, remedy, fix);
      return;
    }
    const span = this.spanOf(token);
    const found = token.image === '' ? this.found() : quote(token.image);
    const fix = {
      title: token.image === '' ? `Insert “${keyword}”` : `Write ${keyword}`,
      edits: [{ span, newText: token.image === '' ? `${keyword} ` : keyword }],
      preferred: true,
    };
    const shown = token.image === '' ? this.spanOf(this.LA(1)) : span;
    this.reportHabit('expected-definition', shown, `Expected “${keyword}”, found ${found}.`, remedy, fix);
  }

  /** Reports that a function has no name; a bare word in its place is taken for it. */
  private missingName(): Name {
    const next = this.LA(1);
    if (!this.RECORDING_PHASE && this.LA(0).image === 'fn' && next.tokenType === t.Identifier) {
      this.SKIP_TOKEN();
      return this.nameOf(next);
    }
    if (this.RECORDING_PHASE || next.tokenType === t.Global) return { text: '', span: this.emptySpan(0) };
    const span = this.gapSpan();
    const isWord = !this.atEnd() && /^[A-Za-z_]/.test(next.image);
    const message = `Expected the name of the function, such as @main, found ${this.found()}.`;
    const remedy = 'Names of functions start with @.';
    const edits = [{ span: { ...span, end: span.start }, newText: '@' }];
    if (isWord) {
      const fix = { title: `Write @${next.image}`, edits, preferred: true };
      this.reportHabit('expected-name', span, message, remedy, fix);
    } else this.report('expected-name', span, message, remedy);
    if (isWord || next.tokenType === t.Local) this.SKIP_TOKEN();
    return { text: isWord ? next.image : '', span };
  }

  readonly typeDefinition = this.RULE('typeDefinition', (): TypeDefinition => {
    const start = this.here();
    let extern = false;
    this.OPTION1(() => {
      this.CONSUME(t.Extern);
      extern = true;
    });
    const typeParams: Name[] = [];
    let constructors: ConstructorNode[] | undefined;
    let name: Name = { text: '', span: this.emptySpan(this.previousEnd()) };
    this.attempt(
      () => {
        const keyword = this.take(1, t.Type, '“type”', 'unexpected-token', 'Write extern type Name.');
        this.checkKeyword(keyword, 'type', 'Types start with type Name.');
        // In `type T = …` the name looks like the key of an attribute.
        if (!this.RECORDING_PHASE && this.LA(1).tokenType === t.AttributeKey) {
          name = this.plainName(this.LA(1), 'type');
          this.SKIP_TOKEN();
        } else name = this.plainName(this.take(2, t.Identifier, 'the name of the type', 'expected-name'), 'type');
      },
      undefined,
      t.LBrace,
    );
    this.OPTION2(() => {
      this.CONSUME1(t.LSquare);
      this.elements(1, t.RSquare, 'a type parameter', () => typeParams.push(this.typeParam(1)));
    });
    this.OPTION3(() => {
      const list: ConstructorNode[] = [];
      constructors = list;
      this.CONSUME2(t.LBrace);
      this.elements(2, t.RBrace, 'a constructor', () => list.push(this.SUBRULE(this.constructorRule)));
    });
    if (!this.RECORDING_PHASE && constructors === undefined && this.LA(1).tokenType === t.Assign)
      constructors = this.alternatives();
    const span = this.since(start);
    this.rest('the next definition');
    if (extern && constructors !== undefined && !this.RECORDING_PHASE)
      this.report('extern-with-constructors', span, 'An extern type has no constructors.', 'Remove the braces.');
    return { kind: 'type', span, extern, name, typeParams, constructors };
  });

  /** `= A | B(int32)`, as other languages list constructors; the lexer leaves the bars out. */
  private alternatives(): ConstructorNode[] {
    const equals = this.spanOf(this.LA(1));
    this.SKIP_TOKEN();
    const list: ConstructorNode[] = [];
    const span = { ...equals };
    const edits = [{ span, newText: '' }];
    const fix = { title: 'Write { … }', edits, preferred: true };
    const message = 'Expected “{” and the constructors of the type, found “=”.';
    const remedy = 'Write the constructors in braces: type T { A, B(int32) }.';
    this.report('unexpected-token', equals, message, remedy, fix);
    while (this.LA(1).tokenType === t.Identifier || this.LA(1).tokenType === t.Comma) {
      if (this.LA(1).tokenType === t.Comma) this.SKIP_TOKEN();
      else list.push(this.subrule(1, this.constructorRule));
    }
    if (this.LA(1).tokenType === t.Semicolon) this.SKIP_TOKEN();
    const texts = list.map((node) => this.text.slice(this.base + node.span.start, this.base + node.span.end));
    edits[0] = {
      span: { ...equals, end: Math.max(equals.end, this.previousEnd()) },
      newText: `{ ${texts.join(', ')} }`,
    };
    return list;
  }

  /** Reports what is left behind a definition. */
  private rest(wanted: string): void {
    if (this.RECORDING_PHASE || this.atEnd()) return;
    const remedy =
      this.LA(1).tokenType === t.Assign
        ? 'Write the constructors in braces: type T { A, B(int32) }.'
        : 'Remove it, or start a definition with def or type.';
    this.report('unexpected-token', this.gapSpan(), `Expected ${wanted}, found ${this.found()}.`, remedy);
    this.skipRest();
  }

  readonly constructorRule = this.RULE('constructorRule', (): ConstructorNode => {
    const start = this.here();
    const token = this.take(1, t.Identifier, 'the name of a constructor', 'expected-name');
    const name = this.plainName(token, 'constructor');
    const fields: TypeNode[] = [];
    this.OPTION(() => {
      this.CONSUME2(t.LParen);
      this.elements(1, t.RParen, 'a type', () => fields.push(this.typeHere(1)));
    });
    return { kind: 'constructor', span: this.since(start), name, fields };
  });

  readonly importDefinition = this.RULE('importDefinition', (): ImportDefinition => {
    const start = this.here();
    this.CONSUME(t.Import);
    const path = this.string(this.CONSUME(t.StringLiteral));
    this.OPTION(() => this.CONSUME(t.Semicolon));
    const span = this.since(start);
    this.rest('the next definition');
    this.extension(span, 'An import.', 'TVM has no import; its host program loads modules.');
    return { kind: 'import', span, path: { text: path.value, span: path.span } };
  });
}
