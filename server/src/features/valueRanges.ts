/** What value ranges say of a place, for hovers and hints. */
import type { Ranges } from '../../../compiler/src/check/ranges/analyse.ts';
import { shownRange } from '../../../compiler/src/operators/ranges/rule.ts';
import type { Node } from '../../../compiler/src/syntax/tree.ts';
import { code } from './describe.ts';

export type KnownRanges = Pick<Ranges, 'rangeOf'>;

/** `−128 … 127`, where more is known than the type says. */
export function rangeText(ranges: KnownRanges | undefined, node: Node): string | undefined {
  const value = ranges?.rangeOf(node);
  if (!value?.range || (value.because === '' && isWhole(node))) return undefined;
  const { low, high } = value.range;
  return Number.isFinite(low) || Number.isFinite(high) ? shownRange(value.range) : undefined;
}

/** Parameters and literals say it themselves. */
function isWhole(node: Node): boolean {
  return node.kind === 'param' || node.kind === 'int' || node.kind === 'float' || node.kind === 'bool';
}

/** A line of Markdown; empty where there is nothing to say. */
export function rangeLine(ranges: KnownRanges | undefined, node: Node): string {
  const text = rangeText(ranges, node);
  if (text === undefined) return '';
  const because = ranges?.rangeOf(node)?.because ?? '';
  return `Values ${code(text)}${because === '' ? '' : `: ${because}`}`;
}
