/** Warnings about typed calls that need no knowledge of the operator beyond its record. */
import type { Advice, Operator } from '../operators/operator.ts';
import { printDim, printType } from '../types/print.ts';
import { constantDim, type Type } from '../types/type.ts';

/** What can be said of any operator. */
export function generalAdvice(operator: Operator, inputs: readonly Type[], result: Type): readonly Advice[] {
  return [...untensored(operator, inputs), ...untyped(operator, inputs, result), ...negativeSizes(inputs, result)];
}

/** Some relations pass on whatever they are given, a tuple too, of which the operator computes nothing. */
function untensored(operator: Operator, inputs: readonly Type[]): readonly Advice[] {
  if (operator.transparent === true || (!operator.compute && !operator.kernel)) return [];
  const index = inputs.findIndex(
    (type, i) =>
      type.kind !== 'tensor' &&
      type.kind !== 'typevar' &&
      type.kind !== 'incomplete' &&
      operator.inputs[i]?.tuple !== true,
  );
  const found = inputs[index];
  if (!found) return [];
  return [
    {
      code: 'not-a-tensor',
      message: `\`${operator.inputs[index]?.name ?? 'the argument'}\` of \`${operator.name}\` should be a tensor, found \`${printType(found)}\`. TVM types this and refuses it when it compiles.`,
      remedy: found.kind === 'tuple' ? 'Take one field of the tuple, for example with `.0`.' : 'Pass a tensor here.',
      blame: { kind: 'input', index },
    },
  ];
}

/** Elements without a type: the attribute that names it was left out. */
function untyped(operator: Operator, inputs: readonly Type[], result: Type): readonly Advice[] {
  const isVoid = (type: Type): boolean => type.kind === 'tensor' && type.dtype === 'void';
  if (!isVoid(result) || inputs.some(isVoid)) return [];
  const [name] = Object.entries(operator.attributes).find(([, spec]) => spec.kind === 'dtype') ?? [];
  if (name === undefined) return [];
  return [
    {
      code: 'doubtful-attribute',
      message: `Without \`${name}\` the elements of the result have no type.`,
      remedy: `Add \`${name}="float32"\`, or the type that is meant.`,
      blame: { kind: 'attribute', name },
    },
  ];
}

/** No tensor has a negative size. What is computed from a tensor without elements is not told of again. */
function negativeSizes(inputs: readonly Type[], result: Type): readonly Advice[] {
  const below = (type: Type, limit: number): number =>
    type.kind === 'tensor' ? type.shape.findIndex((dim) => Number(constantDim(dim) ?? 1) < limit) : -1;
  const parts = (type: Type): readonly Type[] => (type.kind === 'tuple' ? type.fields : [type]);
  const wrong = parts(result).find((type) => below(type, 0) >= 0);
  if (wrong?.kind !== 'tensor' || inputs.flatMap(parts).some((type) => below(type, 1) >= 0)) return [];
  const at = below(wrong, 0);
  return [
    {
      code: 'empty-result',
      message: `Dimension ${at} of the result is ${printDim(wrong.shape[at] ?? 0)}, but no tensor has a negative size.`,
      remedy: 'Change the sizes or attributes that it is computed from.',
      blame: { kind: 'call' },
    },
  ];
}
