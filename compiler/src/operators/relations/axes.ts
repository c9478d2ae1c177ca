/** Axis attributes: negative ones count from the end. */
import type { RelateResult } from '../operator.ts';
import { badAttribute, dimensions } from './inputs.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

/** `axis` within 0 … rank−1; undefined when it is out of range. */
export function wrapAxis(axis: number, rank: number): number | undefined {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) return undefined;
  return axis < 0 ? axis + rank : axis;
}

/** As `wrapAxis`, with the failure to return: `if (typeof axis !== 'number') return axis`. */
export function normalizeAxis(axis: number, rank: number, attribute = 'axis', input = 'data'): number | Failed {
  return wrapAxis(axis, rank) ?? axisOutOfRange(axis, -rank, rank - 1, rank, attribute, input);
}

/** For a position between dimensions: −rank−1 … rank, as `expand_dims` and `stack` take it. */
export function normalizeInsertAxis(axis: number, rank: number, attribute = 'axis', input = 'data'): number | Failed {
  if (axis < -rank - 1 || axis > rank) return axisOutOfRange(axis, -rank - 1, rank, rank, attribute, input);
  return axis < 0 ? axis + rank + 1 : axis;
}

function axisOutOfRange(
  axis: number,
  low: number,
  high: number,
  rank: number,
  attribute: string,
  input: string,
): Failed {
  if (high < low)
    return badAttribute(attribute, `\`${attribute}\` is ${axis}, but \`${input}\` is a scalar and has no axes.`);
  return badAttribute(
    attribute,
    `\`${attribute}\` must be from ${low} to ${high} because \`${input}\` has ${dimensions(rank)}, found ${axis}.`,
    `Write an axis from ${low} to ${high}.`,
  );
}

/** All of `axes` within range, or the first failure. Duplicates are kept. */
export function normalizeAxes(
  axes: readonly number[],
  rank: number,
  attribute = 'axis',
  input = 'data',
): readonly number[] | Failed {
  const result: number[] = [];
  for (const axis of axes) {
    const wrapped = normalizeAxis(axis, rank, attribute, input);
    if (typeof wrapped !== 'number') return wrapped;
    result.push(wrapped);
  }
  return result;
}

/** True for a failure among `number[] | Failed` results. */
export function isFailed<T>(value: T | Failed): value is Failed {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && (value as Failed).kind === 'error';
}
