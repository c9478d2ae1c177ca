/** The shape rules of `reshape`, with the origin of every dimension. */
import { printDim, printShape } from '../../types/print.ts';
import type { Dim } from '../../types/type.ts';
import { writtenDim } from '../attributes.ts';
import type { DimOrigin, DimSource, RelateResult } from '../operator.ts';
import { dimValue, floorDivDims, isAnyDim, isDim, mulDims, productOfDims } from '../relations/dims.ts';
import { attributeSource, inputDim, originOf } from '../relations/explain.ts';
import { badAttribute, dimensions } from '../relations/inputs.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

export interface ReshapedDim {
  readonly dim: Dim;
  readonly origin: DimOrigin;
  /** Made from consumed input dimensions (codes 0, −2, −3, −4), so that −1 does not count it. */
  readonly derived: boolean;
}

interface Walk {
  readonly shape: readonly Dim[];
  readonly codes: readonly number[];
  readonly allowZero: boolean;
  /** From input positions and attribute elements here to those as written (they run backwards in a reverse reshape). */
  readonly inputAt: (i: number) => number;
  readonly codeAt: (i: number) => number;
}

/**
 * The shape that `newshape` makes of `shape`, reading from the left, or from the right when `reverse`:
 * n > 0 is itself, 0 copies a dimension (or is zero with `allowZero`), −1 is inferred, −2 copies the rest, −3 merges
 * two, −4 splits one into the next two numbers.
 */
export function reshapedDims(
  shape: readonly Dim[],
  newshape: readonly number[],
  allowZero: boolean,
  reverse = false,
): readonly ReshapedDim[] | Failed {
  const flip = <T>(list: readonly T[]): readonly T[] => (reverse ? [...list].reverse() : list);
  const dims = walk({
    shape: flip(shape),
    codes: flip(newshape),
    allowZero,
    inputAt: (i) => (reverse ? shape.length - 1 - i : i),
    codeAt: (i) => (reverse ? newshape.length - 1 - i : i),
  });
  if ('kind' in dims) return dims;
  const result = flip(dims);
  return (
    countMismatch(
      shape,
      result.map((d) => d.dim),
      newshape,
    ) ?? result
  );
}

function walk(w: Walk): readonly ReshapedDim[] | Failed {
  const out: ReshapedDim[] = [];
  const used = new Set<number>();
  let source = 0;
  let inferred: { readonly at: number; readonly code: number } | undefined;
  const take = (): { dim: Dim; from: DimSource } | undefined => {
    const dim = w.shape[source];
    if (dim === undefined) return undefined;
    used.add(source);
    return { dim, from: inputDim(0, w.inputAt(source++)) };
  };
  for (let i = 0; i < w.codes.length; i++) {
    const code = w.codes[i] ?? 0;
    const written = attributeSource('newshape', w.codeAt(i));
    if (code > 0 || (code === 0 && w.allowZero)) {
      out.push({ dim: writtenDim(code), origin: originOf('', written), derived: false });
      source++;
    } else if (code === 0) {
      const copied = take();
      if (!copied) return exhausted(w, i, '0 copies');
      out.push({ dim: copied.dim, origin: originOf('', copied.from), derived: true });
    } else if (code === -1) {
      if (inferred)
        return badAttribute(
          'newshape',
          `Only one dimension of \`newshape\` may be -1; elements ${w.codeAt(inferred.code)} and ${w.codeAt(i)} are.`,
          'Write all but one of them as numbers.',
        );
      inferred = { at: out.length, code: i };
      out.push({ dim: 1, origin: originOf('', written), derived: false });
      source++;
    } else if (code === -2) {
      for (let rest = take(); rest; rest = take())
        out.push({ dim: rest.dim, origin: originOf('', rest.from), derived: true });
    } else if (code === -3) {
      const a = take();
      const b = take();
      if (!a || !b) return exhausted(w, i, '-3 merges two');
      out.push({
        dim: mulDims(a.dim, b.dim),
        origin: originOf(`${printDim(a.dim)} · ${printDim(b.dim)}`, a.from, b.from),
        derived: true,
      });
    } else if (code === -4) {
      const split = splitDim(w, i, take());
      if ('kind' in split) return split;
      out.push(...split);
      i += 2;
    } else
      return badAttribute(
        'newshape',
        `\`newshape\` may hold positive sizes and the codes 0, -1, -2, -3 and -4; element ${w.codeAt(i)} is ${code}.`,
        'Write a size, or one of the codes.',
      );
  }
  if (!inferred) return out;
  const zero = out.findIndex((d) => !d.derived && isDim(d.dim, 0));
  if (zero >= 0)
    return badAttribute(
      'newshape',
      'A dimension of `newshape` is 0, so the one written as -1 cannot be inferred.',
      'Write a number in place of -1.',
    );
  out[inferred.at] = inferDim(w, out, used, inferred);
  return out;
}

function splitDim(
  w: Walk,
  at: number,
  source: { dim: Dim; from: DimSource } | undefined,
): readonly [ReshapedDim, ReshapedDim] | Failed {
  const first = w.codes[at + 1];
  const second = w.codes[at + 2];
  if (first === undefined || second === undefined)
    return badAttribute(
      'newshape',
      'In `newshape`, -4 splits one dimension into the two sizes that follow it, but fewer than two follow.',
      'Write two sizes after -4; one of them may be -1.',
    );
  if (!source) return exhausted(w, at, '-4 splits');
  if (first === -1 && second === -1)
    return badAttribute(
      'newshape',
      'Both sizes after -4 in `newshape` are -1, so neither can be inferred.',
      'Write one of them as a number.',
    );
  const part = (size: number, other: number, element: number): ReshapedDim =>
    size === -1
      ? {
          dim: floorDivDims(source.dim, other),
          origin: originOf(`${printDim(source.dim)} / ${other}`, source.from),
          derived: true,
        }
      : { dim: size, origin: originOf('', attributeSource('newshape', w.codeAt(element))), derived: true };
  return [part(first, second, at + 1), part(second, first, at + 2)];
}

function inferDim(
  w: Walk,
  out: readonly ReshapedDim[],
  used: ReadonlySet<number>,
  inferred: { readonly at: number; readonly code: number },
): ReshapedDim {
  const left = w.shape.flatMap((dim, i) => (used.has(i) ? [] : [{ dim, i }]));
  const fixed = out.filter((d, i) => !d.derived && i !== inferred.at);
  const product = productOfDims(left.map((d) => d.dim));
  const divisor = productOfDims(fixed.map((d) => d.dim));
  const numerator = left.length === 0 ? '1' : left.map((d) => printDim(d.dim)).join(' · ');
  const denominator = fixed.map((d) => printDim(d.dim)).join(' · ');
  const sources = left.map((d) => inputDim(0, w.inputAt(d.i)));
  const formula =
    fixed.length === 0
      ? left.length === 1
        ? ''
        : numerator
      : `${numerator} / ${fixed.length > 1 ? `(${denominator})` : denominator}`;
  return {
    dim: floorDivDims(product, divisor),
    origin: { formula, sources: [...sources, attributeSource('newshape', w.codeAt(inferred.code))] },
    derived: false,
  };
}

function exhausted(w: Walk, at: number, does: string): Failed {
  return badAttribute(
    'newshape',
    `Element ${w.codeAt(at)} of \`newshape\`: ${does} of \`data\`'s dimensions, but none is left of ${printShape(w.shape)} (${dimensions(w.shape.length)}).`,
    'Shorten `newshape`, or write the size itself.',
  );
}

function countMismatch(shape: readonly Dim[], result: readonly Dim[], newshape: readonly number[]): Failed | undefined {
  if ([...shape, ...result].some((dim) => isAnyDim(dim))) return undefined;
  const have = dimValue(productOfDims(shape));
  const want = dimValue(productOfDims(result));
  if (have === undefined || want === undefined || have === want) return undefined;
  const inferring = newshape.includes(-1);
  return badAttribute(
    'newshape',
    inferring
      ? `\`data\` of shape ${printShape(shape)} has ${have} elements, which do not divide into [${newshape.join(', ')}].`
      : `\`data\` of shape ${printShape(shape)} has ${have} elements, but ${printShape(result)} has ${want}.`,
    'Choose sizes with the same number of elements; -1 lets one of them follow from the others.',
  );
}
