/** Overlap of boxes, in float32. */
const { fround, max, min } = Math;

/** Left, top, right, bottom; opposite corners in either order. */
export type Box = readonly [number, number, number, number];

/** The four numbers at `start`. */
export function boxAt(values: ArrayLike<number>, start: number): Box {
  return [values[start] ?? 0, values[start + 1] ?? 0, values[start + 2] ?? 0, values[start + 3] ?? 0];
}

/** Intersection over union; 0 when the union is empty. */
export function overlap(a: Box, b: Box): number {
  const [aLeft, aRight, aTop, aBottom] = [min(a[0], a[2]), max(a[0], a[2]), min(a[1], a[3]), max(a[1], a[3])];
  const [bLeft, bRight, bTop, bBottom] = [min(b[0], b[2]), max(b[0], b[2]), min(b[1], b[3]), max(b[1], b[3])];
  const width = max(0, fround(min(aRight, bRight) - max(aLeft, bLeft)));
  const height = max(0, fround(min(aBottom, bBottom) - max(aTop, bTop)));
  const area = fround(height * width);
  const first = fround(fround(aRight - aLeft) * fround(aBottom - aTop));
  const second = fround(fround(bRight - bLeft) * fround(bBottom - bTop));
  const union = fround(fround(first + second) - area);
  return union <= 0 ? 0 : fround(area / union);
}

/** Intersection over union of boxes of pixels, whose right and bottom elements belong to the box. */
export function pixelOverlap(a: Box, b: Box): number {
  const width = max(0, fround(fround(min(a[2], b[2]) - max(a[0], b[0])) + 1));
  const height = max(0, fround(fround(min(a[3], b[3]) - max(a[1], b[1])) + 1));
  const area = fround(width * height);
  const size = (box: Box): number => fround(fround(fround(box[2] - box[0]) + 1) * fround(fround(box[3] - box[1]) + 1));
  return fround(area / fround(fround(size(a) + size(b)) - area));
}
