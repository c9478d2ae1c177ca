/** Which lines of the source carry how much memory. */
import type { BarrierInfo, BuildResult, LayerInfo } from '../../../server/src/protocol.ts';

export interface RibbonLine {
  readonly line: number;
  /** Index in the build's layers: the one of the layers that touch the line in which most is alive. */
  readonly layer: number;
  readonly bytes: number;
  readonly peak: boolean;
  /** Where the line stands in the kernel that it is fused into. */
  readonly bracket: 'single' | 'first' | 'middle' | 'last';
}

/** Calls that cover more lines than this are functions, not bindings. */
const longest = 12;

/** The lines on which a layer's operators start, in order. */
export function linesOf(layer: LayerInfo): readonly number[] {
  const short = layer.source.filter(({ start, end }) => end.line - start.line < longest);
  return [...new Set(short.map(({ start }) => start.line))].sort((a, b) => a - b);
}

/** The ribbon between the lines `first` and `last`, in order. */
export function ribbonOf(build: BuildResult, first: number, last: number): readonly RibbonLine[] {
  const found = new Map<number, RibbonLine>();
  const most = build.layers[build.peakLayer]?.aliveBytes;
  build.layers.forEach((layer, index) => {
    const lines = linesOf(layer).filter((line) => line >= first && line <= last);
    lines.forEach((line, i) => {
      const known = found.get(line);
      if (known && known.bytes >= layer.aliveBytes) return;
      const bracket = lines.length === 1 ? 'single' : i === 0 ? 'first' : i === lines.length - 1 ? 'last' : 'middle';
      const peak = index === build.peakLayer && layer.aliveBytes === most;
      found.set(line, { line, layer: index, bytes: layer.aliveBytes, peak, bracket });
    });
  });
  return [...found.values()].sort((a, b) => a.line - b.line);
}

/** A bar of eighths that shows `share` (0 to 1) of its full length. */
export function bar(share: number, length = 8): string {
  const eighths = Math.max(1, Math.round(Math.min(1, Math.max(0, share)) * length * 8));
  const rest = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '';
  return '█'.repeat(Math.floor(eighths / 8)) + rest;
}

/** Why neighbours at this line were not fused. */
export function barriersAt(build: BuildResult, line: number): readonly BarrierInfo[] {
  return build.barriers.filter((barrier) =>
    barrier.source.some(({ start, end }) => start.line <= line && line <= end.line && end.line - start.line < longest),
  );
}
