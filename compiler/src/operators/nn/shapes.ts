/** Shapes of sliding windows: padding in all its spellings, output sizes, and how they came to be. */
import type { Dim } from '../../types/type.ts';
import type { DimSource } from '../operator.ts';
import { addDims, dimValue, floorDivDims, isAnyDim, subDims } from '../relations/dims.ts';
import type { Window } from '../relations/windows.ts';
import { dilatedExtent } from '../relations/windows.ts';
import type { Failure } from './relate.ts';
import { badAttribute, listOf } from './relate.ts';
import type { Layout } from './layout.ts';
import { convertible, parseLayout } from './layout.ts';

/** Padding before and after each spatial dimension, with the positions of the attribute's elements. */
export interface Padding {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly elements: readonly (readonly [number, number])[];
}

/**
 * Reads a padding attribute for `spatial` dimensions: one number for all, one a dimension (both sides), or two a
 * dimension (first all «before», then all «after»). For one dimension two numbers are (before, after).
 */
export function readPadding(padding: readonly number[], spatial: number, name = 'padding'): Padding | Failure {
  const elements = Array.from({ length: spatial }, (_, i): readonly [number, number] | undefined => {
    if (padding.length === 2 * spatial) return [i, i + spatial];
    if (padding.length === spatial) return [i, i];
    return padding.length === 1 ? [0, 0] : undefined;
  });
  const complete = elements.filter((e) => e !== undefined);
  if (complete.length !== spatial) {
    const allowed = [...new Set([1, spatial, 2 * spatial])].map(String);
    return badAttribute(name, `\`${name}\` must have ${listOf(allowed)} elements, but it has ${padding.length}.`, {
      remedy:
        spatial === 2
          ? 'Write `[all]`, `[vertical, horizontal]` or `[top, left, bottom, right]`.'
          : 'Write one number for all sides, one a dimension, or all sides before, then all sides after.',
    });
  }
  return {
    before: complete.map(([i]) => padding[i] ?? 0),
    after: complete.map(([, i]) => padding[i] ?? 0),
    elements: complete,
  };
}

/** The number of positions along one dimension as pooling counts it: its division rounds toward zero. */
export function poolOutput(size: Dim, window: Window): Dim {
  if (isAnyDim(size)) return size;
  const room = subDims(
    addDims(size, window.padBefore + window.padAfter),
    dilatedExtent(window.kernel, window.dilation),
  );
  const numerator = window.ceil ? addDims(room, window.stride - 1) : room;
  const value = dimValue(numerator);
  if (value !== undefined && value < 0n)
    return addDims(subDims(0, floorDivDims(subDims(0, numerator), window.stride)), 1);
  return addDims(floorDivDims(numerator, window.stride), 1);
}

/** Sources of a window's padding, stride and dilation among the attributes. */
export function windowSources(padding: Padding, spatialIndex: number, w: Window): DimSource[] {
  const attribute = (name: string, element: number): DimSource => ({ kind: 'attribute', name, element });
  const sources: DimSource[] = [];
  const [before, after] = padding.elements[spatialIndex] ?? [0, 0];
  if (w.padBefore !== 0) sources.push(attribute('padding', before));
  if (w.padAfter !== 0 && after !== before) sources.push(attribute('padding', after));
  if (w.dilation !== 1) sources.push(attribute('dilation', spatialIndex));
  if (w.stride !== 1) sources.push(attribute('strides', spatialIndex));
  if (w.ceil) sources.push({ kind: 'attribute', name: 'ceil_mode' });
  return sources;
}

/** Common spellings offered when a layout is wrong. */
const examples: Readonly<Record<string, readonly string[]>> = {
  NCW: ['NCW', 'NWC'],
  NCHW: ['NCHW', 'NHWC', 'NCHW4c'],
  NCDHW: ['NCDHW', 'NDHWC'],
  OIW: ['OIW', 'WIO'],
  OIHW: ['OIHW', 'HWIO', 'HWOI', 'OHWI'],
  OIDHW: ['OIDHW', 'DHWIO'],
  IOW: ['IOW', 'WOI'],
  IOHW: ['IOHW', 'OIHW', 'HWOI'],
  IODHW: ['IODHW', 'DHWOI'],
};

/** The layout in an attribute when it names exactly the axes of `canonical`; else a failure listing common ones. */
export function readLayout(name: string, text: string, canonical: string): Layout | Failure {
  const layout = parseLayout(text);
  const remedy = `Write one of ${listOf((examples[canonical] ?? [canonical]).map((x) => `"${x}"`))}.`;
  if (typeof layout === 'string')
    return badAttribute(name, `\`${name}="${text}"\` is not a layout: ${layout}.`, { remedy });
  const target = parseLayout(canonical);
  if (typeof target !== 'string' && convertible(layout, target)) return layout;
  return badAttribute(
    name,
    `\`${name}="${text}"\` must name the axes ${listOf([...canonical], 'and')}, each once (blocks such as 4c may follow).`,
    { remedy },
  );
}
