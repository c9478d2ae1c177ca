/** Ways to bring a tensor into another shape or element type with one operator around it. */
import type { DType } from '../../tensor/dtype.ts';
import { staticShape, tensorType, type TensorType, type Type } from '../../types/type.ts';

/** An operator around an argument: `open` and `close` go before and behind its text. */
export interface Reshaping {
  /** `transpose`, as the title names it. */
  readonly operator: string;
  readonly attributes: string;
  readonly type: TensorType;
}

/** Ranks above this are transposed by swaps of the last two dimensions alone. */
const largestPermuted = 3;
/** Common orders of four dimensions: between NCHW and NHWC, OIHW and HWIO, OIHW and HWOI, and swaps. */
const fourDimensional = [
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [2, 3, 1, 0],
  [3, 2, 0, 1],
  [2, 3, 0, 1],
  [1, 0, 2, 3],
  [0, 1, 3, 2],
  [0, 2, 1, 3],
];

/**
 * The reshapings of a tensor of static shape, simplest first, that may lead to one of `targets` (types that stand
 * beside it or are expected of it). Each gives another type than the tensor has.
 */
export function reshapingsOf(type: TensorType, targets: readonly Type[]): readonly Reshaping[] {
  const shape = staticShape(type);
  if (!shape) return casts(type, targets);
  const tensors = targets.filter((target): target is TensorType => target.kind === 'tensor');
  const shapes = tensors.flatMap(shapeList);
  const found: Reshaping[] = [];
  const seen = new Set([shape.join()]);
  const add = (operator: string, attributes: string, result: readonly number[]): void => {
    if (seen.has(`${operator} ${result.join()}`) || seen.has(result.join())) return;
    seen.add(operator === 'transpose' || operator === 'squeeze' ? result.join() : `${operator} ${result.join()}`);
    found.push({ operator, attributes, type: tensorType(result, type.dtype) });
  };
  for (const axes of permutations(shape.length))
    add(
      'transpose',
      `axes=${list(axes)}`,
      axes.map((axis) => shape[axis] ?? 1),
    );
  shape.forEach((size, axis) => {
    if (size === 1) add('squeeze', `axis=[${axis}]`, shape.toSpliced(axis, 1));
  });
  for (let axis = 0; axis <= shape.length; axis++) add('expand_dims', `axis=${axis}`, shape.toSpliced(axis, 0, 1));
  // A vector of channels against two spatial dimensions.
  if (shape.length === 1) add('expand_dims', 'axis=1, num_newaxis=2', [...shape, 1, 1]);
  const count = shape.reduce((product, size) => product * size, 1);
  for (const wanted of shapes)
    if (wanted.reduce((product, size) => product * size, 1) === count)
      add('reshape', `newshape=${list(wanted)}`, wanted);
  if (shape.length > 2) {
    const [first = 1] = shape;
    add('nn.batch_flatten', '', [first, count / Math.max(first, 1)]);
  }
  for (const size of new Set(shapes.flat()))
    if (size > 1 && count % size === 0) add('reshape', `newshape=[-1, ${size}]`, [count / size, size]);
  for (const wanted of shapes) if (broadcasts(shape, wanted)) add('broadcast_to', `shape=${list(wanted)}`, wanted);
  return [...found, ...casts(type, targets)];
}

function shapeList(type: TensorType): readonly (readonly number[])[] {
  const shape = staticShape(type);
  return shape ? [shape] : [];
}

function casts(type: TensorType, targets: readonly Type[]): readonly Reshaping[] {
  const wanted = new Set<DType>();
  for (const target of targets) if (target.kind === 'tensor' && target.dtype !== type.dtype) wanted.add(target.dtype);
  return [...wanted].map((dtype) => ({
    operator: 'cast',
    attributes: `dtype="${dtype}"`,
    type: tensorType(type.shape, dtype),
  }));
}

function permutations(rank: number): readonly (readonly number[])[] {
  if (rank < 2) return [];
  if (rank === 4) return fourDimensional;
  const identity = Array.from({ length: rank }, (_, i) => i);
  if (rank > largestPermuted) return [[...identity.slice(0, -2), rank - 1, rank - 2]];
  const build = (rest: readonly number[]): number[][] =>
    rest.length === 0
      ? [[]]
      : rest.flatMap((first) => build(rest.filter((axis) => axis !== first)).map((tail) => [first, ...tail]));
  return build(identity).slice(1);
}

function broadcasts(from: readonly number[], to: readonly number[]): boolean {
  if (from.length > to.length) return false;
  return from.every((size, i) => {
    const wanted = to[to.length - from.length + i];
    return size === 1 || size === wanted;
  });
}

function list(values: readonly number[]): string {
  return `[${values.join(', ')}]`;
}
