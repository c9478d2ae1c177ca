/** Pairs of programs that mean the same, and pairs that do not. */
import type { Verdict } from '../../compiler/src/compare/compare.ts';

interface Pair {
  readonly title: string;
  readonly left: string;
  readonly right: string;
  readonly verdict: Verdict;
}

const dense = 'def @main(%x: Tensor[(4, 8), float32], %w: Tensor[(16, 8), float32], %b: Tensor[(16), float32])';
const turned = 'def @main(%b: Tensor[(16), float32], %w: Tensor[(16, 8), float32], %x: Tensor[(4, 8), float32])';
const plain = `${dense} { nn.relu(add(nn.dense(%x, %w, units=None), %b)) }`;
const image = 'def @main(%x: Tensor[(1, 8, 6, 6), int8], %w: Tensor[(4, 8, 3, 3), int8])';
const vector = 'def @main(%x: Tensor[(2, 12), float32])';
const integers = 'def @main(%a: Tensor[(6), int32], %b: Tensor[(6), int32], %c: Tensor[(6), int32])';

export const equalPrograms: readonly Pair[] = [
  {
    title: 'other names',
    left: plain,
    right: plain.replaceAll('%x', '%data').replaceAll('%w', '%weight'),
    verdict: 'identical',
  },
  {
    title: 'a function, bindings and reshapes that lead back',
    left: plain,
    right: `def @act(%t: Tensor[(4, 16), float32]) -> Tensor[(4, 16), float32] { nn.relu(%t) }
${dense} {
  let %y = reshape(reshape(%x, newshape=[32]), newshape=[4, 8]);
  @act(add(%b, nn.dense(%y, %w, units=16)))
}`,
    verdict: 'same',
  },
  {
    title: 'parameters in another order, told by their names',
    left: plain,
    right: `${turned} { nn.relu(add(nn.dense(%x, %w, units=None), %b)) }`,
    verdict: 'identical',
  },
  {
    title: 'an operator and its definition',
    left: `${vector} { nn.softmax(%x) }`,
    right: `${vector} {
  %0 = exp(subtract(%x, max(%x, axis=[1], keepdims=True)));
  divide(%0, sum(%0, axis=[1], keepdims=True))
}`,
    verdict: 'same',
  },
  {
    title: 'a convolution in either layout',
    left: `${image} {
  nn.conv2d(%x, %w, padding=[1, 1, 1, 1], channels=4, kernel_size=[3, 3], out_dtype="int32")
}`,
    right: `${image} {
  %0 = nn.pad(transpose(%x, axes=[0, 2, 3, 1]), 0, pad_width=[[0, 0], [1, 1], [1, 1], [0, 0]]);
  %1 = transpose(%w, axes=[2, 3, 1, 0]);
  %2 = nn.conv2d(%0, %1, padding=[0, 0, 0, 0], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32");
  transpose(%2, axes=[0, 3, 1, 2])
}`,
    verdict: 'same',
  },
  {
    title: 'sums of integers in any order',
    left: `${integers} { add(add(%a, %b), multiply(%c, %a)) }`,
    right: `${integers} { add(multiply(%a, %c), add(%b, %a)) }`,
    verdict: 'same',
  },
  {
    title: 'splitting and joining again',
    left: `${vector} { tanh(%x) }`,
    right: `${vector} {
  %0 = split(%x, indices_or_sections=3, axis=1);
  %1 = (%0.0, %0.1, %0.2);
  tanh(concatenate(%1, axis=1))
}`,
    verdict: 'same',
  },
  {
    title: 'recursion that constants decide',
    left: `${vector} { add(%x, add(%x, %x)) }`,
    right: `def @times(%n: int32, %x: Tensor[(2, 12), float32]) -> Tensor[(2, 12), float32] {
  if (equal(%n, 1)) { %x } else { add(%x, @times(subtract(%n, 1), %x)) }
}
${vector} { @times(3, %x) }`,
    verdict: 'same',
  },
  {
    title: 'floats that round otherwise',
    left: `${vector} { multiply(add(%x, %x), 0.5f) }`,
    right: `${vector} { divide(add(%x, multiply(%x, 2f)), 3f) }`,
    verdict: 'same-real',
  },
  {
    title: 'a logistic function written out',
    left: `${vector} { sigmoid(%x) }`,
    right: `${vector} { divide(1f, add(1f, exp(negative(%x)))) }`,
    verdict: 'same-real',
  },
];

export const unequalPrograms: readonly Pair[] = [
  {
    title: 'another activation',
    left: plain,
    right: plain.replace('nn.relu', 'tanh'),
    verdict: 'differ',
  },
  {
    title: 'another stride of a view',
    left: `${vector} { reshape(transpose(%x, axes=None), newshape=[2, 12]) }`,
    right: `${vector} { reshape(%x, newshape=[2, 12]) }`,
    verdict: 'differ',
  },
  {
    title: 'an overflow that only large values show',
    left: 'def @main(%x: Tensor[(8), int8]) { cast(add(%x, %x), dtype="int32") }',
    right: 'def @main(%x: Tensor[(8), int8]) { add(cast(%x, dtype="int32"), cast(%x, dtype="int32")) }',
    verdict: 'differ',
  },
  {
    title: 'other types',
    left: `${vector} { tanh(%x) }`,
    right: 'def @main(%x: Tensor[(3, 12), float32]) { tanh(%x) }',
    verdict: 'unlike',
  },
  {
    title: 'nothing proved, nothing contradicted',
    left: `${vector} { sqrt(multiply(%x, %x)) }`,
    right: `${vector} { abs(%x) }`,
    verdict: 'agree',
  },
];
