/** Origins of dimensions: builders that every `explain` uses. */
import type { DimOrigin, DimSource } from '../operator.ts';

/** Dimension `dim` of input `index` (of its tuple's field `field`). */
export function inputDim(index: number, dim: number, field?: number): DimSource {
  return { kind: 'input', index, dim, ...(field === undefined ? {} : { field }) };
}
/** Attribute `name` (its list's element `element`) as a source. */
export function attributeSource(name: string, element?: number): DimSource {
  return { kind: 'attribute', name, ...(element === undefined ? {} : { element }) };
}
/** A computed dimension. */
export function originOf(formula: string, ...sources: readonly DimSource[]): DimOrigin {
  return { formula, sources };
}
/** A dimension copied from an input. */
export function copyOf(index: number, dim: number, field?: number): DimOrigin {
  return originOf('', inputDim(index, dim, field));
}
/** A dimension written in an attribute. */
export function fromAttribute(name: string, element?: number): DimOrigin {
  return originOf('', attributeSource(name, element));
}
