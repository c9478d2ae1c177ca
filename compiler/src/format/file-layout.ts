/** Lays out the regions of a file one below the other. */
import type { TextRange } from '../base/span.ts';
import { commentsOnLine } from './items.ts';
import { Layout } from './layout.ts';
import type { Style } from './layout.ts';
import { isComment } from './pieces.ts';
import type { Piece } from './pieces.ts';
import type { Region } from './regions.ts';

/** A replacement of white space, in offsets of the text before. */
export interface FormatEdit extends TextRange {
  readonly newText: string;
}

/** What stands above: it tells whether an empty line comes between. */
type Above = 'nothing' | 'header' | 'brace' | 'statement' | 'comment' | 'definition' | 'one-liner';

const aboveBehind: Readonly<Record<Region['kind'], Above>> = {
  top: 'header',
  signature: 'brace',
  statement: 'statement',
  closing: 'definition',
  definition: 'definition',
  rest: 'definition',
};

export class FileLayout {
  private readonly text: string;
  private readonly pieces: readonly Piece[];
  private readonly layout: Layout;
  private readonly style: Style;
  private above: Above = 'nothing';

  constructor(text: string, pieces: readonly Piece[], style: Style) {
    this.text = text;
    this.pieces = pieces;
    this.style = style;
    this.layout = new Layout(pieces, style);
  }

  /** Lays out regions without a gap between them, the first behind `previous`, and gives the changes that it takes. */
  run(regions: readonly Region[], previous: Region | undefined): FormatEdit[] {
    const start = regions[0]?.start ?? 0;
    const end = regions[regions.length - 1]?.end ?? start;
    this.above = previous ? aboveBehind[previous.kind] : 'nothing';
    let i = 0;
    let keepEnd = end < this.text.length;
    for (const region of regions) {
      const first = i;
      while (i < this.pieces.length && (this.pieces[i] as Piece).start < region.end) i++;
      if (i === first) continue;
      const broken = region.broken || !this.region(region, first, i - 1);
      if (broken) {
        this.keep(first, i - 1, start);
        this.above = aboveBehind[region.kind];
      }
      keepEnd = end < this.text.length || broken || this.pieces[i - 1]?.kind === 'metadata';
    }
    return this.edits(start, end, keepEnd);
  }

  private edits(start: number, end: number, keepEnd: boolean): FormatEdit[] {
    const edits: FormatEdit[] = [];
    let at = start;
    const put = (to: number, newText: string): void => {
      const old = this.text.slice(at, to);
      // Characters that are no tokens stand in gaps, too.
      if (old !== newText && !/[^ \t\r\n]/.test(old)) edits.push({ start: at, end: to, newText });
    };
    this.pieces.forEach((piece, i) => {
      put(piece.start, this.layout.gaps[i] as string);
      at = piece.end;
    });
    if (!keepEnd) put(end, this.pieces.length === 0 ? '' : this.style.eol);
    return edits;
  }

  private keep(first: number, last: number, start: number): void {
    for (let i = first; i <= last; i++) {
      const from = i === 0 ? start : (this.pieces[i - 1] as Piece).end;
      this.layout.gaps[i] = this.text.slice(from, (this.pieces[i] as Piece).start);
    }
  }

  /** Lays out one region; false where its brackets do not match after all. */
  private region(region: Region, first: number, last: number): boolean {
    const { pieces, layout } = this;
    const { kind } = region;
    if (!layout.measure.add(first, last, kind === 'signature' || kind === 'closing' ? last : -1)) return false;
    const indent = region.indented ? this.style.indent : 0;
    const behind = this.above === 'nothing' ? first - 1 : commentsOnLine(pieces, first, last);
    for (let i = first; i <= behind; i++) layout.place(i, ' ');
    let core = behind + 1;
    while (core <= last && isComment(pieces[core])) core = this.comment(core, indent, core === behind + 1);
    if (core > last) return true;
    const gap = this.lead(core, indent, core === behind + 1, kind);
    if (kind === 'statement') layout.statements(core, last, indent, gap);
    else {
      layout.place(core, gap);
      if (kind === 'signature' || kind === 'definition') this.definition(core, last);
      else for (let i = core + 1; i <= last; i++) layout.place(i, layout.between(i, 0));
    }
    this.above = this.aboveOf(kind, core);
    return true;
  }

  private aboveOf(kind: Region['kind'], core: number): Above {
    const word = this.pieces[core]?.text;
    return word === 'import' || word === 'extern' ? 'one-liner' : aboveBehind[kind];
  }

  /** A comment on a line of its own. */
  private comment(i: number, indent: number, leading: boolean): number {
    this.layout.place(i, this.lead(i, indent, leading, undefined));
    this.above = 'comment';
    return i + 1;
  }

  /** The gap before the first of a region's pieces (`leading`), or behind a comment before it. */
  private lead(i: number, indent: number, leading: boolean, kind: Region['kind'] | undefined): string {
    const { breaks, kind: token, text } = this.pieces[i] as Piece;
    const { above } = this;
    if (above === 'nothing') return '';
    if (above === 'comment' && !leading) {
      const inline = breaks === 0 && this.pieces[i - 1]?.kind !== 'line-comment';
      return inline ? ' ' : this.layout.line(indent, breaks === 2);
    }
    if (kind === 'closing' || above === 'brace') return this.layout.line(indent);
    if (above === 'one-liner' && (text === 'import' || text === 'extern'))
      return this.layout.line(indent, breaks === 2);
    const parted = above === 'definition' || above === 'one-liner' || token === 'metadata';
    return this.layout.line(indent, breaks === 2 || parted);
  }

  /** A type, an import, or a function's signature, of which the first piece is placed. */
  private definition(core: number, last: number): void {
    let end = last;
    while (isComment(this.pieces[end])) end--;
    this.layout.sequence(core, end, 0, 0);
    for (let i = end + 1; i <= last; i++) this.layout.place(i, this.layout.between(i, 0));
  }
}
