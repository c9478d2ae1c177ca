/** What value ranges prove. Shown in the editor; `relay check` leaves them out. */
import type { CatalogueEntry } from './entry.ts';

const product = (out: string): string =>
  `def @main(%x: Tensor[(1, 140000), int8], %w: Tensor[(1, 140000), int8]) {\n  qnn.dense(%x, %w, -128, 0, 0.5f, 0.1f, units=1, out_dtype="${out}")\n}`;

export const rangeEntries: readonly CatalogueEntry[] = [
  {
    code: 'accumulator-overflow',
    title: 'An accumulator may overflow',
    explanation:
      'The largest sum that data and weights of these types and zero points can give does not fit the accumulator; it would wrap around. Weights count with their values where they are constants or stand in the parameter file.',
    wrong: product('int32'),
    right: product('int64'),
  },
  {
    code: 'integer-overflow',
    title: 'A result may not fit its integer type',
    explanation: 'The ranges of the operands, which are narrower than their types, allow a result that wraps around.',
    wrong: 'def @main(%x: Tensor[(4), int8]) {\n  %0 = clip(%x, a_min=0f, a_max=100f);\n  multiply(%0, %0)\n}',
    right:
      'def @main(%x: Tensor[(4), int8]) {\n  %0 = cast(clip(%x, a_min=0f, a_max=100f), dtype="int16");\n  multiply(%0, %0)\n}',
  },
  {
    code: 'always-saturates',
    title: 'Every element is limited to the same value',
    explanation:
      'All values lie beyond one end of the range that they are limited to. Scale and zero point do not belong to the data.',
    wrong:
      'def @main(%x: Tensor[(4), int8]) {\n  %0 = clip(%x, a_min=100f, a_max=120f);\n  qnn.requantize(%0, 1f, -128, 0.5f, -128, out_dtype="int8")\n}',
    right:
      'def @main(%x: Tensor[(4), int8]) {\n  %0 = clip(%x, a_min=100f, a_max=120f);\n  qnn.requantize(%0, 1f, -128, 1f, -128, out_dtype="int8")\n}',
  },
  {
    code: 'scale-too-coarse',
    title: 'A scale loses all precision',
    explanation: 'After rescaling and rounding, all values of the data are the same.',
    wrong: 'def @main(%x: Tensor[(4), int8]) {\n  qnn.requantize(%x, 0.001f, 0, 1f, 3, out_dtype="int8")\n}',
    right: 'def @main(%x: Tensor[(4), int8]) {\n  qnn.requantize(%x, 1f, 0, 1f, 3, out_dtype="int8")\n}',
  },
  {
    code: 'dead-clip',
    title: 'A clip changes nothing',
    explanation: 'The data lies within the bounds already, for example because its type holds no other values.',
    wrong: 'def @main(%x: Tensor[(4), int8]) {\n  clip(%x, a_min=-128f, a_max=127f)\n}',
    right: 'def @main(%x: Tensor[(4), int8]) {\n  clip(%x, a_min=-128f, a_max=6f)\n}',
  },
];
