/** One operator call on values: its kernel, or its tensor expression evaluated. */
import { fail, ok } from '../base/result.ts';
import type { Result } from '../base/result.ts';
import type { Attrs } from '../ir/expr.ts';
import { defaultAttributes } from '../operators/normalize.ts';
import type { Operator } from '../operators/operator.ts';
import { allocateElements, elementCount } from '../tensor/ndarray.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { placeholder } from '../tensor/te.ts';
import type { TETensor } from '../tensor/te.ts';
import { constantDim, staticShape, tensorType, tupleType } from '../types/type.ts';
import type { TensorType, Type } from '../types/type.ts';
import { evaluateTE } from './te.ts';
import { tensorValue, tensorsOf } from './value.ts';
import type { Value } from './value.ts';

/**
 * The result of `operator` on values. `type` is the call's solved type; where it leaves dimensions open, the
 * operator's relation is asked again with the values' own types.
 */
export function evaluateOperator(operator: Operator, args: readonly Value[], given: Attrs, type: Type): Result<Value> {
  const attrs: Attrs = { ...defaultAttributes(operator), ...given };
  const inputs: (NDArray | readonly NDArray[])[] = [];
  for (const [i, arg] of args.entries()) {
    const arrays = tensorsOf(arg);
    // What takes any value at all (placement, annotations) hands it on.
    if (arrays === undefined && args.length === 1 && flatten(type) === undefined) return ok(arg);
    if (arrays === undefined) return fail('not-a-tensor', `Argument ${i + 1} of \`${operator.name}\` is not a tensor.`);
    const [first] = arrays;
    inputs.push(arg.kind === 'tensor' && first !== undefined ? first : arrays);
  }
  const constant = (index: number): NDArray | undefined => {
    const input = inputs[index];
    return input === undefined || isList(input) ? undefined : input;
  };
  const resolved = closeType(operator, args, attrs, type, constant);
  const outputs = flatten(resolved);
  if (outputs === undefined) return fail('not-a-tensor', `The result of \`${operator.name}\` is not made of tensors.`);
  const unstorable = outputs.find((t) => allocateElements(t.dtype, 0) === undefined);
  if (unstorable !== undefined)
    return fail('no-storage', `\`${operator.name}\` gives ${unstorable.dtype}, which has no values here.`);

  if (operator.kernel !== undefined) {
    const shapes = outputs.map((t) => ({ shape: t.shape.map(openDim), dtype: t.dtype }));
    return ok(assemble(resolved, operator.kernel({ inputs, attrs: attrs as never, outputs: shapes })));
  }
  if (operator.compute === undefined) {
    const why = operator.noMeaning === undefined ? '' : ` (${operator.noMeaning})`;
    return fail('no-meaning', `\`${operator.name}\` has no meaning yet that could be evaluated${why}.`);
  }
  const shapes: { shape: readonly number[]; dtype: string }[] = [];
  for (const t of outputs) {
    const shape = staticShape(t);
    if (shape === undefined)
      return fail('unknown-shape', `The shape of the result of \`${operator.name}\` depends on values.`);
    if (elementCount(shape) > mostElements)
      return fail(
        'too-large',
        `The result of \`${operator.name}\` has ${elementCount(shape)} elements, more than fit into memory.`,
      );
    shapes.push({ shape, dtype: t.dtype });
  }
  const values = new Map<TETensor, NDArray>();
  const leaf = (array: NDArray, name: string): TETensor => {
    const tensor = placeholder(name, array.shape, array.dtype);
    values.set(tensor, array);
    return tensor;
  };
  const tensors = inputs.map((input, i) =>
    isList(input) ? input.map((a, k) => leaf(a, `in${i}_${k}`)) : leaf(input, `in${i}`),
  );
  const results = meaning(() =>
    operator.compute?.({ inputs: tensors, attrs: attrs as never, outputs: shapes, constant }),
  );
  if (results === undefined) {
    const given = inputs.map((input) => (isList(input) ? 'a tuple' : `${input.dtype} (${input.shape.join(', ')})`));
    return fail('no-meaning', `\`${operator.name}\` has no meaning for ${given.join(' and ')}.`);
  }
  return ok(assemble(resolved, evaluateTE(results, values)));
}

/** More have no array in JavaScript. */
const mostElements = 2 ** 31 - 1;

/** What an operator makes of its operands; undefined where types admit more than it means (tuples for tensors, …). */
function meaning(make: () => readonly TETensor[] | undefined): readonly TETensor[] | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError || !(error instanceof Error)) throw error;
    return undefined;
  }
}

function isList(input: NDArray | readonly NDArray[]): input is readonly NDArray[] {
  return Array.isArray(input);
}

function openDim(dim: TensorType['shape'][number]): number | undefined {
  const value = constantDim(dim);
  return value === undefined ? undefined : Number(value);
}

/** The type of a value; undefined for functions, data types and references. */
function typeOfValue(value: Value): Type | undefined {
  if (value.kind === 'tensor') return tensorType(value.array.shape, value.array.dtype);
  if (value.kind !== 'tuple') return undefined;
  const fields: Type[] = [];
  for (const field of value.fields) {
    const type = typeOfValue(field);
    if (type === undefined) return undefined;
    fields.push(type);
  }
  return tupleType(fields);
}

function closeType(
  operator: Operator,
  args: readonly Value[],
  attrs: Attrs,
  type: Type,
  constant: (index: number) => NDArray | undefined,
): Type {
  const leaves = flatten(type);
  if (leaves?.every((t) => staticShape(t) !== undefined) === true) return type;
  const inputs: Type[] = [];
  for (const arg of args) {
    const known = typeOfValue(arg);
    if (known === undefined) return type;
    inputs.push(known);
  }
  const related = operator.relate({ inputs, attrs: attrs as never, expected: undefined, constant });
  return related.kind === 'ok' ? related.result : type;
}

/** Tensor types of a type in order; undefined when it holds anything else. */
function flatten(type: Type): readonly TensorType[] | undefined {
  if (type.kind === 'tensor') return [type];
  if (type.kind !== 'tuple') return undefined;
  const types: TensorType[] = [];
  for (const field of type.fields) {
    const inner = flatten(field);
    if (inner === undefined) return undefined;
    types.push(...inner);
  }
  return types;
}

/** Arranges arrays as the type says. */
function assemble(type: Type, arrays: readonly NDArray[]): Value {
  let next = 0;
  const build = (t: Type): Value => {
    if (t.kind === 'tuple') return { kind: 'tuple', fields: t.fields.map(build) };
    const array = arrays[next++];
    if (array === undefined) throw new Error('an operator gave fewer results than its type has');
    return tensorValue(array);
  };
  return build(type);
}
