import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { reparse } from '../../compiler/src/syntax/incremental.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import { nodeAt, walkTree } from '../../compiler/src/syntax/walk.ts';
import { plain } from './support.ts';

const program = `#[version = "0.0.5"]
// A list.
type List[A] {
  Cons(A, List[A]),
  Nil,
}

def @length[A](%xs: List[A]) -> int32 {
  match (%xs) {
    Cons(_, %rest) => 1 + @length(%rest),
    Nil => 0,
  }
}

def @main(%x: Tensor[(1, 3, 8, 8), float32], %w: Tensor[(4, 3, 3, 3), float32], %input.1: int32) {
  %0 = nn.conv2d(%x, %w, padding=[1, 1], out_dtype="float32"); /* ty=Tensor[(1, 4, 8, 8), float32] */
  let %f = fn (%y: int32) -> int32 {
    let %z = add(%y, 1);
    if (%z < 3) { %z } else { (let %q = %z; %q) }
  };
  ref_write(%r, meta[relay.Constant][0]);
  %1 = (%0, %f(%input.1).0);
  %1.0
}
#[metadata]
{"root": 1, "nodes": []}
`;

const bits =
  '( ) { } [ ] ; , " // /* */ let fn def type match else => -> = : .0 - 1.5 %x @g #[metadata] #[version="0.0.5"] é True _ %input.1'
    .split(' ')
    .concat(['\n', '  ', '%0 = ', 'let %q = ', '}\n\ndef @g() {', 'def @f(', 'import "a"', 'extern type T\n']);

/** An edit in per mille of the text. */
const edit = fc.record({
  at: fc.nat(1000),
  remove: fc.oneof(fc.nat(3), fc.nat(60)),
  insert: fc.constantFrom('', '', ...bits),
});

describe('parsing after an edit', () => {
  it('gives what parsing everything gives, for any series of edits', () => {
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
        let text = program;
        let tree: SourceTree = parseSource(text);
        for (const { at, remove, insert } of edits) {
          const start = Math.floor((text.length * at) / 1000);
          const end = Math.min(text.length, start + remove);
          const next = text.slice(0, start) + insert + text.slice(end);
          tree = reparse(tree, text, next, [{ start, end, newLength: insert.length }]);
          text = next;
          assert.deepEqual(plain(tree), plain(parseSource(text)));
          walkTree(tree, () => undefined);
          nodeAt(tree, start);
        }
      }),
      { numRuns: 600, seed: 20 },
    );
  });

  it('keeps the nodes and anchors of all other statements', () => {
    const tree = parseSource(program);
    const at = program.indexOf('padding=[1') + 'padding=['.length;
    const next = program.slice(0, at) + '2' + program.slice(at);
    const edited = reparse(tree, program, next, [{ start: at, end: at, newLength: 1 }]);
    const [before, after] = [tree, edited].map((x) => x.definitions[2]);
    assert.ok(before?.kind === 'def' && after?.kind === 'def');
    const [old, now] = [before.fn.body.statements, after.fn.body.statements];
    assert.notEqual(now[0], old[0]);
    assert.deepEqual(
      now.slice(1).map((s, i) => s === old[i + 1]),
      [true, true, true],
    );
    assert.equal(after.fn.body.result, before.fn.body.result);
    assert.equal(edited.definitions[1], tree.definitions[1]);
    assert.equal(edited.metadata, tree.metadata);
  });

  it('takes several changes in the order in which an editor sends them', () => {
    const tree = parseSource(program);
    const first = program.indexOf('%f(');
    const middle = program.slice(0, first) + 'xy' + program.slice(first);
    const second = program.indexOf('List[A] {');
    const next = middle.slice(0, second) + middle.slice(second + 2);
    const edited = reparse(tree, program, next, [
      { start: first, end: first, newLength: 2 },
      { start: second, end: second + 2, newLength: 0 },
    ]);
    assert.deepEqual(plain(edited), plain(parseSource(next)));
  });
});
