import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { provablyEqual, simplifyDim, solveDims } from '../../compiler/src/types/dims.ts';
import { printDim } from '../../compiler/src/types/print.ts';
import { constantDim, type Dim, type DimExpr } from '../../compiler/src/types/type.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { modulesEqual } from '../../compiler/src/ir/equal.ts';
import { printModule } from '../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { checkText, errors, header, typeOfGlobal, under } from './support.ts';

const n: Dim = { kind: 'var', name: 'n', id: 9001 };
const m: Dim = { kind: 'var', name: 'm', id: 9002 };
const term = (op: DimExpr['op'], left: Dim, right: Dim): Dim => ({ kind: 'expr', op, operands: [left, right] });

/** The value of a dimension where `n` and `m` have values; undefined after a division by 0. */
function valueOf(dim: Dim, names: readonly [number, number]): number | undefined {
  const constant = constantDim(dim);
  if (constant !== undefined) return Number(constant);
  if (typeof dim === 'number' || dim.kind === 'any' || dim.kind === 'int64') return undefined;
  if (dim.kind === 'var') return dim.id === 9001 ? names[0] : names[1];
  const [a, b] = dim.operands.map((operand) => valueOf(operand, names));
  if (a === undefined || b === undefined) return undefined;
  switch (dim.op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case 'floordiv':
      return b === 0 ? undefined : Math.floor(a / b);
    case 'floormod':
      return b === 0 ? undefined : a - Math.floor(a / b) * b;
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    default:
      return undefined;
  }
}

const { dim: anyTerm } = fc.letrec<{ dim: Dim }>((tie) => ({
  dim: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(n, m),
    fc.integer({ min: -6, max: 12 }),
    fc
      .tuple(fc.constantFrom('+', '-', '*', 'floordiv', 'floormod', 'min', 'max'), tie('dim'), tie('dim'))
      .map(([op, left, right]) => term(op as DimExpr['op'], left, right)),
  ),
}));
const values = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }));

describe('a simplified dimension', () => {
  it('has the value of the original for all sizes', () => {
    fc.assert(
      fc.property(anyTerm, values, (dim, names) => {
        const before = valueOf(dim, names);
        if (before === undefined) return;
        // −0 is 0.
        assert.equal(
          (valueOf(simplifyDim(dim), names) ?? NaN) + 0,
          before + 0,
          `${printDim(dim)} → ${printDim(simplifyDim(dim))}`,
        );
      }),
      { numRuns: 3000, seed: 11 },
    );
  });
  it('is simple', () => {
    fc.assert(
      fc.property(anyTerm, (dim) => {
        const once = printDim(simplifyDim(dim));
        assert.equal(printDim(simplifyDim(simplifyDim(dim))), once);
      }),
      { numRuns: 1000, seed: 12 },
    );
  });
  const rows: readonly (readonly [Dim, string])[] = [
    [term('+', term('-', term('+', n, 2), 3), 1), 'n'],
    [term('floordiv', term('+', term('*', n, 4), 6), 2), 'n * 2 + 3'],
    [term('floordiv', term('*', n, 6), 4), 'floordiv(n * 3, 2)'],
    [term('floordiv', term('floordiv', n, 2), 2), 'floordiv(n, 4)'],
    [term('floormod', term('+', term('*', n, 4), 6), 4), '2'],
    [term('max', n, n), 'n'],
    [term('max', term('+', n, 1), n), 'n + 1'],
    [term('-', term('*', n, m), term('*', m, n)), '0'],
    [term('*', term('*', n, 2), term('*', m, 3)), 'n * m * 6'],
    [term('-', 5, n), 'n * -1 + 5'],
  ];
  for (const [dim, simple] of rows)
    it(`of ${printDim(dim)} is ${simple}`, () => {
      assert.equal(printDim(simplifyDim(dim)), simple);
    });
});

describe('an equation of dimensions', () => {
  const may = (id: number): boolean => id === 9001;
  it('is solved for a name', () => {
    assert.equal(solveDims(term('+', term('*', n, 2), 1), 9, may)?.value, 4);
    const solved = solveDims(term('+', n, m), term('*', m, 3), may);
    assert.equal(solved && printDim(solved.value), 'm * 2');
  });
  it('has no solution where the division leaves a remainder, or for another name', () => {
    assert.equal(solveDims(term('*', n, 2), 9, may), undefined);
    assert.equal(solveDims(m, 9, may), undefined);
  });
  it('holds for both orders of a sum', () => {
    assert.ok(provablyEqual(term('+', n, m), term('+', m, n)));
    assert.ok(!provablyEqual(n, m));
  });
});

const image = '%x: Tensor[(b, 3, h, w), float32]';
const rows = '%x: Tensor[(n, 6), float32]';
const dims = 'b, h, w, n, m';
const conv = (attributes: string): string => `nn.conv2d(%x, %w, kernel_size=[3, 3], channels=8, ${attributes})`;
const weight = ', %w: Tensor[(8, 3, 3, 3), float32]';

/** Calls with named dimensions, and the shape that comes out. */
const results: readonly (readonly [string, string, string])[] = [
  [conv('padding=[1, 1]'), image + weight, '(b, 8, h, w)'],
  [conv('padding=[0, 0]'), image + weight, '(b, 8, h - 2, w - 2)'],
  [conv('padding=[1, 1], strides=[2, 2]'), image + weight, '(b, 8, floordiv(h + 1, 2), floordiv(w + 1, 2))'],
  [conv('padding=[2, 2], dilation=[2, 2]'), image + weight, '(b, 8, h, w)'],
  ['nn.max_pool2d(%x, pool_size=[2, 2], strides=[2, 2])', image, '(b, 3, floordiv(h, 2), floordiv(w, 2))'],
  [
    'nn.max_pool2d(nn.max_pool2d(%x, pool_size=[2, 2], strides=[2, 2]), pool_size=[2, 2], strides=[2, 2])',
    image,
    '(b, 3, floordiv(h, 4), floordiv(w, 4))',
  ],
  ['nn.global_avg_pool2d(%x)', image, '(b, 3, 1, 1)'],
  ['nn.batch_flatten(%x)', image, '(b, h * w * 3)'],
  ['nn.pad(%x, 0f, pad_width=[[0, 0], [0, 0], [1, 1], [2, 0]])', image, '(b, 3, h + 2, w + 2)'],
  ['nn.depth_to_space(%x, block_size=2)', '%x: Tensor[(b, 8, h, w), float32]', '(b, 2, h * 2, w * 2)'],
  ['nn.space_to_depth(%x, block_size=2)', image, '(b, 12, floordiv(h, 2), floordiv(w, 2))'],
  ['transpose(%x, axes=[0, 2, 3, 1])', image, '(b, h, w, 3)'],
  ['mean(%x, axis=[2, 3])', image, '(b, 3)'],
  ['sum(%x, axis=[2], keepdims=True)', image, '(b, 3, 1, w)'],
  ['reshape(%x, newshape=[0, -1])', image, '(b, h * w * 3)'],
  ['reshape(%x, newshape=[-1, 2, 3])', rows, '(n, 2, 3)'],
  ['reshape(%x, newshape=[-1])', rows, '(n * 6)'],
  ['reshape(%x, newshape=[3, -1])', rows, '(3, n * 2)'],
  ['reshape(%x, newshape=[-3])', rows, '(n * 6)'],
  ['reshape(%x, newshape=[-1, 12])', '%x: Tensor[(n * 2, 6), float32]', '(n, 12)'],
  ['concatenate((%x, %y), axis=0)', `${rows}, %y: Tensor[(m, 6), float32]`, '(n + m, 6)'],
  ['concatenate((%x, %x, %x), axis=0)', rows, '(n * 3, 6)'],
  ['stack((%x, %x), axis=0)', rows, '(2, n, 6)'],
  ['tile(%x, reps=[2, 1])', rows, '(n * 2, 6)'],
  ['repeat(%x, repeats=3, axis=0)', rows, '(n * 3, 6)'],
  ['expand_dims(%x, axis=0)', rows, '(1, n, 6)'],
  ['add(%x, %y)', `${rows}, %y: Tensor[(n, 1), float32]`, '(n, 6)'],
  ['nn.dense(%x, %y, units=4)', `${rows}, %y: Tensor[(4, 6), float32]`, '(n, 4)'],
  ['nn.batch_matmul(%x, %x, transpose_b=True)', '%x: Tensor[(b, n, 4), float32]', '(b, n, n)'],
  ['take(%x, %i, axis=0)', `${rows}, %i: Tensor[(m), int32]`, '(m, 6)'],
  ['where(%x > 0f, %x, zeros_like(%x))', rows, '(n, 6)'],
  ['strided_slice(%x, begin=[1], end=[-1], strides=[1], axes=[0])', rows, '(n - 2, 6)'],
  ['strided_slice(%x, begin=[0], end=[2147483647], strides=[2], axes=[0])', rows, '(floordiv(n + 1, 2), 6)'],
  ['strided_slice(%x, begin=[-3], end=[2147483647], strides=[1], axes=[0])', rows, '(3, 6)'],
  ['strided_slice(%x, begin=[0, 2], end=[9, 4], strides=[1, 1], axes=None)', rows, '(min(n, 9), 2)'],
  ['nn.upsampling(%x, scale_h=2f, scale_w=3f)', image, '(b, 3, h * 2, w * 3)'],
  ['one_hot(%i, 1f, 0f, depth=10, axis=-1, dtype="float32")', '%i: Tensor[(n), int32]', '(n, 10)'],
];

describe('named dimensions', () => {
  for (const [call, params, shape] of results)
    it(`go through ${call}`, () => {
      const program = `def @main[${dims}](${params}) { ${call} }`;
      assert.deepEqual(errors(program), []);
      assert.match(typeOfGlobal(program), new RegExp(`-> Tensor\\[${shape.replace(/[()*+]/g, '\\$&')}, float32\\]$`));
    });

  const doubled = 'def @twice[n](%x: Tensor[(n, 3), float32]) { concatenate((%x, %x), axis=0) }\n';
  const next =
    'def @join[n](%x: Tensor[(n, 3), float32], %y: Tensor[(n + 1, 3), float32]) -> Tensor[(n * 2 + 1, 3), float32] { concatenate((%x, %y), axis=0) }\n';
  it('take the sizes of a call, also where the result was inferred', () => {
    assert.equal(
      typeOfGlobal(`${doubled}def @main(%x: Tensor[(4, 3), float32]) { @twice(%x) }`),
      'fn (Tensor[(4, 3), float32]) -> Tensor[(8, 3), float32]',
    );
  });
  it('take the names of a call', () => {
    const program = `${doubled}def @main[m](%x: Tensor[(m, 3), float32]) -> Tensor[(2 * m, 3), float32] { @twice(@twice(%x)) }`;
    assert.deepEqual(errors(program), ['shape-mismatch']);
    assert.deepEqual(errors(program.replace('2 * m', '4 * m')), []);
  });
  it('are equal in formulas of several parameters', () => {
    const call = (size: number): string =>
      `${next}def @main(%x: Tensor[(4, 3), float32], %y: Tensor[(${size}, 3), float32]) { @join(%x, %y) }`;
    assert.deepEqual(errors(call(5)), []);
    assert.deepEqual(errors(call(6)), ['shape-mismatch']);
    const checked = checkText(call(6));
    const [found] = checked.diagnostics.filter((d) => d.severity === 'error');
    assert.ok(found);
    assert.match(found.message, /dimension 0 is 6 instead of 5/);
    assert.ok(
      found.related?.some((r) =>
        r.message.includes('`Tensor[(n + 1, 3), float32]`, which is `Tensor[(5, 3), float32]`'),
      ),
    );
    assert.equal(under(checked, found), '%y');
  });
  it('are solved from a formula alone', () => {
    const half =
      'def @half[n](%x: Tensor[(n * 2), float32]) -> Tensor[(n), float32] { strided_slice(%x, begin=[0], end=[1], strides=[1], axes=None) }\n';
    assert.equal(
      typeOfGlobal(`${half}def @main(%x: Tensor[(8), float32]) { @half(%x) }`),
      'fn (Tensor[(8), float32]) -> Tensor[(4), float32]',
    );
  });
  it('that may differ do not fit', () => {
    assert.deepEqual(
      errors('def @main[n, m](%x: Tensor[(n, 6), float32], %y: Tensor[(m, 6), float32]) { add(%x, %y) }'),
      ['shape-mismatch'],
    );
  });
  it('may be written as formulas, in types and in attributes', () => {
    const program =
      'def @main[n](%x: Tensor[(1, n, n, 3), float32]) -> Tensor[(1, floordiv(n, 2) + 1, min(n, max(4, 2 * 2)), 3), float32] { image.resize2d(%x, size=[(n / 2 + 1), min(n, 4)], roi=[0f, 0f, 0f, 0f], layout="NHWC") }';
    assert.deepEqual(errors(program), []);
    assert.deepEqual(errors(program.replace('min(n, 4)]', 'min(n, 5)]')), ['shape-mismatch']);
    assert.deepEqual(errors(program.replace('floordiv(n', 'ceildiv(n')), ['expected-dimension']);
  });
  it('read back as they are printed', () => {
    for (const [call, params] of results) {
      const module = elaborate(checkText(`def @main[${dims}](${params}) { ${call} }`).result);
      assert.ok(module.ok);
      const { text } = printModule(module.value, { operators: operatorRegistry });
      const again = elaborate(checkText(text.replace(header, '')).result);
      assert.ok(again.ok && modulesEqual(module.value, again.value), text);
    }
  });
});
