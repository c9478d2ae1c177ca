/** How far apart input and output of a convolution may lie in one memory. */
import type { ConvProblem } from '../problem.ts';

/** How far the output must start below the input so that no byte is overwritten before its last read. */
export function leadOf(
  p: ConvProblem,
  order: { readonly rows: boolean; readonly bytes: boolean; readonly strip: number },
  pixels: number,
): number {
  let lead = 0;
  const { bytes, strip } = order;
  const pixel = (y: number, x: number): number => (Math.max(0, y) * p.inW + Math.max(0, x)) * p.inC;
  for (let oy = 0; oy < p.outH; oy++) {
    if (strip > 0) {
      // Rows are read again for the next row of outputs, and the next strip's columns for this one.
      const top = oy * p.strideH - p.padTop;
      for (let x = 0; x < p.outW; x += strip) {
        const next = Math.min(p.outW, x + strip);
        const reads: number[] = [];
        if (next < p.outW) reads.push(pixel(top, next * p.strideW - p.padLeft));
        if (oy + 1 < p.outH) reads.push(pixel(top + p.strideH, 0));
        const written = (oy * p.outW + next) * p.outC;
        if (reads.length > 0) lead = Math.max(lead, written - Math.min(...reads));
      }
      continue;
    }
    if (order.rows) {
      const nextRow = Math.min(p.inH, oy * p.strideH + (p.kH - 1) * p.dilationH + 1 - p.padTop);
      const written = (oy + 1) * p.outW * p.outC;
      if (nextRow < p.inH && oy + 1 < p.outH) lead = Math.max(lead, written - Math.max(0, nextRow) * p.inW * p.inC);
      continue;
    }
    for (let x = 0; x < p.outW; x += pixels) {
      const next = Math.min(p.outW, x + pixels);
      const written = (oy * p.outW + next) * p.outC;
      // Bytes are read again for every block of channels, so the block's own must not be overwritten either.
      if (bytes) {
        lead = Math.max(lead, written - (oy * p.strideH * p.inW + x * p.strideW) * p.inC);
        continue;
      }
      const wraps = next === p.outW;
      if (wraps && oy + 1 === p.outH) continue;
      const read = wraps ? (oy + 1) * p.strideH * p.inW * p.inC : (oy * p.strideH * p.inW + next * p.strideW) * p.inC;
      lead = Math.max(lead, written - read);
    }
  }
  return lead;
}
