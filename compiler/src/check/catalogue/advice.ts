/** Warnings about calls that TVM's type checker accepts, and that its compiler refuses or that compute nonsense. */
import type { CatalogueEntry } from './entry.ts';

export const adviceEntries: readonly CatalogueEntry[] = [
  {
    code: 'empty-result',
    title: 'Result without elements',
    explanation:
      'A window is larger than the data that it slides over, or a size was computed below 0. TVM types such a call and fails when it compiles it.',
    wrong: 'def @main(%x: Tensor[(1, 8, 4, 4), float32]) { nn.max_pool2d(%x, pool_size=[5, 5]) }',
    right: 'def @main(%x: Tensor[(1, 8, 4, 4), float32]) { nn.max_pool2d(%x, pool_size=[4, 4]) }',
  },
  {
    code: 'uneven-groups',
    title: 'Groups of different sizes',
    explanation: 'Channels are split into groups of the same size, so the number of groups divides their number.',
    wrong:
      'def @main(%x: Tensor[(1, 6, 4, 4), float32], %g: Tensor[(6), float32], %b: Tensor[(6), float32]) { nn.group_norm(%x, %g, %b, num_groups=4) }',
    right:
      'def @main(%x: Tensor[(1, 6, 4, 4), float32], %g: Tensor[(6), float32], %b: Tensor[(6), float32]) { nn.group_norm(%x, %g, %b, num_groups=3) }',
  },
  {
    code: 'unchecked-mismatch',
    title: 'Sizes that nothing compares',
    explanation: 'Two arguments have to agree in a size. TVM types the call without comparing them.',
    wrong: 'def @main(%x: Tensor[(1, 6, 8, 8), float32], %w: Tensor[(5, 3, 3), float32]) { image.dilation2d(%x, %w) }',
    right: 'def @main(%x: Tensor[(1, 6, 8, 8), float32], %w: Tensor[(6, 3, 3), float32]) { image.dilation2d(%x, %w) }',
  },
  {
    code: 'empty-reduction',
    title: 'Extreme or mean of nothing',
    explanation: 'A maximum, a minimum, a mean or a position is taken over a dimension of size 0.',
    wrong: 'def @main(%x: Tensor[(0, 4), float32]) { max(%x, axis=[0]) }',
    right: 'def @main(%x: Tensor[(0, 4), float32]) { max(%x, axis=[1]) }',
  },
  {
    code: 'bad-quantization',
    title: 'Scale or zero point without meaning',
    explanation:
      'A scale is the distance of neighbouring values and positive. A zero point is the integer that stands for 0, so it fits the element type.',
    wrong: 'def @main(%x: Tensor[(4), float32]) { qnn.quantize(%x, 0.5f, 200, out_dtype="int8") }',
    right: 'def @main(%x: Tensor[(4), float32]) { qnn.quantize(%x, 0.5f, 20, out_dtype="int8") }',
  },
  {
    code: 'constant-out-of-range',
    title: 'Constant does not fit',
    explanation:
      'A constant is converted to an integer type that does not hold it, or bits are shifted further than there are.',
    wrong: 'def @main(%x: Tensor[(4), int8]) { %x + cast(300, dtype="int8") }',
    right: 'def @main(%x: Tensor[(4), int8]) { %x + cast(100, dtype="int8") }',
  },
  {
    code: 'division-by-zero',
    title: 'Integer division by 0',
    explanation: 'Integers have no value for a quotient or a remainder by 0; compiled code may end the program.',
    wrong: 'def @main(%x: Tensor[(4), int32]) { %x / 0 }',
    right: 'def @main(%x: Tensor[(4), int32]) { %x / 2 }',
  },
  {
    code: 'bits-of-floats',
    title: 'Floats have no bits to work on',
    explanation:
      'Shifts and the bitwise operators work on integers and bool. TVM types such a call with floats and fails when it compiles it.',
    wrong: 'def @main(%x: Tensor[(4), float32]) { left_shift(%x, 1f) }',
    right: 'def @main(%x: Tensor[(4), int32]) { left_shift(%x, 1) }',
  },
  {
    code: 'doubtful-attribute',
    title: 'Attribute value makes no sense',
    explanation: 'The value is of the right kind, and no sensible result belongs to it.',
    wrong: 'def @main(%x: Tensor[(4), float32]) { clip(%x, a_min=6f, a_max=0f) }',
    right: 'def @main(%x: Tensor[(4), float32]) { clip(%x, a_min=0f, a_max=6f) }',
  },
];
