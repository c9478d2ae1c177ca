/** Advice on constants and attributes whose values make no sense where they stand. */
import { dtypeInfo, integerRange, isFloat, type DType } from '../../tensor/dtype.ts';
import type { NDArray } from '../../tensor/ndarray.ts';
import type { Type } from '../../types/type.ts';
import type { Advice, Operator, RelateContext } from '../operator.ts';

type Valued = Pick<RelateContext<unknown>, 'inputs' | 'constant'>;

/** Constants with more elements than this are not looked through. */
const mostElements = 4096;

function elementsOf(value: NDArray | undefined): readonly (number | bigint)[] {
  if (!value || value.data.length > mostElements) return [];
  return Array.from(value.data as ArrayLike<number | bigint>);
}

function dtypeOf(type: Type | undefined): DType | undefined {
  return type?.kind === 'tensor' ? type.dtype : undefined;
}

function outside(value: number | bigint, { min, max }: { readonly min: bigint; readonly max: bigint }): boolean {
  if (typeof value === 'bigint') return value < min || value > max;
  // A fraction is cut off before the value has to fit.
  return Number.isNaN(value) || Math.trunc(value) < Number(min) || Math.trunc(value) > Number(max);
}

/** A constant that does not fit the integer type it is converted to. */
export function adviseCast(context: Valued, target: DType | null): readonly Advice[] {
  const range = target === null ? undefined : integerRange(target);
  const wrong = range && elementsOf(context.constant(0)).find((value) => outside(value, range));
  if (!range || wrong === undefined) return [];
  return [
    {
      code: 'constant-out-of-range',
      message: `${wrong} does not fit into ${target}, which holds ${range.min} to ${range.max}.`,
      remedy: 'Write a value in that range, or convert to a wider type.',
      blame: { kind: 'input', index: 0 },
    },
  ];
}

/** Integer division by a constant zero. */
export function adviseDivision(context: Valued): readonly Advice[] {
  const dtype = dtypeOf(context.inputs[1]);
  if (dtype === undefined || isFloat(dtype)) return [];
  if (!elementsOf(context.constant(1)).some((value) => Number(value) === 0)) return [];
  return [
    {
      code: 'division-by-zero',
      message: 'The divisor is 0, and integers have no result for that.',
      remedy: 'Divide by another number.',
      blame: { kind: 'input', index: 1 },
    },
  ];
}

/** Operators on bits whose operands are floats. */
export function adviseBits(context: Valued): readonly Advice[] {
  const dtype = dtypeOf(context.inputs[0]);
  if (dtype === undefined || !isFloat(dtype)) return [];
  return [
    {
      code: 'bits-of-floats',
      message: `The operand is ${dtype}, and only integers and bool have bits to work on.`,
      remedy: 'Convert it with `cast` to an integer type.',
      blame: { kind: 'input', index: 0 },
    },
  ];
}

/** Shifts of floats, and by a constant that is negative or not below the number of bits. */
export function adviseShift(context: Valued): readonly Advice[] {
  const floats = adviseBits(context);
  if (floats.length > 0) return floats;
  const dtype = dtypeOf(context.inputs[0]);
  const bits = dtype === undefined ? undefined : dtypeInfo(dtype)?.bits;
  const wrong =
    bits === undefined ? undefined : elementsOf(context.constant(1)).find((n) => Number(n) < 0 || Number(n) >= bits);
  if (bits === undefined || wrong === undefined) return [];
  return [
    {
      code: 'constant-out-of-range',
      message: `${dtype} has ${bits} bits, so a shift by ${wrong} has no defined result.`,
      remedy: `Shift by 0 to ${bits - 1}.`,
      blame: { kind: 'input', index: 1 },
    },
  ];
}

/** Constant positions outside of a dimension of `size`, which are moved into it without a word. */
export function adviseIndices(
  context: Valued,
  index: number,
  size: number | undefined,
  what: string,
): readonly Advice[] {
  const wrong =
    size === undefined
      ? undefined
      : elementsOf(context.constant(index)).find((n) => Number(n) < -size || Number(n) >= size);
  if (size === undefined || wrong === undefined) return [];
  return [
    {
      code: 'constant-out-of-range',
      message: `Position ${wrong} is outside of ${what}, which has ${size} elements.`,
      remedy: size === 0 ? 'Pass data with elements.' : `Write a position from 0 to ${size - 1}.`,
      blame: { kind: 'input', index },
    },
  ];
}

/** An attribute whose value is out of the range in which the operator means something. */
export function doubtful(name: string, message: string, remedy: string): Advice {
  return { code: 'doubtful-attribute', message, remedy, blame: { kind: 'attribute', name } };
}

/**
 * Scales and zero points by their inputs' names, which all quantised operators share: `lhs_scale`, `input_zero_point`,
 * `output_zero_point`.
 */
export function withQuantisationAdvice(operator: Operator): Operator {
  const own = operator.inputs.flatMap(({ name, tuple }, index) => {
    const match = /^(?:(\w+)_)?(scale|zero_point)$/.exec(name);
    return match && tuple !== true ? [{ index, name, of: match[1] ?? '', what: match[2] ?? '' }] : [];
  });
  if (own.length === 0) return operator;
  const quantised = (context: Valued, result: Type, of: string): DType | undefined => {
    if (of === 'output') return dtypeOf(result);
    const named = operator.inputs.findIndex(({ name }) => name === of);
    return dtypeOf(context.inputs[named >= 0 ? named : of === 'kernel' || of === 'weight' ? 1 : 0]);
  };
  return {
    ...operator,
    advise: (context, result) => [
      ...(operator.advise?.(context, result) ?? []),
      ...own.flatMap(({ index, name, of, what }) =>
        what === 'scale'
          ? adviseScale(context, index, name)
          : adviseZeroPoint(context, index, name, quantised(context, result, of)),
      ),
    ],
  };
}

function adviseScale(context: Valued, index: number, name: string): readonly Advice[] {
  const wrong = elementsOf(context.constant(index)).find((value) => !(Number(value) > 0 && Number(value) < Infinity));
  if (wrong === undefined) return [];
  return [
    {
      code: 'bad-quantization',
      message: `\`${name}\` is ${wrong}, but a scale is a positive number: the distance of neighbouring values.`,
      remedy: 'Write a positive scale.',
      blame: { kind: 'input', index },
    },
  ];
}

function adviseZeroPoint(context: Valued, index: number, name: string, dtype: DType | undefined): readonly Advice[] {
  const range = dtype === undefined ? undefined : integerRange(dtype);
  const wrong = range && elementsOf(context.constant(index)).find((value) => outside(value, range));
  if (!range || wrong === undefined) return [];
  return [
    {
      code: 'bad-quantization',
      message: `\`${name}\` is ${wrong}, but the value that stands for 0 must itself fit into ${dtype}, ${range.min} to ${range.max}.`,
      remedy: `Write a zero point from ${range.min} to ${range.max}.`,
      blame: { kind: 'input', index },
    },
  ];
}
