/** Decides about every gap between two pieces: blanks, or a line break with indentation. */
import { commentsOnLine, hasComments, itemsOf } from './items.ts';
import type { Item } from './items.ts';
import { Measure } from './measure.ts';
import type { Piece } from './pieces.ts';
import { takesBracket } from './spacing.ts';

export interface Style {
  /** Columns that a line may have. */
  readonly width: number;
  /** Blanks a level. */
  readonly indent: number;
  readonly eol: string;
}

/** Operators by how strongly they bind, the weakest first. */
const precedence: readonly ReadonlySet<string>[] = [
  new Set(['<', '<=', '>', '>=', '==', '!=']),
  new Set(['+', '-']),
  new Set(['*', '/']),
];

export class Layout {
  readonly measure: Measure;
  /** White space before each piece. */
  readonly gaps: string[];
  private readonly pieces: readonly Piece[];
  private readonly style: Style;
  private column = 0;

  constructor(pieces: readonly Piece[], style: Style) {
    this.pieces = pieces;
    this.style = style;
    this.measure = new Measure(pieces);
    this.gaps = new Array<string>(pieces.length).fill('');
  }

  /** A line break, after an empty line where `blank`, and `indent` blanks. */
  line(indent: number, blank = false): string {
    const { eol } = this.style;
    return (blank ? eol + eol : eol) + ' '.repeat(indent);
  }

  /** Puts `gap` before piece `i`. */
  place(i: number, gap: string): void {
    this.gaps[i] = gap;
    const { text } = this.pieces[i] as Piece;
    const at = gap.lastIndexOf('\n');
    const inner = text.lastIndexOf('\n');
    this.column = inner >= 0 ? text.length - inner - 1 : (at < 0 ? this.column : 0) + gap.length - at - 1 + text.length;
  }

  /** The gap before piece `i` where nothing but comments asks for a line break. */
  between(i: number, indent: number): string {
    if (this.isForced(i)) return this.line(indent, this.pieces[i]?.breaks === 2);
    return this.measure.gaps[i] === 0 ? '' : ' ';
  }

  /** Lays out the statements in `pieces[from, to]`, the first behind `gap`. */
  statements(from: number, to: number, indent: number, gap: string): void {
    itemsOf(this.pieces, this.measure, from, to, ';').forEach((item, k) => {
      const start = this.pieces[item.first] as Piece;
      this.item(item, k === 0 ? gap : this.line(indent, start.breaks === 2), indent);
    });
  }

  /** Lays out `pieces[from, to]`, of which the first is placed; `rest` columns must stay free behind them. */
  sequence(from: number, to: number, indent: number, rest: number): void {
    if (this.fits(from, to, rest)) return this.flat(from, to);
    const step = this.style.indent;
    const splits = this.operators(from, to);
    let start = from;
    for (const operator of splits) {
      this.nodes(start, operator - 1, start === from ? indent : indent + step, 0, splits);
      this.place(operator, this.line(indent + step));
      this.place(operator + 1, this.between(operator + 1, indent + step));
      start = operator + 1;
    }
    this.nodes(start, to, splits.length === 0 ? indent : indent + step, rest, splits);
  }

  private isForced(i: number): boolean {
    return i > 0 && (this.measure.forced[i] as number) > (this.measure.forced[i - 1] as number);
  }

  /** Whether `pieces[from, to]` and `rest` columns more fit on the line, `from` being placed. */
  private fits(from: number, to: number, rest: number): boolean {
    const { forced, columns } = this.measure;
    if (forced[to] !== forced[from]) return false;
    return this.column + (columns[to] as number) - (columns[from] as number) + rest <= this.style.width;
  }

  private flat(from: number, to: number): void {
    for (let i = from + 1; i <= to; i++) this.gaps[i] = this.measure.gaps[i] === 0 ? '' : ' ';
    this.column += (this.measure.columns[to] as number) - (this.measure.columns[from] as number);
  }

  /** The weakest binary operators of the value in `pieces[from, to]`, outside of brackets. */
  private operators(from: number, to: number): number[] {
    const found: number[][] = precedence.map(() => []);
    for (let i = from + 1; i < to; i = Math.max(i, this.measure.partner[i] as number) + 1) {
      const { kind, text } = this.pieces[i] as Piece;
      if (kind !== 'operator' || this.pieces[i - 1]?.kind === 'operator') continue;
      if (text === '=' || text === '=>') for (const list of found) list.length = 0;
      else found[precedence.findIndex((level) => level.has(text))]?.push(i);
    }
    return found.find((list) => list.length > 0) ?? [];
  }

  /** A stretch between two of the operators `splits`, or one without operators to break at. */
  private nodes(from: number, to: number, indent: number, rest: number, splits: readonly number[]): void {
    if (splits.length > 0) return this.sequence(from, to, indent, rest);
    for (let i = from; i <= to; i++) {
      if (i > from) {
        const inner = this.pieces[i]?.text === 'else' ? indent : indent + this.style.indent;
        this.place(i, this.between(i, inner));
      }
      const close = this.measure.partner[i] as number;
      if (close <= i) continue;
      this.brackets(i, close, indent, this.widthBehind(close, to, rest));
      i = close;
    }
  }

  /** Columns that must stay free behind a bracket, up to the next place where the line can be broken. */
  private widthBehind(close: number, to: number, rest: number): number {
    const { columns, partner, kinds } = this.measure;
    const used = columns[close] as number;
    let inType = false;
    for (let i = close + 1; i <= to; i++) {
      if (this.isForced(i)) return (columns[i - 1] as number) - used;
      const { text } = this.pieces[i] as Piece;
      if (text === '->') inType = true;
      const end = partner[i] as number;
      if (end <= i) continue;
      // A signature breaks at its parameters rather than inside of the type behind them.
      if (end > i + 1 && (!inType || kinds.get(i) !== 'list')) return (columns[i] as number) - used;
      i = end;
    }
    return (columns[to] as number) - used + rest;
  }

  /** Lays out the content of brackets and the closer, within a sequence that does not fit on its line. */
  private brackets(open: number, close: number, indent: number, behind: number): void {
    const kind = this.measure.kinds.get(open);
    if (close === open + 1) return this.place(close, '');
    if (kind === 'block' || this.measure.statements.has(open)) return this.block(open, close, indent, ';');
    if (kind === 'arms' || kind === 'constructors') return this.block(open, close, indent, ',');
    if (this.fits(open, close, behind)) return this.flat(open, close);
    this.list(open, close, indent, behind);
  }

  /** Places comments that stand behind an opener on its line; gives the index of what follows. */
  private openerComments(open: number, close: number): number {
    const last = commentsOnLine(this.pieces, open + 1, close - 1);
    for (let i = open + 1; i <= last; i++) this.place(i, ' ');
    return last + 1;
  }

  private block(open: number, close: number, indent: number, separator: string): void {
    const inner = indent + this.style.indent;
    const from = this.openerComments(open, close);
    itemsOf(this.pieces, this.measure, from, close - 1, separator).forEach((item, k) => {
      const blank = k > 0 && this.pieces[item.first]?.breaks === 2;
      this.item(item, this.line(inner, blank), inner);
    });
    this.place(close, this.line(indent));
  }

  /** Lays out an item behind `gap`, with its comments and separator. */
  private item({ first, core, coreEnd, separated, last }: Item, gap: string, indent: number): void {
    this.place(first, gap);
    for (let i = first + 1; i <= Math.min(core, last); i++) this.place(i, this.between(i, indent));
    if (core > last) return;
    // Comments at a line's end may reach beyond the margin.
    if (coreEnd > core) this.sequence(core, coreEnd, indent, separated ? 1 : 0);
    else if ((this.measure.partner[core] as number) > core) this.nodes(core, coreEnd, indent, 1, []);
    for (let i = Math.max(core, coreEnd) + 1; i <= last; i++) this.place(i, this.between(i, indent));
  }

  private list(open: number, close: number, indent: number, behind: number): void {
    const inner = indent + this.style.indent;
    const from = this.openerComments(open, close);
    const items = itemsOf(this.pieces, this.measure, from, close - 1, ',');
    const sole = from === open + 1 && items.length === 1 ? (items[0] as Item) : undefined;
    if (sole && this.hugs(sole)) {
      this.place(sole.core, '');
      this.sequence(sole.core, sole.coreEnd, indent, 1 + behind);
      this.place(close, '');
      return;
    }
    const keyed = items.findIndex(({ core }) => this.pieces[core]?.kind === 'attribute-key');
    const split = keyed < 0 ? items.length : keyed;
    const commented = items.some(hasComments);
    const before = this.pieces[open - 1];
    const call = before !== undefined && takesBracket(before) && this.pieces[open]?.text === '(';
    for (const run of [items.slice(0, split), items.slice(split)]) {
      const attributes = run.length > 0 && run[0] === items[split];
      const together = !commented && (attributes || run.every((item) => this.isAtom(item)));
      if (together && this.runFits(run, inner)) this.fill(run, inner, true);
      else if (together && (attributes || !call) && this.isPlain(run)) this.fill(run, inner, false);
      else for (const item of run) this.item(item, this.line(inner), inner);
    }
    this.place(close, this.line(indent));
  }

  /** Whether the only item of a list goes without lines of its own: brackets in brackets, a function as argument. */
  private hugs(item: Item): boolean {
    if (hasComments(item) || item.separated) return false;
    const { core, coreEnd } = item;
    const open = this.measure.partner[coreEnd] as number;
    if (open < core) return false;
    const kind = this.measure.kinds.get(open);
    return open === core || kind === 'block' || kind === 'arms';
  }

  /** A name, a literal or a projection. */
  private isAtom({ core, coreEnd }: Item): boolean {
    if (coreEnd - core > 2) return false;
    for (let i = core; i <= coreEnd; i++) {
      const { kind, text } = this.pieces[i] as Piece;
      if (kind === 'bracket' || kind === 'operator' || kind === 'keyword' || text === ':') return false;
    }
    return true;
  }

  /** Whether nothing in the run asks for a line break. */
  private isPlain(run: readonly Item[]): boolean {
    const { forced } = this.measure;
    return forced[run[0]?.core ?? 0] === forced[run[run.length - 1]?.last ?? 0];
  }

  private runFits(run: readonly Item[], indent: number): boolean {
    const first = run[0];
    const last = run[run.length - 1];
    if (!first || !last) return false;
    if (!this.isPlain(run)) return false;
    const { columns } = this.measure;
    const width = (columns[last.last] as number) - (columns[first.core] as number);
    return indent + width + (this.pieces[first.core] as Piece).text.length <= this.style.width;
  }

  /** Puts items side by side; on one line where `joined`, else on as many as it takes. */
  private fill(run: readonly Item[], indent: number, joined: boolean): void {
    run.forEach(({ core, last }, k) => {
      const { columns } = this.measure;
      const width =
        1 + (this.pieces[core] as Piece).text.length + (columns[last] as number) - (columns[core] as number);
      const stays = k > 0 && (joined || this.column + width <= this.style.width);
      this.place(core, stays ? ' ' : this.line(indent));
      this.flat(core, last);
    });
  }
}
