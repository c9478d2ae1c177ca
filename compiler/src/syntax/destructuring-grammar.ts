/**
 * Tuples of names where one name is bound: `let (%a, %b) = …;`, with or without the parentheses, as other languages
 * take a tuple apart. The names are bound to the fields, so that what follows keeps its types.
 */
import type { TextEdit } from '../base/diagnostic.ts';
import { isVirtual } from './brackets.ts';
import { ExpressionGrammar } from './expression-grammar.ts';
import { tupleEnd } from './habits.ts';
import type { Expr, LetStatement, Pattern, TuplePattern, VarPattern } from './tree.ts';
import * as t from './vocabulary.ts';

export abstract class DestructuringGrammar extends ExpressionGrammar {
  /** `= value;` behind a name, with what may follow the value before the semicolon; defined by `BindingGrammar`. */
  protected abstract boundValue(idx: 1 | 2, behind?: (value: Expr) => Expr): Expr;

  /** Whether a tuple of names stands here, before “=”. */
  protected isTupleOfNames(): boolean {
    return tupleEnd((k) => this.LA(k + 1).tokenType) !== undefined;
  }

  /** The rest of a let whose name is a tuple. */
  protected destructured(start: number): LetStatement {
    const from = this.here();
    const edits: TextEdit[] = [];
    const patterns = this.tupleOfPatterns();
    const span = this.since(from);
    const pattern: TuplePattern = { kind: 'tuplepattern', span, fields: patterns };
    const message = `“let” binds one variable, found a tuple of ${patterns.length}.`;
    const told = this.reportHabit('expected-variable', span, message, tupleRemedy);
    const value = this.boundValue(1, (item) => this.openTuple(item, edits));
    // Behind a value without parentheses no order of insertions is certain where the semicolon is missing too.
    const last = this.LA(0);
    if (last.tokenType === t.Semicolon && !(isVirtual(last) && edits.length > 0)) {
      const at = this.emptySpan(this.previousEnd());
      const gap = this.lineGap(start);
      const tuple = this.freshName();
      const lets = fieldsOf(pattern).map(({ name, path }) => `${gap}let %${name.text} = %${tuple}${path};`);
      edits.push(
        { span, newText: start === from ? `let %${tuple}` : `%${tuple}` },
        { span: at, newText: lets.join('') },
      );
      this.addFix(told, { title: 'Bind the tuple, then its fields', edits, preferred: true });
    }
    const name = { text: '', span: this.emptySpan(from) };
    return { kind: 'let', span: this.since(start), name, pattern, type: undefined, value };
  }

  /** The tuple that stands here, with or without parentheses around it. */
  private tupleOfPatterns(): readonly Pattern[] {
    const found = this.patterns();
    const [only] = found;
    return found.length === 1 && only?.kind === 'tuplepattern' ? only.fields : found;
  }

  /** Names and tuples of names up to a closing parenthesis or “=”. */
  private patterns(): Pattern[] {
    const found: Pattern[] = [];
    for (;;) {
      const token = this.LA(1);
      const start = this.here();
      if (token.tokenType === t.RParen || token.tokenType === t.Assign) return found;
      this.SKIP_TOKEN();
      if (token.tokenType === t.LParen) {
        const fields = this.patterns();
        this.SKIP_TOKEN();
        found.push({ kind: 'tuplepattern', span: this.since(start), fields });
      } else if (token.tokenType === t.Underscore) found.push({ kind: 'wildcard', span: this.spanOf(token) });
      else if (token.tokenType !== t.Comma) {
        const name = this.nameOf(token, 1);
        found.push({ kind: 'varpattern', span: name.span, name, type: undefined });
      }
    }
  }

  /** `value, value` behind “=”, whose parentheses were left out as well. */
  private openTuple(first: Expr, edits: TextEdit[]): Expr {
    if (this.LA(1).tokenType !== t.Comma) return first;
    const fields = [first];
    while (this.LA(1).tokenType === t.Comma) {
      this.SKIP_TOKEN();
      fields.push(this.expressionHere(84));
    }
    const span = this.since(first.span.start);
    edits.push(
      { span: { ...span, end: span.start }, newText: '(' },
      { span: { ...span, start: span.end }, newText: ')' },
    );
    return { kind: 'tuple', span, fields };
  }

  /** What stands before the statement at `start`: the end of a line and the indentation, or a blank. */
  private lineGap(start: number): string {
    const at = start + this.base;
    return /\r?\n[ \t]*$/.exec(this.text.slice(Math.max(0, at - maximumIndentation), at))?.[0] ?? ' ';
  }

  /** A name for the tuple that the text does not hold. */
  private freshName(): string {
    for (let i = 0; ; i++) {
      const name = i === 0 ? 't' : `t${i}`;
      if (!new RegExp(`[%\\s(,]${name}\\b`).test(this.text)) return name;
    }
  }
}

const maximumIndentation = 200;

const tupleRemedy = 'Bind the tuple, let %t = …;, and take its fields: %t.0, %t.1.';

/** The variables of a tuple, each with the fields that lead to it: `.0`, `.1.0`. */
function fieldsOf(
  pattern: TuplePattern,
  above = '',
): readonly { readonly name: VarPattern['name']; readonly path: string }[] {
  return pattern.fields.flatMap((field, i) => {
    const path = `${above}.${i}`;
    if (field.kind === 'tuplepattern') return fieldsOf(field, path);
    return field.kind === 'varpattern' ? [{ name: field.name, path }] : [];
  });
}
