import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { complete } from '../../compiler/src/base/steps.ts';
import { analyseRanges } from '../../compiler/src/check/ranges/analyse.ts';
import { documentLinks } from '../../server/src/features/documentLinks.ts';
import { folds } from '../../server/src/features/folding.ts';
import { inlayHints, type Hint } from '../../server/src/features/inlayHints.ts';
import { selectionRanges } from '../../server/src/features/selectionRanges.ts';
import { semanticTokens } from '../../server/src/features/semanticTokens.ts';
import { documentSymbols, globalSymbols, type OutlineItem } from '../../server/src/features/symbols.ts';
import { marked, snapshotOf } from './fixture.ts';

const program = `type Box[A] {
  Full(A),
  Empty,
}
def @main(%x: Tensor[(2, 3), float32], %n: int32) {
  %0 = nn.relu(%x);
  let %y = add(%0, 1f);
  (%y, Full(%n))
}`;

describe('outline', () => {
  const show = (items: readonly OutlineItem[], indent = ''): string[] =>
    items.flatMap((i) => [`${indent}${i.kind} ${i.name} ${i.detail}`.trimEnd(), ...show(i.children, `${indent}  `)]);

  it('holds types with constructors, functions with parameters and bindings', () => {
    assert.deepEqual(show(documentSymbols(snapshotOf(program))), [
      'type Box',
      '  constructor Full A',
      '  constructor Empty',
      'function @main fn (Tensor[(2, 3), float32], int32) -> (Tensor[(2, 3), float32], Box[int32])',
      '  parameter %x Tensor[(2, 3), float32]',
      '  parameter %n int32',
      '  binding %0 nn.relu Tensor[(2, 3), float32]',
      '  binding %y Tensor[(2, 3), float32]',
    ]);
  });
  it('every name lies inside its item, as editors demand', () => {
    const inside = (items: readonly OutlineItem[]): void => {
      for (const item of items) {
        assert.ok(item.range.start <= item.nameRange.start && item.nameRange.end <= item.range.end, item.name);
        inside(item.children);
      }
    };
    inside(documentSymbols(snapshotOf(program)));
  });
  it('is searched by a part of the name', () => {
    const found = globalSymbols(snapshotOf(program), 'MAI').map((item) => item.name);
    assert.deepEqual(found, ['@main']);
  });
});

describe('inlay hints', () => {
  const label = (hint: Hint): string => hint.parts.map(({ text }) => text).join('');
  const all = (text: string): string[] => {
    const snapshot = snapshotOf(text);
    return complete(inlayHints(snapshot, { start: 0, end: snapshot.text.length })).map((hint) => {
      const { line } = snapshot.lines.position(hint.offset);
      return `${line}${label(hint)}`;
    });
  };
  it('show the types of bindings, not those that are written', () => {
    assert.deepEqual(all(program), [
      '5 -> (Tensor[(2, 3), float32], Box[int32])',
      '6: Tensor[(2, 3), float32]',
      '7: Tensor[(2, 3), float32]',
    ]);
    assert.deepEqual(all('def @main() { let %a: int32 = 1; let %b = 2f; %b }'), ['1 -> float32', '1: float32']);
  });
  it('stand behind the name and can be written into the text where the language allows it', () => {
    const snapshot = snapshotOf('def @main() { let %b = 2f; %b }');
    const [result, hint] = complete(inlayHints(snapshot, { start: 0, end: snapshot.text.length }));
    assert.equal(result?.insert, ' -> float32');
    assert.ok(snapshot.text.slice(0, result.offset).endsWith('@main()'));
    assert.ok(hint?.insert);
    assert.ok(snapshot.text.slice(0, hint.offset).endsWith('%b'));
    assert.equal(hint.insert, ': float32');
  });
  it('show only shapes, or the names of inputs, when asked to', () => {
    const snapshot = snapshotOf(
      'def @f(%a: int32, %b: int32) { %a }\ndef @main(%x: Tensor[(2, 3), float32], %a: int32) { %0 = add(%x, 1f); @f(%a, 2) }',
    );
    const shown = (types: boolean, shapesOnly: boolean, parameterNames: boolean): readonly string[] =>
      complete(
        inlayHints(
          snapshot,
          { start: 0, end: snapshot.text.length },
          { types, shapesOnly, parameterNames, valueRanges: false },
        ),
      ).map(label);
    assert.deepEqual(shown(true, true, false), [' -> int32', ' -> int32', ': (2, 3)']);
    assert.deepEqual(shown(false, false, true), ['lhs:', 'rhs:', 'b:']);
    assert.deepEqual(shown(false, true, false), []);
  });
});

describe('hints that lead on', () => {
  it('lead from a data type to its definition and from a name to its parameter', () => {
    const snapshot = snapshotOf('type T { A }\ndef @f(%a: int32, %t: T) { %t }\ndef @main() { @f(1, A) }');
    const whole = { start: 0, end: snapshot.text.length };
    const kinds = { types: true, shapesOnly: false, parameterNames: true, valueRanges: false };
    const targets = complete(inlayHints(snapshot, whole, kinds)).flatMap(({ parts }) =>
      parts.flatMap(({ text, target }) => (target ? [`${text} ${snapshot.text.slice(target.start, target.end)}`] : [])),
    );
    assert.deepEqual(targets, ['T T', 'T T', 'a: %a', 't: %t']);
  });
  it('show what every element of a quantised tensor is, and why', () => {
    const snapshot = snapshotOf('def @main(%x: Tensor[(2), int8]) {\n  %0 = clip(%x, a_min=0f, a_max=6f);\n  %0\n}');
    const kinds = { types: false, shapesOnly: false, parameterNames: false, valueRanges: true };
    const ranges = complete(analyseRanges(snapshot.check));
    const [hint] = complete(inlayHints(snapshot, { start: 0, end: snapshot.text.length }, kinds, ranges));
    assert.deepEqual(hint?.parts, [{ text: ' ∈ 0 … 6' }]);
    assert.equal(hint.tooltip, 'limited to 0 … 6');
  });
});

describe('semantic tokens', () => {
  it('say what each name is, in order and without overlap', () => {
    const snapshot = snapshotOf(program);
    const tokens = semanticTokens(snapshot);
    const shown = tokens.map((t) => `${snapshot.text.slice(t.range.start, t.range.end)}:${t.type}`);
    for (const expected of [
      'Box:type',
      'Full:enumMember',
      '@main:function',
      '%x:parameter',
      '%0:variable',
      'nn.relu:function',
      '%y:variable',
    ])
      assert.ok(shown.includes(expected), `${expected} in ${shown.join(' ')}`);
    tokens.slice(1).forEach((token, i) => assert.ok((tokens[i]?.range.end ?? 0) <= token.range.start));
  });
  it('of a part are those of the whole that lie there', () => {
    const snapshot = snapshotOf(program);
    const from = snapshot.text.indexOf('%0');
    const part = { start: from, end: snapshot.text.indexOf('\n', from) };
    const inside = semanticTokens(snapshot).filter((t) => t.range.start >= part.start && t.range.end <= part.end);
    const asked = semanticTokens(snapshot, part).filter((t) => t.range.start >= part.start && t.range.end <= part.end);
    assert.deepEqual(asked, inside);
  });
});

describe('folding', () => {
  it('folds functions, types and comments', () => {
    const snapshot = snapshotOf(`// one\n// two\n${program}`);
    const shown = complete(folds(snapshot)).map((f) => `${f.startLine}-${f.endLine} ${f.kind}`);
    assert.deepEqual(shown, ['1-2 comment', '3-6 region', '7-11 region']);
  });
});

describe('growing selection', () => {
  it('goes from the name to the call, the binding and the function', () => {
    const { snapshot, offset } = marked(program.replace('nn.relu(%x)', 'nn.relu(%$0x)'));
    const texts = selectionRanges(snapshot, offset).map((r) => snapshot.text.slice(r.start, r.end));
    assert.equal(texts[0], '%x');
    assert.equal(texts[1], 'nn.relu(%x)');
    assert.ok(texts.some((t) => t.startsWith('%0 = nn.relu(%x)')));
    assert.ok(texts.some((t) => t.startsWith('def @main')));
    assert.equal(texts.at(-1), snapshot.text);
    texts.slice(1).forEach((text, i) => assert.ok(text.length > (texts[i]?.length ?? 0)));
  });
});

describe('links to metadata', () => {
  it('lead from each reference to the section, and are absent without one', () => {
    const body = 'def @main() { meta[relay.Constant][0] }\n';
    assert.equal(complete(documentLinks(snapshotOf(body))).length, 0);
    const snapshot = snapshotOf(`${body}\n#[metadata]\n{ "root": 0, "nodes": [] }`);
    const [link] = complete(documentLinks(snapshot));
    assert.ok(link);
    assert.equal(snapshot.text.slice(link.range.start, link.range.end), 'meta[relay.Constant][0]');
    assert.equal(snapshot.text.slice(link.target.start, link.target.end), '#[metadata]');
  });
});
