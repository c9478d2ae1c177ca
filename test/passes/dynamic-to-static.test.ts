import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { allocateElements, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { checkArena, checkPasses, prepareText } from '../differential/oracle.ts';
import { cortexM4 } from '../schedule/functions.ts';

const small = '%x: Tensor[(2, 6), float32]';
const image = '%x: Tensor[(1, 2, 3, 4), float32]';
const indices = '%x: Tensor[(2, 3), int32]';

/** A vector that folds to a constant. */
const vector = (...n: readonly number[]): string => `stack((${n.map((x) => `${x}i64`).join(', ')},), axis=0)`;

/** Parameters, what is computed, and the shape that it gets. */
const cases: readonly (readonly [string, string, readonly number[]])[] = [
  [small, `dyn.reshape(%x, ${vector(3, -1)}, newshape=None)`, [3, 4]],
  [small, `dyn.reshape(%x, ${vector(0, 3, 2)}, newshape=None)`, [2, 3, 2]],
  [small, `dyn.tile(%x, ${vector(2, 1, 2)}, reps=None)`, [2, 2, 12]],
  [small, `dyn.broadcast_to(%x, ${vector(3, 2, 6)}, shape=None, dtype="")`, [3, 2, 6]],
  ['%x: Tensor[(2, 1, 3, 1), float32]', `dyn.squeeze(%x, ${vector(1, -1)}, axis=None)`, [2, 3]],
  [small, 'dyn.expand_dims(%x, -1, num_newaxis=2, attrs_type_key="relay.attrs.DynExpandDimsAttrs")', [2, 6, 1, 1]],
  [small, slice([0, 1], [2, 5], [1, 2]), [2, 2]],
  [small, slice([-1, -1], [-3, -7], [-1, -2]), [2, 3]],
  [small, slice([1, 0], [1, -1], [1, 1], 'size'), [1, 6]],
  [small, `multiply(%x, dyn.full(3f, ${vector(2, 6)}, shape=None, dtype="float32"))`, [2, 6]],
  [small, `add(%x, dyn.ones(${vector(2, 1)}, shape=None, dtype="float32"))`, [2, 6]],
  [small, `add(%x, dyn.zeros(${vector(6)}, shape=None, dtype="float32"))`, [2, 6]],
  [indices, 'dyn.one_hot(%x, 1f, 0f, 4, depth=0, axis=-1, dtype="float32")', [2, 3, 4]],
  [image, 'dyn.nn.upsampling(%x, 2f, 3f, scale_h=0, scale_w=0)', [1, 2, 6, 12]],
  ['%x: Tensor[(1, 1, 2, 3, 2), float32]', 'dyn.nn.upsampling3d(%x, 2f, 1f, 2f, scale_d=0, scale_h=0, scale_w=0)', [1, 1, 4, 3, 4]],
  [image, `dyn.image.resize2d(%x, ${vector(6, 5)}, cast(${vector(0, 0, 0, 0)}, dtype="float32"), size=None, roi=None)`, [1, 2, 6, 5]],
  [small, `dyn.nn.pad(%x, reshape(${vector(0, 1, 2, 0)}, newshape=[2, 2]), 7f, pad_width=None)`, [3, 8]],
  // Sizes that the program computes from shapes, one upon another, through tuples and other operators.
  [small, 'dyn.reshape(%x, reverse(shape_of(%x, dtype="int64"), axis=0), newshape=None)', [6, 2]],
  [
    small,
    `let %n = cast(take(shape_of(%x, dtype="int64"), 1i64, axis=0), dtype="float32");
     let %zero = 0f;
     let %one = 1f;
     add(%x, arange(%zero, %n, %one, start=%zero, stop=%n, step=%one, dtype="float32"))`,
    [2, 6],
  ],
  [
    image,
    `let %n = shape_of(nn.relu(%x), dtype="int64");
     let %flat = dyn.reshape(%x, concatenate((take(%n, meta_zero, axis=0), ${vector(-1)}), axis=0), newshape=None);
     let %rows = dyn.broadcast_to(%flat, concatenate((${vector(3)}, take(shape_of(%flat, dtype="int64"), cast(${vector(1)}, dtype="int32"), axis=0)), axis=0), shape=None, dtype="");
     let %pair = (%rows, exp(%rows));
     add(%pair.0, %pair.1)`.replace('meta_zero', `cast(${vector(0)}, dtype="int32")`),
    [3, 24],
  ],
]; // prettier-ignore

function slice(
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[],
  mode: 'end' | 'size' = 'end',
): string {
  const [b, e, s] = [begin, end, strides].map((list) => vector(...list));
  return `dyn.strided_slice(%x, ${b}, ${e}, ${s}, begin=None, end=None, strides=None, slice_mode="${mode}", axes=None)`;
}

function values(params: string): NDArray {
  const [, dims = '', dtype = ''] = /\(([\d, ]+)\), (\w+)/.exec(params) ?? [];
  const shape = dims.split(',').map(Number);
  const count = shape.reduce((a, b) => a * b, 1);
  const data = allocateElements(dtype, count);
  assert.ok(data);
  for (let i = 0; i < count; i++) data[i] = (dtype === 'int32' ? (i * 3) % 4 : (i % 7) / 3 - 1) as never;
  return { dtype, shape, data };
}

describe('sizes that are arguments', () => {
  for (const [params, body, shape] of cases)
    it(`become fixed where they are known: ${body.replace(/\s+/g, ' ').slice(0, 90)}`, () => {
      const text = `#[version = "0.0.5"]\ndef @main(${params}) { ${body} }`;
      const prepared = prepareText(text, new Map([['x', values(params)]]), { target: cortexM4 });
      assert.ok(!('where' in prepared), 'where' in prepared ? prepared.detail : '');
      assert.deepEqual(prepared.compiled.program.outputs[0]?.shape, shape);
      assert.equal(checkPasses(prepared), undefined);
      assert.equal(checkArena(prepared), undefined);
    });

  it('are refused where a run decides them, with what to do', () => {
    const text = `#[version = "0.0.5"]
def @main(%x: Tensor[(2, 6), float32], %n: Tensor[(2), int64]) { exp(dyn.reshape(%x, %n, newshape=None)) }`;
    const compiled = compileModel({ text, target: cortexM4 });
    assert.ok(!compiled.ok);
    assert.match(compiled.error.message, /dyn\.reshape/);
    assert.match(compiled.error.remedy ?? '', /`newshape`/);
  });

  it('have a static form in every operator that takes them', () => {
    const dynamic = operatorRegistry.names().filter((name) => name.startsWith('dyn.'));
    assert.ok(dynamic.length > 10);
    assert.deepEqual(
      dynamic.filter((name) => operatorRegistry.get(name)?.asStatic === undefined),
      [],
    );
  });
});
