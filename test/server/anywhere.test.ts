import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { complete } from '../../compiler/src/base/steps.ts';
import { check } from '../../compiler/src/check/check.ts';
import { analyseRanges } from '../../compiler/src/check/ranges/analyse.ts';
import { toSemanticTokens } from '../../server/src/convert.ts';
import { Document } from '../../server/src/documents.ts';
import { callsIn, functionAt } from '../../server/src/features/callHierarchy.ts';
import { codeActions } from '../../server/src/features/codeActions.ts';
import { codeLenses } from '../../server/src/features/codeLenses.ts';
import { completion } from '../../server/src/features/completion.ts';
import { documentLinks, importLinks } from '../../server/src/features/documentLinks.ts';
import { folds } from '../../server/src/features/folding.ts';
import { formatAll, formatRange, formatTyped } from '../../server/src/features/formatting.ts';
import { hover } from '../../server/src/features/hover.ts';
import { inlayHints } from '../../server/src/features/inlayHints.ts';
import { linkedRanges } from '../../server/src/features/linkedEditing.ts';
import { definition, references } from '../../server/src/features/navigation.ts';
import { implementation, typeDefinition } from '../../server/src/features/relations.ts';
import { prepareRename, rename } from '../../server/src/features/rename.ts';
import { selectionRanges } from '../../server/src/features/selectionRanges.ts';
import { semanticTokens } from '../../server/src/features/semanticTokens.ts';
import { signatureHelp } from '../../server/src/features/signatureHelp.ts';
import { globalSymbols, outline } from '../../server/src/features/symbols.ts';
import { tokenData, tokenEdits, tokenParts } from '../../server/src/features/tokenParts.ts';
import type { CheckedSnapshot } from '../../server/src/snapshot.ts';
import { header, prelude } from './fixture.ts';

const program = `${header}import "lib.relay"
type Box[A] { Full(A), Empty }
def @f[T](%v: T, %n: Tensor[(n, 4), float32]) -> T { %v }
def @main(%x: Tensor[(2, 3), float32], %q: Tensor[(1, 8), int8], %c: bool) {
  // 😀 above
  %0 = nn.dense(%x, meta[relay.Constant][0], units=4);
  let %g = fn (%z: int32) { %z + 1 };
  let %b = Full(%g(1));
  let %w = match (%b) { Full(%k) => %k, Empty => 0 };
  %1 = qnn.dense(%q, %q, -3, 0, 0.5f, 0.1f, units=1, out_dtype="int32");
  %2 = if (%c) { %0 } else { @f(%0, %0) };
  let %r = ref(%2);
  (ref_read(%r), %w, @map(%g, Cons(1, Nil())), clip(%1, a_min=0f, a_max=6f), nn.relu(%x).0)
}
#[metadata]
{"root": 1, "nodes": [{"type_key": ""}, {"type_key": "Map", "keys": ["relay.Constant"], "data": [2]}]}
`;

const pieces = [
  '(',
  ')',
  '{',
  '}',
  '"',
  '%',
  '@',
  ';',
  ',',
  '=',
  '//',
  '/*',
  '*/',
  ' ',
  '\n',
  '\r\n',
  'let ',
  'def @',
  '%0',
  'nn.',
  '😀',
  '0',
  'meta[',
  ']',
  '',
];

/** Asks everything at one place; what comes back lies in the text. */
function askAll(snapshot: CheckedSnapshot, offset: number): void {
  const whole = { start: 0, end: snapshot.text.length };
  const inside = (range: { readonly start: number; readonly end: number } | undefined): void => {
    if (range) assert.ok(0 <= range.start && range.start <= range.end && range.end <= whole.end);
  };
  const ranges = complete(analyseRanges(snapshot.check));
  inside(hover(snapshot, offset, ranges, prelude)?.range);
  inside(definition(snapshot, offset, prelude)?.origin);
  for (const { range } of references(snapshot, offset)) inside(range);
  for (const { origin } of [...typeDefinition(snapshot, offset, prelude), ...implementation(snapshot, offset, prelude)])
    inside(origin);
  if (prepareRename(snapshot, offset, prelude).ok) rename(snapshot, offset, 'other');
  linkedRanges(snapshot, offset).forEach(inside);
  for (const item of completion(snapshot, offset, prelude)) inside(item.range);
  signatureHelp(snapshot, offset);
  selectionRanges(snapshot, offset).forEach(inside);
  functionAt(snapshot, offset, prelude);
  callsIn(snapshot, prelude);
  for (const action of codeActions(snapshot, { start: offset, end: Math.min(whole.end, offset + 3) }))
    assert.ok(action.title);
  complete(
    inlayHints(snapshot, whole, { types: true, shapesOnly: false, parameterNames: true, valueRanges: true }, ranges),
  );
  complete(outline(snapshot)).forEach(({ range }) => inside(range));
  globalSymbols(snapshot, 'a');
  complete(folds(snapshot));
  complete(documentLinks(snapshot)).forEach(({ range, target }) => {
    inside(range);
    inside(target);
  });
  importLinks(snapshot).forEach(({ range }) => inside(range));
  complete(codeLenses(snapshot));
  complete(formatAll(snapshot)).forEach(inside);
  complete(formatRange(snapshot, { start: offset, end: offset })).forEach(inside);
  formatTyped(snapshot, offset).forEach(inside);
}

describe('every service, anywhere in a text that is being written', () => {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(6),
    insert: fc.constantFrom(...pieces),
    cursor: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  it('answers inside of the text, with tokens in step', function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        const document = new Document('file:///a.relay', 1, program);
        let text = program;
        let previous = check(document.snapshot.tree);
        let sent = complete(tokenParts({ ...document.snapshot, check: previous }));
        let data = tokenData(sent);
        for (const [i, { at, remove, insert, cursor }] of edits.entries()) {
          const start = Math.floor(at * text.length);
          const end = Math.min(text.length, start + remove);
          const { lines } = document.snapshot;
          const range = { start: lines.position(start), end: lines.position(end) };
          const [from, to] = [lines.offset(range.start), lines.offset(range.end)];
          document.change([{ range, text: insert }], i + 2);
          text = text.slice(0, from) + insert + text.slice(to);
          assert.equal(document.text, text);
          previous = check(document.snapshot.tree, { previous });
          const snapshot: CheckedSnapshot = { ...document.snapshot, check: previous };
          askAll(snapshot, Math.floor(cursor * text.length));
          const parts = complete(tokenParts(snapshot));
          for (const change of tokenEdits(sent, parts)) data.splice(change.start, change.deleteCount, ...change.data);
          assert.deepEqual(data, tokenData(parts));
          assert.deepEqual(data, toSemanticTokens(snapshot, semanticTokens(snapshot)).data);
          sent = parts;
          data = tokenData(parts);
        }
      }),
      { numRuns: 40 },
    );
  });
});
