/** Narrowing of argument types, and the errors every relation gives in the same words. */
import { printType } from '../../types/print.ts';
import type { TensorType, Type } from '../../types/type.ts';
import { errorType } from '../../types/type.ts';
import type { Blame, RelateError, RelateResult } from '../operator.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;
type Done = Extract<RelateResult, { kind: 'ok' }>;
type Wait = Extract<RelateResult, { kind: 'wait' }>;
type Inputs = { readonly inputs: readonly Type[] };

export const wait: Wait = { kind: 'wait' };
/** The result of a call whose argument already failed. */
export const poisoned: Done = { kind: 'ok', result: errorType };

/** A relation that is solved. */
export function done(result: Type): Done {
  return { kind: 'ok', result };
}

/** A relation that cannot hold, with what is said at `blame`. */
export function failed(
  code: string,
  message: string,
  blame: Blame,
  more: Pick<RelateError, 'remedy' | 'related' | 'result'> = {},
): Failed {
  return { kind: 'error', error: { code, message, blame, ...more } };
}

/** The fault is input `index` (its dimension `dim`, its tuple's field `field`). */
export function inputBlame(index: number, dim?: number, field?: number): Blame {
  return { kind: 'input', index, ...(dim === undefined ? {} : { dim }), ...(field === undefined ? {} : { field }) };
}
/** The fault is what is written for an attribute. */
export function attributeBlame(name: string): Blame {
  return { kind: 'attribute', name };
}

/** `bad-attribute` at the attribute. */
export function badAttribute(name: string, message: string, remedy?: string): Failed {
  return failed('bad-attribute', message, attributeBlame(name), remedy === undefined ? {} : { remedy });
}

/**
 * Argument `index` as a tensor, or what the relation should return instead: `if (data.kind !== 'tensor') return data`.
 * `name` is the input's name in the record.
 */
export function tensorInput(context: Inputs, index: number, name: string): TensorType | Wait | Failed | Done {
  const type = context.inputs[index];
  if (type === undefined || type.kind === 'incomplete') return wait;
  if (type.kind === 'tensor') return type;
  if (type.kind === 'error') return poisoned;
  const remedy =
    type.kind === 'tuple' && type.fields.length > 0
      ? 'Take one field of the tuple, for example with `.0`.'
      : type.kind === 'ref'
        ? 'Read the reference with `ref_read` first.'
        : 'Pass a tensor here.';
  return failed('not-a-tensor', `\`${name}\` must be a tensor, found ${articled(type)}.`, inputBlame(index), {
    remedy,
  });
}

/** The fields of a tuple argument; `fields` is set when all of them are tensors. */
export interface TensorTuple {
  readonly kind: 'tensors';
  readonly fields: readonly TensorType[];
}

/** Argument `index` as a tuple of tensors, or what to return instead. */
export function tupleInput(context: Inputs, index: number, name: string): TensorTuple | Wait | Failed | Done {
  const type = context.inputs[index];
  if (type === undefined || type.kind === 'incomplete') return wait;
  if (type.kind === 'error') return poisoned;
  if (type.kind !== 'tuple')
    return failed(
      'not-a-tuple',
      `\`${name}\` must be a tuple of tensors, found ${articled(type)}.`,
      inputBlame(index),
      {
        remedy: 'Write the tensors as a tuple: `(%a, %b)`, or `(%a,)` for one.',
      },
    );
  const fields: TensorType[] = [];
  for (const [i, field] of type.fields.entries()) {
    if (field.kind === 'incomplete') return wait;
    if (field.kind === 'error') return poisoned;
    if (field.kind !== 'tensor')
      return failed(
        'not-a-tensor',
        `Field ${i} of \`${name}\` must be a tensor, found ${articled(field)}.`,
        inputBlame(index, undefined, i),
        { remedy: 'Pass a tuple whose fields are all tensors.' },
      );
    fields.push(field);
  }
  return { kind: 'tensors', fields };
}

function articled(type: Type): string {
  switch (type.kind) {
    case 'tuple':
      return `the tuple \`${printType(type)}\``;
    case 'func':
      return `the function type \`${printType(type)}\``;
    case 'ref':
      return `the reference \`${printType(type)}\``;
    default:
      return `\`${printType(type)}\``;
  }
}

/** `rank-mismatch` at input `index` unless the tensor's rank is `rank`. */
export function requireRank(type: TensorType, index: number, name: string, rank: number, why = ''): Failed | undefined {
  if (type.shape.length === rank) return undefined;
  return failed(
    'rank-mismatch',
    `\`${name}\` must have ${dimensions(rank)}${why === '' ? '' : ` ${why}`}, found ${type.shape.length}: \`${printType(type)}\`.`,
    inputBlame(index),
    { remedy: `Reshape \`${name}\` to ${dimensions(rank)}.` },
  );
}

/** `dtype-mismatch` unless `accepts`; `what` says what is needed: «an integer element type». */
export function requireDType(
  type: TensorType,
  index: number,
  name: string,
  accepts: (dtype: string) => boolean,
  what: string,
): Failed | undefined {
  if (accepts(type.dtype)) return undefined;
  return failed('dtype-mismatch', `\`${name}\` must have ${what}, found ${type.dtype}.`, inputBlame(index), {
    remedy: `Convert \`${name}\` with \`cast\`.`,
  });
}

/** `1 dimension`, `2 dimensions`. */
export function dimensions(count: number): string {
  return count === 1 ? '1 dimension' : `${count} dimensions`;
}

/** Shorthand of a relation of one tensor: waits and fails like `tensorInput`, else the result of `map`. */
export function unaryRelation(map: (data: TensorType) => TensorType, name = 'data'): (context: Inputs) => RelateResult {
  return (context) => {
    const data = tensorInput(context, 0, name);
    return data.kind === 'tensor' ? done(map(data)) : data;
  };
}

/** More dimensions or tuple fields than any program has are refused, so that a typing slip costs no memory. */
export const mostDimensions = 1024;
export const mostFields = 65536;

/** `rank` as a number of dimensions, or the failure that it is too many. */
export function reasonableRank(rank: number | bigint, blame: Blame): number | Failed {
  if (rank >= 0 && rank <= mostDimensions) return Number(rank);
  return failed(
    'rank-mismatch',
    `The result would have ${rank} dimensions; at most ${mostDimensions} are possible.`,
    blame,
    {
      remedy: 'Pass fewer sizes.',
    },
  );
}
