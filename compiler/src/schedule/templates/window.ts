/** The rows of inputs that a convolution looks at: a window kept from row to row, or strips widened anew. */
import { add, bin, block, declare, ix, local, loop, mul, sub } from '../../loops/build.ts';
import type { LExpr, Stmt } from '../../loops/ir.ts';
import type { ConvProblem } from '../problem.ts';
import type { RowRange } from './parts.ts';
import { fill, fillColumns, fillRow, moveDown, padRow, type RowLayout, type Widening } from './rows.ts';

/** Fills all rows of the window but those the first output row brings itself. */
export function firstRows(
  p: ConvProblem,
  w: Widening,
  r: RowLayout,
  image: LExpr,
  ringRows: number,
  range?: RowRange,
): Stmt[] {
  const before = Math.max(0, ringRows - p.strideH);
  if (range !== undefined)
    return before === 0
      ? []
      : [loop('row', before, (i) => rowOrPadding(p, w, r, image, sub(i, range.top), i, range.height))];
  const above = Math.min(p.padTop, before);
  const inside = Math.min(before - above, p.inH);
  return [
    ...fill(w.to, ix(0), above * r.length, r.padValue),
    ...(inside > 0 ? [loop('row', inside, (i) => block(...fillFrom(p, w, r, image, i, add(i, above))))] : []),
    ...fill(w.to, ix((above + inside) * r.length), (before - above - inside) * r.length, r.padValue),
  ];
}

/** Whether row `y` lies in an image of `height` rows. */
function isInside(y: LExpr, height: LExpr): LExpr {
  return {
    kind: 'binary',
    op: 'and',
    dtype: 'bool',
    left: { kind: 'compare', op: 'ge', left: y, right: ix(0) },
    right: { kind: 'compare', op: 'lt', left: y, right: height },
  };
}

function rowOrPadding(
  p: ConvProblem,
  w: Widening,
  r: RowLayout,
  image: LExpr,
  y: LExpr,
  slot: LExpr,
  height: LExpr,
): Stmt {
  return {
    kind: 'if',
    condition: isInside(y, height),
    then: block(...fillFrom(p, w, r, image, y, slot)),
    otherwise: block(...padRow(w, r, mul(slot, r.length))),
  };
}

/** The rows that output row `oy` needs beyond the previous one's. */
export function nextRows(
  p: ConvProblem,
  w: Widening,
  r: RowLayout,
  image: LExpr,
  oy: LExpr,
  ringRows: number,
  range?: RowRange,
): Stmt[] {
  const kept = Math.max(0, ringRows - p.strideH);
  const out: Stmt[] = [];
  if (kept > 0 && (range?.most ?? p.outH) > 1) {
    out.push({
      kind: 'if',
      condition: { kind: 'compare', op: 'gt', left: oy, right: ix(0) },
      then: block(...moveDown(w.to, p.strideH * r.length, 0, kept * r.length)),
    });
  }
  for (let i = kept; i < ringRows; i++) {
    if (range !== undefined) {
      const y = add(mul(oy, p.strideH), sub(ix(i), range.top));
      out.push(rowOrPadding(p, w, r, image, y, ix(i), range.height));
      continue;
    }
    const y = add(mul(oy, p.strideH), i - p.padTop);
    const least = i - p.padTop;
    const most = (p.outH - 1) * p.strideH + i - p.padTop;
    const fills = fillFrom(p, w, r, image, y, ix(i));
    const pads = padRow(w, r, ix(i * r.length));
    if (most < 0 || least >= p.inH) out.push(...pads);
    else if (least >= 0 && most < p.inH) out.push(...fills);
    else {
      const inside: LExpr[] = [];
      if (least < 0) inside.push({ kind: 'compare', op: 'ge', left: y, right: ix(0) });
      if (most >= p.inH) inside.push({ kind: 'compare', op: 'lt', left: y, right: ix(p.inH) });
      const condition = inside.reduce((a, b) => ({ kind: 'binary', op: 'and', dtype: 'bool', left: a, right: b }));
      out.push({ kind: 'if', condition, then: block(...fills), otherwise: block(...pads) });
    }
  }
  return out;
}

/** Brings row `y` of the image to place `slot` of the window. */
function fillFrom(p: ConvProblem, w: Widening, r: RowLayout, image: LExpr, y: LExpr, slot: LExpr): Stmt[] {
  const aligned = (p.inW * p.inC) % 4 === 0;
  return fillRow(w, r, add(image, mul(y, p.inW * p.inC)), mul(slot, r.length), aligned);
}

/** Widens the inputs of a strip of output row `oy` that starts at output pixel `x0`: one row for each of the kernel's. */
export function fillStrip(
  p: ConvProblem,
  w: Widening,
  r: RowLayout,
  image: LExpr,
  oy: LExpr,
  x0: LExpr,
  range?: RowRange,
): Stmt[] {
  const span = Math.floor((r.length - 1) / p.inC);
  const low = local('low', 'index');
  const high = local('high', 'index');
  // Columns of the strip that lie in the image: low … high − 1, counted from the strip's first.
  const column = mul(x0, p.strideW);
  const rightEdge = sub(ix(p.inW + p.padLeft), column);
  return [
    declare(low, p.padLeft === 0 ? ix(0) : bin('max', sub(ix(p.padLeft), column), ix(0))),
    declare(high, bin('max', bin('min', rightEdge, ix(span)), low)),
    loop('ky', p.kH, (ky) => {
      const y = local('y', 'index');
      const target = mul(ky, r.length);
      const source = add(image, mul(sub(add(mul(y, p.inW), add(column, low)), ix(p.padLeft)), p.inC));
      const inside = isInside(y, range?.height ?? ix(p.inH));
      return block(declare(y, add(mul(oy, p.strideH), sub(mul(ky, p.dilationH), range?.top ?? p.padTop))), {
        kind: 'if',
        condition: inside,
        then: block(...fillColumns(w, p.inC, r.padValue, source, target, low, high, span)),
        otherwise: block(...padRow(w, { ...r, length: span * p.inC }, target)),
      });
    }),
  ];
}
