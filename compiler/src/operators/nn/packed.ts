/** Products with a weight packed in tiles of units, and maybe of features. */
import type { DType } from '../../tensor/dtype.ts';
import type { TETensor } from '../../tensor/te.ts';
import { cast, compute, floordiv, floormod, int, load, mul, reduce } from '../../tensor/te.ts';
import { printDim } from '../../types/print.ts';
import type { DimOrigin, RelateContext } from '../operator.ts';
import { copyOf, inputDim, originOf } from '../relations/explain.ts';
import type { ProductOperands } from './matmul.ts';

/** Origin of a dimension of the result: the batch, or all tiles of units. */
export function explainPacked(context: Pick<RelateContext<unknown>, 'inputs'>, dim: number): DimOrigin | undefined {
  const weight = context.inputs[1];
  if (dim === 0 || weight?.kind !== 'tensor') return copyOf(0, 0);
  const [tiles, , tile] = weight.shape.map(printDim);
  return originOf(`${tiles ?? ''} · ${tile ?? ''}`, inputDim(1, 0), inputDim(1, 2));
}

/** Sums a[n, k] · b over k; b is (tiles, features, tile) or (tiles, feature tiles, tile, features a tile). */
export function computePacked(
  { a, b, aValue, bValue }: ProductOperands,
  output: { readonly shape: readonly number[]; readonly dtype: DType },
): TETensor {
  const [, , tile = 1, inner] = b.shape;
  return compute('dense_pack', output.shape, (n, u) => {
    const unit = u ?? int(0);
    const [block, lane] = [floordiv(unit, int(tile)), floormod(unit, int(tile))];
    const sum = reduce('sum', [a.shape[1] ?? 1], (k) => {
      const feature = k ?? int(0);
      const weight =
        inner === undefined
          ? load(b, block, feature, lane)
          : load(b, block, floordiv(feature, int(inner)), lane, floormod(feature, int(inner)));
      return mul(aValue(load(a, n ?? int(0), feature)), bValue(weight, unit));
    });
    return cast(output.dtype, sum);
  });
}
