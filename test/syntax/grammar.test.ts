import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { dumpTree } from './dump.ts';

const header = '#[version = "0.0.5"]\n';

/** Expressions that TVM reads too. */
const expressions: readonly (readonly [string, string])[] = [
  ['1', '1:int32'],
  ['--10', '10:int32'],
  ['3000000000', '3000000000:int64'],
  ['1.5f', '1.5:float32'],
  ['-inff', '-Infinity:float32'],
  ['True', 'true'],
  ['%a/b', '%a/b'],
  ['%00', '%0'],
  ['nn . relu(%x)', '(call nn.relu %x)'],
  ['1 + 2 * 3 - 4 < 5 == True', '(== (< (- (+ 1:int32 (* 2:int32 3:int32)) 4:int32) 5:int32) true)'],
  ['%x - -1', '(- %x -1:int32)'],
  ['()', '(tuple)'],
  ['(1)', '(1:int32)'],
  ['(1,)', '(tuple 1:int32)'],
  ['(1, %x,)', '(tuple 1:int32 %x)'],
  ['%t.0(1)', '(call (.0 %t) 1:int32)'],
  ['%t . 1', '(.1 %t)'],
  ['@f(1)(2)', '(call (call @f 1:int32) 2:int32)'],
  ['f(%x, axis=[0, -1], n.k=None, s="a b")', '(call f %x axis=[0:int32 -1:int32] n.k=None s="a b")'],
  ['f(meta[relay.Constant][3])', '(call f meta<relay.Constant 3>)'],
  ['fn (%x: int32, %y) -> int32 { %x }', '(fn (%x:int32 %y) -> int32 {%x})'],
  ['fn [A](%x: A, k=1) { %x }(2)', '(call (fn [A] (%x:A k=1:int32) {%x}) 2:int32)'],
  ['if (%c) { 1 } else { 2 }', '(if %c {1:int32} {2:int32})'],
  ['ref_write(%r, ref_read(%r))', '(ref_write %r (ref_read %r))'],
  [
    'match? (%x) { Cons(_, %t: A) => %t, Nil => { 1 }, (_, %u) => 2 }',
    '(match? (%x) [(Cons _ %t:A) => %t] [(Nil) => {1:int32}] [(tuple _ %u) => 2:int32])',
  ],
  [
    'let %x: Tensor[(2, ?, 3i64), float32] = 1; %0 = %x; f(); %0',
    '(let %x:(Tensor [2 ? 3i64] float32) 1:int32) (graph 0 %x) (do (call f)) %0',
  ],
  ['(let %x = 1; %x)', '({(let %x 1:int32) %x})'],
  ['{ { 1 } }', '{{1:int32}}'],
  ['free_var %x: int32; %x', '(free %x:int32) %x'],
  [
    'fn (%x: (int32,), %f: fn (A) -> fn () -> _, %l: List[A], %n: nat[]) { 1 }',
    '(fn (%x:(tuple int32) %f:(fn A -> (fn -> _)) %l:(List A) %n:(nat)) {1:int32})',
  ],
  [
    'fn (%x {virtual_device=meta[VirtualDevice][0]}: int32) { %x }',
    '(fn (%x virtual_device=meta<VirtualDevice 0>:int32) {%x})',
  ],
  ['a /* one /* two */ still */ + // rest\n b', '(+ a b)'],
];

/** Accepted although TVM trips over them, because nothing else can be meant. */
const friendlier: readonly (readonly [string, string])[] = [
  ['1+2', '(+ 1:int32 2:int32)'],
  ['%t.0.1', '(.1 (.0 %t))'],
  ['@f(%x).0', '(.0 (call @f %x))'],
  ['%0 == 1', '(== %0 1:int32)'],
  ['nanf16', 'NaN:float16'],
  ['f(%conv.weight, %input:0, %a/b)', '(call f %conv.weight %input:0 %a/b)'],
  ['fn (%input.1: int32) { %input.1 }', '(fn (%input.1:int32) {%input.1})'],
  ['%0 = match (%x) { _ => 1 }; %0', '(graph 0 (match (%x) [_ => 1:int32])) %0'],
  ['meta[relay.Constant][0] /* ty=Tensor[(2), int8] span=a:1:2 */', 'meta<relay.Constant 0 Tensor[(2), int8]>'],
];

/** Extensions carry an information. */
const extensions: readonly (readonly [string, string])[] = [
  ['let %x = let %y = 1; %y; %x', '(let %x {(let %y 1:int32) %y}) %x'],
  ['if (%a) { 1 } else if (%b) { 2 } else { 3 }', '(if %a {1:int32} {(if %b {2:int32} {3:int32})})'],
  ['fn (%x: Tensor[(n, 2 * m + 1), int8]) { %x }', '(fn (%x:(Tensor [n (+ (* 2 m) 1)] int8)) {%x})'],
  ['fn (%r: ref(int32), %f: fn [A](A) -> A) { %r }', '(fn (%r:(ref int32) %f:(fn [A] A -> A)) {%r})'],
];

describe('reading programs', () => {
  for (const [text, expected] of [...expressions, ...friendlier])
    it(`reads ${text}`, () => {
      const tree = parseSource(text);
      assert.deepEqual(tree.errors, []);
      assert.equal(dumpTree(tree), expected);
    });
  for (const [text, expected] of extensions)
    it(`reads ${text} and says that it is an extension`, () => {
      const tree = parseSource(text);
      assert.ok(tree.errors.length > 0);
      assert.ok(tree.errors.every((e) => e.code === 'extension-syntax' && e.severity === 'information'));
      assert.equal(dumpTree(tree), expected);
    });

  it('reads a module with types, functions and metadata', () => {
    const tree = parseSource(
      `${header}type List[A] {\n  Cons(A, List[A]),\n  Nil,\n}\ndef @main[A](%x: A, k="v") -> A { %x }\nextern type T\n#[metadata]\n{}`,
    );
    assert.deepEqual(tree.errors, []);
    assert.equal(tree.version?.version, '0.0.5');
    assert.equal(tree.metadata?.json.trim(), '{}');
    assert.equal(
      dumpTree(tree),
      '(type List [A] (Cons A (List A)) (Nil))\n(def @main [A] (%x:A k="v") -> A {%x})\n(extern type T [])',
    );
  });

  it('takes a module of another version with a warning, and misses a header', () => {
    const other = parseSource('#[version = "0.0.4"]\ndef @main() { 1 }');
    assert.deepEqual(
      other.errors.map((e) => [e.code, e.severity]),
      [['unknown-version', 'warning']],
    );
    assert.deepEqual(
      parseSource('def @main() { 1 }').errors.map((e) => e.code),
      ['missing-version'],
    );
  });
});
