import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { DimStep } from '../../compiler/src/check/result.ts';
import { checkText, codes, errors, header, typeOfGlobal } from './support.ts';

describe('inferred types', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['of a result that is not written', 'def @main(%x: float32) { %x < 1f }', 'fn (float32) -> bool'],
    [
      'of a weight that the attributes determine',
      'def @main(%x: Tensor[(1, 8), float32], %w) { nn.dense(%x, %w, units=4) }',
      'fn (Tensor[(1, 8), float32], Tensor[(4, 8), float32]) -> Tensor[(1, 4), float32]',
    ],
    [
      'of a callee without a result annotation that stands below',
      'def @main(%x: float32) { @half(%x) }\ndef @half(%x: float32) { %x / 2f }',
      'fn (float32) -> float32',
    ],
    [
      'of mutually recursive functions without result annotations',
      'def @main(%n: int32) { if (%n == 0) { True } else { @odd(%n - 1) } }\ndef @odd(%n: int32) { if (%n == 0) { False } else { @main(%n - 1) } }',
      'fn (int32) -> bool',
    ],
    [
      'of nested generic constructors, to the end',
      'def @main() { Cons(Cons(Cons(1, Nil), Nil), Nil) }',
      'fn () -> List[List[List[int32]]]',
    ],
    [
      'of a local recursive function',
      'def @main(%n: int32) { let %go = fn (%i: int32, %s: int32) { if (%i == 0) { %s } else { %go(%i - 1, %s + %i) } }; %go(%n, 0) }',
      'fn (int32) -> int32',
    ],
    ['of a reference', 'def @main() { let %r = ref(1f); ref_write(%r, 2f); ref_read(%r) }', 'fn () -> float32'],
    ['of a `let` that shadows a parameter', 'def @main(%x: float32) { let %x = True; %x }', 'fn (float32) -> bool'],
    [
      "of the prelude's functions",
      'def @main(%xs: List[int32]) { @map(fn (%x: int32) { %x > 0 }, %xs) }',
      'fn (List[int32]) -> List[bool]',
    ],
    [
      'of a file that defines a prelude type in its own way',
      'type List[A] { More(A, List[A]), End }\ndef @main() { More(1, End) }',
      'fn () -> List[int32]',
    ],
  ];
  for (const [what, program, type] of cases)
    it(`are known ${what}`, () => {
      assert.deepEqual(errors(program), []);
      assert.equal(typeOfGlobal(program), type);
    });
});

describe('named dimensions', () => {
  const pair =
    'def @pair(%x: Tensor[(n, 3), float32], %y: Tensor[(n, 3), float32]) -> Tensor[(n, 3), float32] { add(%x, %y) }\n';
  it('take the size of the argument', () => {
    const program = `${pair}def @main(%x: Tensor[(2, 3), float32]) { @pair(%x, %x) }`;
    assert.deepEqual(errors(program), []);
    assert.equal(typeOfGlobal(program), 'fn (Tensor[(2, 3), float32]) -> Tensor[(2, 3), float32]');
  });
  it('must have one size in a call', () => {
    const program = `${pair}def @main(%x: Tensor[(2, 3), float32], %y: Tensor[(4, 3), float32]) { @pair(%x, %y) }`;
    assert.deepEqual(errors(program), ['shape-mismatch']);
  });
});

describe('imports', () => {
  const library = parseSource(
    `${header}type Box[A] { MkBox(A) }\ndef @open[A](%b: Box[A]) -> A { match (%b) { MkBox(%a) => %a } }`,
  );
  it('bring types and functions of another file', () => {
    const program = 'import "box.relay"\ndef @main() { @open(MkBox(1f)) }';
    assert.deepEqual(codes(program, { imports: () => library }), ['extension-syntax']);
  });
  it('of a file that is not there are errors', () => {
    assert.ok(codes('import "box.relay"\ndef @main() { 1 }').includes('unknown-import'));
  });
});

describe('a dimension', () => {
  it('is explained back to the parameter and the attributes', () => {
    const { result } = checkText(
      'def @main(%data: Tensor[(1, 3, 112, 112), float32], %w: Tensor[(8, 3, 3, 3), float32]) { %0 = nn.conv2d(%data, %w, strides=[2, 2], padding=[1, 1], kernel_size=[3, 3]); nn.relu(%0) }',
    );
    const [main] = result.tree.definitions;
    assert.ok(main?.kind === 'def');
    const step = result.explainDim(main.fn.body.result, 2);
    assert.equal(step?.value, '56');
    const all: string[] = [];
    const visit = (s: DimStep): void => {
      all.push(s.label);
      s.sources.forEach(visit);
    };
    if (step) visit(step);
    assert.ok(
      all.some((label) => label.includes('%data')),
      all.join(),
    );
    assert.ok(
      all.some((label) => label.includes('strides')),
      all.join(),
    );
  });
});

describe('matches', () => {
  it('with many tuple fields are checked without expanding them', () => {
    const fields = Array.from({ length: 30 }, () => '_').join(', ');
    const types = Array.from({ length: 30 }, () => 'List[int32]').join(', ');
    const nil = Array.from({ length: 30 }, () => 'Nil').join(', ');
    const program = `def @main(%t: (${types})) { match (%t) { (${nil}) => 1, (${fields}) => 2 } }`;
    assert.deepEqual(errors(program), []);
  });
  it('name the nested case that is missing', () => {
    const [found] = checkText(
      'def @main(%xs: List[bool]) { match (%xs) { Nil => 1, Cons(_, Nil) => 2, Cons(_, Cons(_, Nil)) => 3 } }',
    ).diagnostics;
    assert.match(found?.message ?? '', /Cons\(_, Cons\(_, Cons\(_, _\)\)\)/);
  });
});
