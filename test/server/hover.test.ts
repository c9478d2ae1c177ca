import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { hover } from '../../server/src/features/hover.ts';
import { marked } from './fixture.ts';

/** The hover's text at the marker holds every one of `parts`, and covers `over`. */
function checkHover(program: string, over: string, ...parts: readonly string[]): void {
  const { snapshot, offset } = marked(program);
  const found = hover(snapshot, offset);
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
  it('the rest of a broken file keeps its hovers', () => {
    checkHover('def @f(%x: int32) { add(%x, }\ndef @main(%y: float32) { negative(%$0y) }', '%y', '%y: float32');
  });
});
