import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkText, errors, fixed, typeOfGlobal, under } from './support.ts';

const list = 'type List[A] { Cons(A, List[A]), Nil }\n';
const main = (body: string, params = ''): string => `def @main(${params}) { ${body} }`;
const b = '%b: bool';
const x = '%x: int32';

/** Rows of the reference's error table: what a user meets, the program, and the codes of the roots. */
const rows: readonly (readonly [string, string, readonly string[]])[] = [
  ['an undeclared variable', main('%y'), ['unknown-local']],
  ['an undefined graph number', main('%0 = 1; add(%0, %1)'), ['unknown-graph-number']],
  ['an unknown operator', main('nn.nope(1)'), ['unknown-operator']],
  ['a constructor above its type', `def @f() { Nil }\n${list}`, ['constructor-before-definition']],
  ['an unknown constructor in a pattern', main('match (%x) { foo => 1 }', x), ['unknown-constructor']],
  ['a constructor name reused', `type A { X }\ntype B { X }\n${main('1')}`, ['duplicate-constructor']],
  ['a type name reused', `type A { X }\ntype A { Y }\n${main('1')}`, ['duplicate-type']],
  ['an extern type with constructors', `extern type F { A }\n${main('1')}`, ['extern-with-constructors']],
  ['attributes on an operator without any', main('abs(1, axis=1)'), ['unexpected-attributes']],
  ['attributes on a function', `def @g(${x}) { %x }\n${main('@g(1, foo=1)')}`, ['unexpected-attributes']],
  [
    'an unknown attribute',
    main(
      'nn.conv2d(%x, %w, kernel_size=[3, 3], bogus=1)',
      '%x: Tensor[(1, 3, 8, 8), float32], %w: Tensor[(4, 3, 3, 3), float32]',
    ),
    ['unknown-attribute'],
  ],
  ['a required attribute missing', main('cast(%x)', x), ['missing-attribute']],
  ['a value of the wrong kind', main('nn.softmax(%x, axis="a")', '%x: Tensor[(2), float32]'), ['bad-attribute']],
  ['missing metadata', main('meta[relay.Foo][0]'), ['unknown-metadata']],
  ['a free variable in a function', main('free_var %y: int32; %y'), ['free-variable']],
  ['types that differ', 'def @f(%x: int32) -> float32 { %x }', ['dtype-mismatch']],
  ['branches that differ', main('if (%b) { 1 } else { 2f }', b), ['dtype-mismatch']],
  ['ranks that differ', main('let %b: Tensor[(2, 1), int32] = %a; %b', '%a: Tensor[(2), int32]'), ['rank-mismatch']],
  [
    'branches of different sizes',
    main('if (%b) { %p } else { %q }', '%b: bool, %p: Tensor[(2), int32], %q: Tensor[(3), int32]'),
    ['shape-mismatch'],
  ],
  ['a condition that is a number', main('if (%x) { 1 } else { 2 }', x), ['condition-not-bool']],
  ['too few arguments', main('add(1)'), ['argument-count']],
  ['too many arguments', `def @f(${x}) -> int32 { %x }\n${main('@f(%x, %x)', x)}`, ['argument-count']],
  ['a call of a tensor', main('%x(1)', x), ['not-a-function']],
  ['a call of a tuple field', main('(1, 2).0(3)'), ['not-a-function']],
  ['a parameter that nothing determines', main('abs(%x)', '%x'), ['cannot-infer']],
  ['a function applied to itself', main('fn (%x) { %x(%x) }'), ['infinite-type']],
  ['an undefined type', main('1', '%x: Lisp[int32]'), ['unknown-type']],
  ['an undeclared type parameter', 'def @f(%x: A) -> A { %x }', ['unknown-type']],
  ['too many type arguments', `${list}${main('1', '%x: List[int32, int32]')}`, ['type-arguments']],
  ['a type parameter with arguments', 'def @f[F](%x: F[int32]) { 1 }', ['not-generic']],
  ['an undefined function', main('@nope(1)'), ['unknown-global']],
  ['a value that mentions itself', main('let %x = %x + 1; %x'), ['unknown-local']],
  [
    'a constructor pattern that is too short',
    `${list}${main('match? (%l) { Cons(%h) => 1 }', '%l: List[int32]')}`,
    ['constructor-pattern-arity'],
  ],
  [
    'a tuple pattern that is too long',
    main('match (%p) { (%a, %b, %c) => 1 }', '%p: (int32, int32)'),
    ['tuple-pattern-length'],
  ],
  ['a pattern of another type', `${list}${main('match? (%x) { Nil => 1 }', x)}`, ['pattern-type']],
  ['a missing case', `${list}${main('match (%l) { Nil => 0 }', '%l: List[int32]')}`, ['non-exhaustive-match']],
  ['a match without arms', main('match (%x) { }', x), ['non-exhaustive-match']],
  ['a field of a scalar', main('%x.0', x), ['not-a-tuple']],
  ['a field out of range', main('(1, 2).5'), ['index-out-of-range']],
  ['operands of different element types', main('1 + 2f'), ['dtype-mismatch']],
  [
    'shapes that do not broadcast',
    main('add(%p, %q)', '%p: Tensor[(2, 3), int32], %q: Tensor[(4), int32]'),
    ['shape-mismatch'],
  ],
];

const twoRows = '%x: Tensor[(3, 4), float32]';
const sparse = '%x: Tensor[(3), float32], %i: Tensor[(3), int32], %p: Tensor[(4), int32]';

/**
 * Programs on which TVM 0.12 dies, and two that it reads wrongly: what a user meets, the program, the finding's severity
 * and code, what it stands under, and what to do.
 */
const crashers: readonly (readonly [string, string, string, string, RegExp])[] = [
  [
    'a reduction that names a dimension twice',
    main('max(%x, axis=[0, 0])', twoRows),
    'error bad-attribute',
    '[0, 0]',
    /once/,
  ],
  [
    'a stride of zero',
    main('strided_slice(%x, begin=[0, 0], end=[2, 2], strides=[0], axes=None)', twoRows),
    'error bad-attribute',
    '[0]',
    /Write 1/,
  ],
  ['no axis for a softmax', main('nn.softmax(%x, axis=None)', twoRows), 'error bad-attribute', 'None', /axis=/],
  [
    'a type applied to too many arguments',
    `${list}${main('%x', '%x: List[int32, int32]')}`,
    'error type-arguments',
    'List[int32, int32]',
    /List\[A\]/,
  ],
  ['an undeclared variable left of an operator sign', main('%nope + 1'), 'error unknown-local', '%nope', /parameter/],
  ['an undeclared variable right of an operator sign', main('1 + %nope'), 'error unknown-local', '%nope', /parameter/],
  [
    'a tuple as sparse data',
    main('nn.sparse_transpose((%x,), %i, %p)', sparse),
    'error not-a-tensor',
    '(%x,)',
    /`\.0`/,
  ],
  [
    'a tuple as sparse data, alone',
    main('nn.sparse_transpose((%x,))', sparse),
    'error argument-count',
    '((%x,))',
    /sparse_indices.*sparse_indptr/,
  ],
  [
    'one padding for a convolution over one dimension',
    main('nn.conv1d(%x, %w, padding=[1])', '%x: Tensor[(1, 3, 8), float32], %w: Tensor[(4, 3, 3), float32]'),
    'error bad-attribute',
    '[1]',
    /padding=\[1, 1\]/,
  ],
  [
    'a let that hides a parameter of another type',
    main('let %x: float32 = 1f; %x', x),
    'warning hidden-parameter',
    '%x',
    /TVM 0\.12/,
  ],
  [
    'a graph number bound in two functions',
    'def @f(%x: int32) { %0 = %x + 1; %0 }\ndef @g(%x: float32) { %0 = %x + 1f; %0 }',
    'warning repeated-graph-number',
    '%0',
    /no other function/,
  ],
];

describe('errors that TVM reports', () => {
  for (const [what, program, expected] of rows)
    it(`finds ${what} and nothing that follows from it`, () => {
      assert.deepEqual(errors(program), expected);
    });
});

describe('programs that TVM dies of or reads wrongly', () => {
  for (const [what, program, finding, place, remedy] of crashers)
    it(`says what is wrong with ${what}, and what to do`, () => {
      const checked = checkText(program);
      const found = checked.diagnostics.filter((d) => d.severity !== 'hint');
      assert.deepEqual(
        found.map((d) => [`${d.severity} ${d.code}`, under(checked, d)]),
        [[finding, place]],
      );
      assert.match(found[0]?.remedy ?? '', remedy);
    });
  it('gives a let that hides a parameter the type of its value', () => {
    assert.equal(typeOfGlobal(main('let %x: float32 = 1f; %x', x)), 'fn (int32) -> float32');
  });
  it('gives each function graph numbers of its own', () => {
    const program = 'def @f(%x: int32) { %0 = %x + 1; %0 }\ndef @g(%x: float32) { %0 = %x + 1f; %0 }';
    assert.equal(typeOfGlobal(program, 'g'), 'fn (float32) -> float32');
  });
});

describe('lists of which a part could not be read', () => {
  const lists: readonly (readonly [string, string])[] = [
    ['a pattern of a constructor', main('match? (%l) { Cons(5, _) => 1 }', '%l: List[int32]')],
    ['a pattern of a tuple', main('match? (%p) { (%a, "b") => 1 }', '%p: (int32, int32)')],
  ];
  for (const [what, program] of lists)
    it(`are not counted: ${what}`, () => {
      assert.deepEqual(errors(program), ['unexpected-token']);
    });
});

describe('several errors', () => {
  it('are all shown when they do not depend on each other', () => {
    const program = `${main('let %a = %p + 1f; let %c = nn.nope(%a); let %d: bool = 1; (%a, %c, %d, %zz)', '%p: int32')}`;
    assert.deepEqual(errors(program).sort(), ['dtype-mismatch', 'dtype-mismatch', 'unknown-local', 'unknown-operator']);
  });
  it('do not repeat through what is computed from them', () => {
    const program = main('let %a = nn.nope(%p); let %b = exp(%a) + %a; @g((%b, %a).0)', '%p: int32');
    assert.deepEqual(errors(`${program}\ndef @g(%x: float32) -> float32 { %x }`), ['unknown-operator']);
  });
  it('in a graph number that nothing uses are warnings, as TVM never types it', () => {
    assert.deepEqual(errors(main('%0 = 1 + 2f; 3')), []);
  });
});

describe('an error', () => {
  it('stands where the cause is', () => {
    const checked = checkText(main('add(%p, %q)', '%p: Tensor[(2, 3), int32], %q: Tensor[(4), int32]'));
    const [found] = checked.diagnostics;
    assert.ok(found);
    assert.equal(under(checked, found), '%q');
  });
  it('shows where both sides come from', () => {
    const checked = checkText('def @f(%x: int32) -> float32 { %x }');
    const [found] = checked.diagnostics;
    const places = found?.related?.map((r) => under(checked, { ...found, span: r.span }));
    assert.deepEqual(places?.slice(0, 1), ['float32']);
    assert.ok((places?.length ?? 0) >= 2);
  });
  const misspelt: readonly (readonly [string, string])[] = [
    [main('nn.rleu(1f)'), main('nn.relu(1f)')],
    [main('conv2d(1f)'), main('nn.conv2d(1f)')],
    [main('%dtaa', '%data: int32'), main('%data', '%data: int32')],
    [main('@man()'), main('@main()')],
    [main('1', '%x: Lsit[int32]'), main('1', '%x: List[int32]')],
    [
      main('nn.softmax(%x, axsi=0)', '%x: Tensor[(2), float32]'),
      main('nn.softmax(%x, axis=0)', '%x: Tensor[(2), float32]'),
    ],
  ];
  for (const [wrong, right] of misspelt)
    it(`offers to repair ${wrong}`, () => {
      const checked = checkText(wrong);
      const found = checked.diagnostics.find((d) => d.fixes !== undefined);
      assert.ok(found, checked.diagnostics.map((d) => d.message).join('\n'));
      assert.equal(fixed(checked, found), right);
    });

  it('name the constructors of the type that is matched', () => {
    const program = (arm: string): string =>
      `type Shape { Circle(float32), Rect(float32, float32) }\n${main(`match? (%s) { ${arm} }`, '%s: Shape')}`;
    const remedyOf = (arm: string): string | undefined => checkText(program(arm)).diagnostics[0]?.remedy;
    assert.equal(remedyOf('Rectangle(%w, %h) => %w'), 'Write `Rect`.');
    assert.equal(remedyOf('Polygon(%n) => %n'), 'Write one of `Circle`, `Rect`.');
  });
});
