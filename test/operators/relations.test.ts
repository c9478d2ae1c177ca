import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { defaultAttributes } from '../../compiler/src/operators/normalize.ts';
import type { DimOrigin, RelateResult } from '../../compiler/src/operators/operator.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { printType } from '../../compiler/src/types/print.ts';
import type { Dim, Type } from '../../compiler/src/types/type.ts';
import { anyDim, tensorType, tupleType } from '../../compiler/src/types/type.ts';

type Attrs = Record<string, unknown>;

function t(...shape: readonly (Dim | '?')[]): Type {
  return tensorType(
    shape.map((d) => (d === '?' ? anyDim : d)),
    'float32',
  );
}
function context(name: string, inputs: readonly Type[], attrs: Attrs) {
  const operator = operatorRegistry.get(name);
  assert.ok(operator, name);
  const all = { ...defaultAttributes(operator), ...attrs } as never;
  return { operator, context: { inputs, attrs: all, expected: undefined, constant: () => undefined } };
}
function relate(name: string, inputs: readonly Type[], attrs: Attrs = {}): RelateResult {
  const c = context(name, inputs, attrs);
  return c.operator.relate(c.context);
}
function result(name: string, inputs: readonly Type[], attrs: Attrs = {}): string {
  const r = relate(name, inputs, attrs);
  return r.kind === 'ok' ? printType(r.result) : r.kind === 'wait' ? 'wait' : `${r.error.code}: ${r.error.message}`;
}
function origin(
  name: string,
  inputs: readonly Type[],
  attrs: Attrs,
  dim: number,
  field?: number,
): DimOrigin | undefined {
  const c = context(name, inputs, attrs);
  const r = c.operator.relate(c.context);
  assert.equal(r.kind, 'ok');
  return r.kind === 'ok'
    ? c.operator.explain?.(c.context, r.result, field === undefined ? { dim } : { dim, field })
    : undefined;
}

describe('broadcasting', () => {
  const table: readonly [Type, Type, string][] = [
    [t(2, 3), t(3), 'Tensor[(2, 3), float32]'],
    [t(2, 1), t(1, 3), 'Tensor[(2, 3), float32]'],
    [t('?'), t(5), 'Tensor[(5), float32]'],
    [t('?'), t(1), 'Tensor[(?), float32]'],
    [t('?'), t('?'), 'Tensor[(?), float32]'],
    [t(0), t(1), 'Tensor[(0), float32]'],
    [t(), t(4), 'Tensor[(4), float32]'],
  ];
  for (const [a, b, want] of table)
    it(`${printType(a)} with ${printType(b)} gives ${want}`, () => {
      assert.equal(result('add', [a, b]), want);
    });

  it('of a named dimension works with itself and with 1, not with a number', () => {
    const n: Dim = { kind: 'var', name: 'n', id: 1 };
    assert.equal(result('add', [t(n), t(n)]), 'Tensor[(n), float32]');
    assert.equal(result('add', [t(n), t(1)]), 'Tensor[(n), float32]');
    assert.match(result('add', [t(n), t(3)]), /^shape-mismatch/);
  });

  it('that fails names both dimensions', () => {
    assert.equal(
      result('multiply', [t(2, 3), t(4)]),
      'shape-mismatch: The shapes (2, 3) and (4) do not broadcast: dimension 1 of `lhs` is 3, dimension 0 of `rhs` is 4.',
    );
  });

  it('says where a dimension came from', () => {
    assert.deepEqual(origin('add', [t(2, 1), t(3)], {}, 1), {
      formula: 'broadcast(1, 3)',
      sources: [
        { kind: 'input', index: 0, dim: 1 },
        { kind: 'input', index: 1, dim: 0 },
      ],
    });
  });

  it('goes on with the left element type after a mismatch', () => {
    const r = relate('add', [t(2), tensorType([2], 'int32')]);
    assert.equal(r.kind === 'error' ? r.error.result && printType(r.error.result) : '', 'Tensor[(2), float32]');
  });
});

describe('reshape', () => {
  const x = t(2, 3, 4);
  const table: readonly [readonly number[], string][] = [
    [[0, -1], '(2, 12)'],
    [[-3, -2], '(6, 4)'],
    [[-4, 1, -1, -2], '(1, 2, 3, 4)'],
    [[6, 4], '(6, 4)'],
    [[-1], '(24)'],
  ];
  for (const [newshape, want] of table)
    it(`of (2, 3, 4) to [${newshape.join(', ')}] gives ${want}`, () => {
      assert.equal(result('reshape', [x], { newshape }), `Tensor[${want}, float32]`);
    });

  it('keeps `?` where it is inferred from `?`', () => {
    assert.equal(result('reshape', [t('?', 4)], { newshape: [-1, 2] }), 'Tensor[(?, 2), float32]');
  });

  it('counts elements in its message', () => {
    assert.equal(
      result('reshape', [x], { newshape: [5, 5] }),
      'bad-attribute: `data` of shape (2, 3, 4) has 24 elements, but (5, 5) has 25.',
    );
    assert.match(result('reshape', [x], { newshape: [7, -1] }), /24 elements, which do not divide into \[7, -1\]/);
  });

  it('explains an inferred dimension', () => {
    assert.equal(origin('reshape', [x], { newshape: [8, -1] }, 1)?.formula, '2 · 3 · 4 / 8');
  });
});

describe('shapes of other operators', () => {
  const pair = (a: Type, b: Type): Type => tupleType([a, b]);
  const table: readonly [string, string, readonly Type[], Attrs, string][] = [
    [
      'concatenate adds along the axis',
      'concatenate',
      [pair(t(2, 3), t(4, 3))],
      { axis: 0 },
      'Tensor[(6, 3), float32]',
    ],
    [
      'concatenate with an unknown axis',
      'concatenate',
      [pair(t(2, 3), t('?', 3))],
      { axis: 0 },
      'Tensor[(?, 3), float32]',
    ],
    [
      'concatenate keeps `?` beside the axis',
      'concatenate',
      [pair(t(2, 3), t(2, '?'))],
      { axis: 0 },
      'Tensor[(4, ?), float32]',
    ],
    [
      'concatenate trusts the known side',
      'concatenate',
      [pair(t(2, 3), t('?', '?'))],
      { axis: 0 },
      'Tensor[(?, 3), float32]',
    ],
    [
      'split into equal pieces',
      'split',
      [t(1, 8)],
      { indices_or_sections: 2, axis: 1 },
      '(Tensor[(1, 4), float32], Tensor[(1, 4), float32])',
    ],
    [
      'split at positions',
      'split',
      [t(9)],
      { indices_or_sections: [2, 5] },
      '(Tensor[(2), float32], Tensor[(3), float32], Tensor[(4), float32])',
    ],
    [
      'split that does not divide',
      'split',
      [t(9)],
      { indices_or_sections: 2 },
      'bad-attribute: Dimension 0 of `data` is 9, which does not divide into 2 equal pieces.',
    ],
    ['transpose', 'transpose', [t(1, 2, 3)], { axes: [2, 0, -2] }, 'Tensor[(3, 1, 2), float32]'],
    ['transpose without axes', 'transpose', [t(1, 2, 3)], { axes: null }, 'Tensor[(3, 2, 1), float32]'],
    [
      'a slice with steps',
      'strided_slice',
      [t(10)],
      { begin: [1], end: [8], strides: [3], axes: null },
      'Tensor[(3), float32]',
    ],
    [
      'a slice backwards',
      'strided_slice',
      [t(10)],
      { begin: [-1], end: [-11], strides: [-1], axes: null },
      'Tensor[(10), float32]',
    ],
    ['take along an axis', 'take', [t(4, 3), tensorType([2], 'int32')], { axis: 0 }, 'Tensor[(2, 3), float32]'],
    [
      'take with float indices',
      'take',
      [t(4), t(2)],
      { axis: 0 },
      'dtype-mismatch: `indices` must have an integer type, found float32.',
    ],
    ['mean over height and width', 'mean', [t(1, 4, 4, 2)], { axis: [1, 2] }, 'Tensor[(1, 2), float32]'],
    ['a reduction that excludes', 'sum', [t(2, 3, 4)], { axis: [1], exclude: true }, 'Tensor[(3), float32]'],
    [
      'an axis out of range',
      'sum',
      [t(2, 3)],
      { axis: [2] },
      'bad-attribute: `axis` must be from -2 to 1 because `data` has 2 dimensions, found 2.',
    ],
    ['argmax', 'argmax', [t(2, 3)], { axis: [1] }, 'Tensor[(2), int32]'],
    [
      'a tuple where a tensor belongs',
      'reshape',
      [pair(t(2), t(2))],
      { newshape: [2] },
      'not-a-tensor: `data` must be a tensor, found the tuple `(Tensor[(2), float32], Tensor[(2), float32])`.',
    ],
    ['einsum', 'einsum', [pair(t(2, 3), t(3, 4))], { equation: 'ij,jk->ik' }, 'Tensor[(2, 4), float32]'],
    [
      'layout_transform cuts blocks',
      'layout_transform',
      [t(1, 8, 5, 5)],
      { src_layout: 'NCHW', dst_layout: 'NCHW4c' },
      'Tensor[(1, 2, 5, 5, 4), float32]',
    ],
    ['an argument that is not known yet', 'squeeze', [{ kind: 'incomplete', id: 1 }], {}, 'wait'],
  ];
  for (const [title, name, inputs, attrs, want] of table)
    it(title, () => {
      assert.equal(result(name, inputs, attrs), want);
    });

  it('a slice explains its size', () => {
    const attrs = { begin: [1], end: [8], strides: [3], axes: null };
    assert.equal(origin('strided_slice', [t(10)], attrs, 0)?.formula, 'ceil((8 − 1) / 3)');
  });

  it('a concatenation explains its sum', () => {
    assert.equal(origin('concatenate', [pair(t(2, 3), t(4, 3))], { axis: 0 }, 0)?.formula, '2 + 4');
  });
});
