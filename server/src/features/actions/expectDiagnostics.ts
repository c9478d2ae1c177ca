import { formatExpected, placeDiagnostics, type PlacedDiagnostic } from '../../../../compiler/src/check/expected.ts';
import type { CheckedSnapshot } from '../../snapshot.ts';
import { diagnostics } from '../diagnostics.ts';
import { insertAt, type CodeActionRecord, type Offer } from './action.ts';

/** In longer files only the lines of the selection are offered: a menu must open at once. */
const longestFile = 200_000;

export const expectDiagnostics: CodeActionRecord = {
  name: 'Insert expected-diagnostic comments',
  kind: 'refactor.rewrite',
  summary:
    'Writes the errors and warnings of the line, or of the whole file, as `expected-…` comments, which `relay check --verify` compares with what it finds: a program that shows a mistake becomes its own test.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  nn.re$0lru(%x)\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  nn.relru(%x) // expected-error {{unknown-operator}}\n}',
  },
  offers({ snapshot, range }) {
    const { text, lines, tree } = snapshot;
    const all = placeDiagnostics(tree.anchors, diagnostics(snapshot));
    const lineOf = (offset: number): number => lines.position(offset).line;
    const [first, last] = [lineOf(range.start), lineOf(range.end)];
    const here = all.filter(({ start }) => first <= lineOf(start) && lineOf(start) <= last);
    if (here.length === 0) return [];
    const these = first === last ? 'this line' : 'these lines';
    // Comments anywhere in the file may speak of these lines; without any, the lines are enough to look at.
    const whole = text.includes('expected-');
    const from = whole ? 0 : lines.offset({ line: first, character: 0 });
    const to = whole ? text.length : lines.offset({ line: last + 1, character: 0 });
    const own = offer(snapshot, `Expect the diagnostics of ${these}`, here, from, to);
    if (own.length === 0 || here.length === all.length || text.length > longestFile) return own;
    return [...own, ...offer(snapshot, 'Expect the diagnostics of the file', all, 0, text.length)];
  },
};

/** Comments for diagnostics that begin between two offsets, which stand at the starts of lines. */
function offer(
  snapshot: CheckedSnapshot,
  title: string,
  wanted: readonly PlacedDiagnostic[],
  from: number,
  to: number,
): readonly Offer[] {
  const moved = wanted.map((d) => ({ ...d, start: d.start - from, end: Math.min(d.end, to) - from }));
  const edits = formatExpected(snapshot.text.slice(from, to), moved).map(({ offset, newText }) =>
    insertAt(snapshot, from + offset, newText),
  );
  return edits.length > 0 ? [{ title, edits }] : [];
}
