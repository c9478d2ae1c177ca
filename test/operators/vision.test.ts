import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { anyDim } from '../../compiler/src/types/type.ts';
import { explain, filled, messageOf, run, t, typeOf, type relate } from './nn-support.ts';

const numbers = (shape: readonly number[], values: readonly number[], dtype = 'float32') =>
  filled(dtype, shape, (i) => values[i] ?? 0);
const key = (name: string): string => `attrs_type_key="relay.attrs.${name}Attrs"`;

describe('result types of vision operators', () => {
  const cases: readonly [string, Parameters<typeof relate>, string][] = [
    [
      'regions in NHWC',
      [
        'vision.roi_align',
        [t('float32', 1, 16, 16, 4), t('float32', 32, 5)],
        { pooled_size: [7, 6], spatial_scale: 0.5, layout: 'NHWC' },
      ],
      'Tensor[(32, 7, 6, 4), float32]',
    ],
    [
      'proposals of several images',
      [
        'vision.proposal',
        [t('float32', 2, 24, 8, 8), t('float32', 2, 48, 8, 8), t('float32', 2, 3)],
        { rpn_post_nms_top_n: 50 },
      ],
      'Tensor[(100, 5), float32]',
    ],
    [
      'anchors',
      ['vision.multibox_prior', [t('float32', 1, 3, 5, 4)], { sizes: [0.5, 0.25], ratios: [1, 2] }],
      'Tensor[(1, 60, 4), float32]',
    ],
    [
      'detections',
      ['vision.multibox_transform_loc', [t('float32', 2, 3, 9), t('float32', 2, 36), t('float32', 1, 9, 4)]],
      '(Tensor[(2, 9, 6), float32], Tensor[(2), int32])',
    ],
    [
      'suppression in all classes',
      [
        'vision.all_class_non_max_suppression',
        [t('float32', 2, 9, 4), t('float32', 2, 3, 9), t('int64'), t('float32'), t('float32')],
      ],
      '(Tensor[(54, 3), int64], Tensor[(1), int64])',
    ],
    [
      'suppression of unknown boxes',
      [
        'vision.all_class_non_max_suppression',
        [t('float32', 2, anyDim, 4), t('float32', 2, 3, anyDim), t('int64'), t('float32'), t('float32')],
        { output_format: 'tensorflow' },
      ],
      '(Tensor[(2, ?, 2), int64], Tensor[(2, ?), float32], Tensor[(2), int64])',
    ],
  ];
  for (const [title, call, expected] of cases)
    it(`${title} give ${expected}`, () => assert.equal(typeOf(...call), expected));

  it('differing numbers of anchors are both named', () => {
    assert.equal(
      messageOf('vision.multibox_transform_loc', [t('float32', 1, 3, 9), t('float32', 1, 36), t('float32', 1, 8, 4)]),
      '`anchor` must have 9 boxes, one for each anchor of `cls_prob`, but it has 8.',
    );
  });
  it('attributes that are read only beside the name of their record ask for it', () => {
    const source = (attributes: string): string => `#[version = "0.0.5"]
def @main(%x: Tensor[(1, 1, 4, 4), float32], %r: Tensor[(1, 5), float32]) {
  vision.roi_pool(%x, %r, ${attributes})
}`;
    const messages = (attributes: string): readonly string[] =>
      check(parseSource(source(attributes))).diagnostics.map((d) => `${d.code}: ${d.remedy}`);
    const plain = 'pooled_size=[2, 2], spatial_scale=1f';
    assert.deepEqual(messages(`${plain}, ${key('ROIPool')}`), []);
    assert.deepEqual(messages(plain), ['missing-attribute: Add `attrs_type_key="relay.attrs.ROIPoolAttrs"`.']);
    assert.deepEqual(messages(`${plain}, ${key('ROIAlign')}`), [
      'bad-attribute: Write `attrs_type_key="relay.attrs.ROIPoolAttrs"`.',
    ]);
  });
  it('a stride of zero is refused', () => {
    assert.match(messageOf('vision.yolo_reorg', [t('float32', 1, 4, 4, 4)], { stride: 0 }), /must be at least 1/);
  });
  it('the number of anchors shows its formula', () => {
    assert.equal(
      explain('vision.multibox_prior', [t('float32', 1, 3, 5, 4)], { sizes: [0.5, 0.25], ratios: [1, 2] }, 1)?.formula,
      '5·4·(2 + 2 − 1)',
    );
  });
});

describe('values of vision operators', () => {
  const map = filled('float32', [1, 1, 4, 4], (i) => i);
  const whole = numbers([1, 5], [0, 0, 0, 3, 3]);

  it('the greatest element of each quarter is pooled', () => {
    const result = run(
      `vision.roi_pool(%x, %r, pooled_size=[2, 2], spatial_scale=1f, layout="NCHW", ${key('ROIPool')})`,
      { x: map, r: whole },
    );
    assert.deepEqual(result, [5, 7, 13, 15]);
  });
  it('a region outside of the map pools to zero', () => {
    const rois = numbers([1, 5], [0, 9, 9, 12, 12]);
    const result = run(
      `vision.roi_pool(%x, %r, pooled_size=[1, 1], spatial_scale=1f, layout="NCHW", ${key('ROIPool')})`,
      { x: map, r: rois },
    );
    assert.deepEqual(result, [0]);
  });
  it('a ramp is averaged at the middles of places, in either layout', () => {
    for (const layout of ['NCHW', 'NHWC']) {
      const x = filled('float32', layout === 'NCHW' ? [1, 1, 4, 4] : [1, 4, 4, 1], (i) => i % 4);
      const rois = numbers([1, 5], [0, 0, 0, 2, 2]);
      const result = run(
        `vision.roi_align(%x, %r, pooled_size=[1, 2], spatial_scale=1f, layout="${layout}", mode="avg", ${key('ROIAlign')})`,
        { x, r: rois },
      );
      assert.deepEqual(result, [0.5, 1.5]);
    }
  });
  it('anchors lie around the middles of places', () => {
    const result = run('vision.multibox_prior(%x, sizes=[0.5f], ratios=[1f, 4f])', {
      x: filled('float32', [1, 1, 1, 2], () => 0),
    });
    const expected = [0.125, 0.25, 0.375, 0.75, 0, 0.375, 0.5, 0.625];
    result.slice(0, 8).forEach((x, i) => assert.ok(Math.abs(x - (expected[i] ?? 9)) < 1e-6, `${i}: ${x}`));
  });
  it('an anchor without offsets is its own detection, and the background is dropped', () => {
    const result = run('vision.multibox_transform_loc(%c, %l, %a).0', {
      c: numbers([1, 3, 2], [0.1, 0.9, 0.2, 0.005, 0.7, 0.005]),
      l: numbers([1, 8], []),
      a: numbers([1, 2, 4], [0.1, 0.2, 0.5, 0.6, 0, 0, 1, 1]),
    });
    const expected = [1, 0.7, 0.1, 0.2, 0.5, 0.6, 0, 0, 0, 0, 0, 0];
    result.forEach((x, i) => assert.ok(Math.abs(x - (expected[i] ?? 9)) < 1e-6, `${i}: ${x}`));
  });

  const boxes = [
    ...[0, 0.8, 1, 20, 25, 45],
    ...[1, 0.7, 30, 60, 50, 80],
    ...[0, 0.4, 4, 21, 19, 40],
    ...[2, 0.9, 35, 61, 52, 79],
    ...[1, 0.5, 100, 60, 70, 110],
  ];
  const inputs = {
    x: numbers([1, 5, 6], boxes),
    n: numbers([1], [4], 'int32'),
    i: numbers([1, 5], [0, 1, 2, 3, 4], 'int32'),
    m: numbers([], [-1], 'int32'),
    t: numbers([], [0.7]),
  };
  const nms = (attributes: string): string =>
    `vision.non_max_suppression(%x, %n, %i, %m, %t, ${attributes}, ${key('NonMaximumSuppression')})`;
  const gone = [-1, -1, -1, -1, -1, -1];
  const box = (i: number): number[] => boxes.slice(6 * i, 6 * i + 6).map(Math.fround);

  it('a box is dropped for a better one of any class when forced', () => {
    const result = run(nms('force_suppress=True, return_indices=False, top_k=2'), inputs);
    assert.deepEqual(result, [...box(3), ...box(0), ...gone, ...gone, ...gone]);
  });
  it('a box of another class stays', () => {
    const result = run(nms('return_indices=False, top_k=3, invalid_to_bottom=True'), inputs);
    assert.deepEqual(result, [...box(3), ...box(0), ...box(1), ...gone, ...gone]);
  });
  it('positions of the boxes that remain are given instead', () => {
    assert.deepEqual(run(`${nms('force_suppress=True')}.0`, inputs), [3, 0, 1, 2, -1]);
    assert.deepEqual(run(`${nms('top_k=2')}.1`, inputs), [2]);
  });
  it('valid boxes move to the front', () => {
    const result = run(
      `vision.get_valid_counts(%x, 0.6f, score_threshold=None, id_index=0, score_index=1, ${key('GetValidCounts')}).2`,
      { x: inputs.x },
    );
    assert.deepEqual(result, [0, 1, 3, -1, -1]);
  });
  it('each class is suppressed by itself', () => {
    const result = run(
      `vision.all_class_non_max_suppression(%b, %s, 2i64, 0.5f, 0.1f, output_format="onnx", ${key('AllClassNonMaximumSuppression')}).0`,
      {
        b: numbers([1, 3, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3]),
        s: numbers([1, 2, 3], [0.9, 0.8, 0.3, 0.05, 0.2, 0.6]),
      },
    );
    assert.deepEqual(result, [0, 0, 0, 0, 0, 2, 0, 1, 2, 0, 1, 1, 0, 0, 0, 0, 0, 0]);
  });
  it('the first of overlapping proposals is kept and repeated', () => {
    const result = run(
      `vision.proposal(%c, %b, %i, scales=[1f], ratios=[1f], feature_stride=16, threshold=0.5f, rpn_pre_nms_top_n=10, rpn_post_nms_top_n=3, rpn_min_size=1, iou_loss=False, ${key('Proposal')})`,
      {
        c: numbers([1, 2, 1, 2], [0, 0, 0.2, 0.9]),
        b: numbers([1, 4, 1, 2], []),
        i: numbers([1, 3], [16, 32, 1]),
      },
    );
    assert.deepEqual(result, [0, 16, 0, 31, 15, 0, 0, 0, 15, 15, 0, 16, 0, 31, 15]);
  });
  it('reorganising moves each element once', () => {
    const x = filled('float32', [2, 4, 4, 4], (i) => i);
    const result = run('vision.yolo_reorg(%x, stride=2)', { x });
    assert.deepEqual(
      [...result].sort((a, b) => a - b),
      Array.from(x.data as Float32Array),
    );
    assert.deepEqual(result.slice(0, 4), [0, 2, 4, 6]);
  });
});
