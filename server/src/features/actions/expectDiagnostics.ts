import { formatExpected, placeDiagnostics } from '../../../../compiler/src/check/expected.ts';
import { diagnostics } from '../diagnostics.ts';
import { insertAt, type CodeActionRecord, type Offer } from './action.ts';

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
    const offer = (title: string, wanted: typeof all): Offer[] => {
      const edits = formatExpected(text, wanted).map(({ offset, newText }) => insertAt(snapshot, offset, newText));
      return edits.length > 0 ? [{ title, edits }] : [];
    };
    const own = offer(
      first === last ? 'Expect the diagnostics of this line' : 'Expect the diagnostics of these lines',
      here,
    );
    if (own.length === 0 || here.length === all.length) return own;
    return [...own, ...offer('Expect the diagnostics of the file', all)];
  },
};
