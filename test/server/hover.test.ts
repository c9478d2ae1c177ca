import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { complete } from '../../compiler/src/base/steps.ts';
import { analyseRanges } from '../../compiler/src/check/ranges/analyse.ts';
import { hover } from '../../server/src/features/hover.ts';
import { marked, prelude } from './fixture.ts';

/** The hover's text at the marker holds every one of `parts`, and covers `over`. */
function checkHover(program: string, over: string, ...parts: readonly string[]): void {
  const { snapshot, offset } = marked(program);
  const ranges = complete(analyseRanges(snapshot.check));
  const found = hover(snapshot, offset, ranges, prelude);
  assert.ok(found, 'there is a hover');
  assert.equal(snapshot.text.slice(found.range.start, found.range.end), over);
  for (const part of parts) assert.ok(found.markdown.includes(part), `${found.markdown}\n— lacks: ${part}`);
}

describe('hover', () => {
  const conv = (
    callee: string,
  ) => `def @main(%x: Tensor[(1, 3, 224, 224), float32], %w: Tensor[(64, 3, 7, 7), float32]) {
  %0 = ${callee}(%x, %w, strides=[2, 2], padding=[3, 3, 3, 3], kernel_size=[7, 7], channels=64);
  nn.relu(%0)
}`;

  it('an operator shows the type of this call, what it does and its attributes', () => {
    checkHover(
      conv('nn.con$0v2d'),
      'nn.conv2d',
      'Tensor[(1, 64, 112, 112), float32]',
      '| `strides` | **`[2, 2]`** |',
      '| `groups` | · | `1` |',
    );
  });
  it('a dimension says by which formula it came to be', () => {
    checkHover(conv('nn.con$0v2d'), 'nn.conv2d', '112 = ');
  });
  it('a graph binding shows its type and what it is bound to', () => {
    const program = conv('nn.conv2d').replace('nn.relu(%0)', 'nn.relu(%$00)').replace('$00', '0$0');
    checkHover(program, '%0', '%0: Tensor[(1, 64, 112, 112), float32]', 'nn.conv2d(%x, %w');
  });
  it('a local shows its inferred type', () => {
    checkHover('def @main() { let %a = 1f; %$0a }', '%a', '%a: float32', 'bound by let');
    checkHover('def @main(%lo$0ng: int32) { %long }', '%long', '%long: int32', 'parameter');
  });
  it('a global shows its signature', () => {
    checkHover('def @f(%x: int32) { %x }\ndef @main() { @$0f(1) }', '@f', 'def @f: fn (int32) -> int32');
  });
  it('any expression shows its type', () => {
    checkHover('def @main(%x: Tensor[(2), float32]) { (%x, 1$0i64) }', '1i64', 'int64');
    checkHover('def @main(%x: Tensor[(2), float32]) { (%x$0 , 1) }', '%x', 'Tensor[(2), float32]');
    checkHover('def @main(%x: (int32, float32)) { %x.$01 }', '%x.1', 'float32');
  });
  it('an attribute shows what it takes and its default', () => {
    checkHover(conv('nn.conv2d').replace('strides', 'stri$0des'), 'strides', 'list of int', 'default `[1, 1]`');
  });
  it("an attribute's literal value shows what the attribute takes", () => {
    checkHover(conv('nn.conv2d').replace('[2, 2]', '[2$0, 2]'), '[2, 2]', 'strides: list of int');
  });
  it('a function shows what its author wrote above it', () => {
    checkHover('// Twice\n// as much.\ndef @f(%x: int32) { %x }\ndef @main() { @$0f(1) }', '@f', 'Twice\nas much.');
  });
  it('names of the prelude show their declaration', () => {
    checkHover(
      'def @main(%x: List[int32]) { @ma$0p(@id, %x) }',
      '@map',
      'def @map[A, B](%f: fn (A) -> B',
      'from the prelude',
    );
    checkHover(
      'def @main(%x: Li$0st[int32]) { %x }',
      'List',
      'type List[A] { Cons(A, List[A]), Nil }',
      'from the prelude',
    );
  });
  it('quantised values show their range, and why', () => {
    const dense = 'qnn.den$0se(%x, %w, -128, 0, 0.5f, 0.1f, units=3, out_dtype="int32")';
    const program = `def @main(%x: Tensor[(1, 100), int8], %w: Tensor[(3, 100), int8]) { ${dense} }`;
    checkHover(program, 'qnn.dense', 'Values `−3,264,000 … 3,238,500`: 100 products of at most 255 · 128');
  });
  it('the rest of a broken file keeps its hovers', () => {
    checkHover('def @f(%x: int32) { add(%x, }\ndef @main(%y: float32) { negative(%$0y) }', '%y', '%y: float32');
  });
});
