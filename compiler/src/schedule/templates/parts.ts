/** What a template makes; `spaces.ts` adds name, flags and origin. */
import { buffer, local } from '../../loops/build.ts';
import type { LExpr, Local, Stmt } from '../../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../../loops/kernel.ts';
import type { ConvProblem } from '../problem.ts';

export type KernelParts = Omit<LoweredKernel, 'name' | 'flags' | 'origin'>;

/**
 * How sums are scaled: by the upper half of a product (`compact`: with the shift beside the start of the sum), by 64 bits
 * (`wide`), or not (`sums`).
 */
export type Scaling = 'high' | 'compact' | 'wide' | 'sums';

/** How a filter's kernel is to be made. */
export interface Making {
  /** The residual is the input. */
  readonly same?: boolean;
  /** Of one image, the kernel computes some of the rows a call. */
  readonly range?: RowRange;
  /** What is done to each result. */
  readonly tail?: Tail;
}

/** What a function does to the results of a filter, taken from its operators' own meaning. */
export interface Tail {
  /** What the filter reads. */
  readonly data: Buffer;
  readonly output: Buffer;
  /** Inputs in the function's order, outputs, and constants that elements read. */
  readonly buffers: Pick<LoweredKernel, 'inputs' | 'outputs' | 'constants'>;
  /** Stores the element of an output pixel (counted through the whole result) and channel, given the filter's. */
  finish(pixel: LExpr, channel: LExpr, value: Local): Stmt[];
  /** Where the output may lie upon an input; `lead`: bytes it starts below the filter's input. */
  overlaps(lead: number | undefined): LoweredKernel['overlaps'];
}

/** The buffer of a fused residual's other operand: the input itself when `same`; undefined without one. */
export function residualBuffer(p: ConvProblem, input: Buffer, length: number, same: boolean): Buffer | undefined {
  const residual = p.epilogue.residual;
  if (!residual) return undefined;
  return same ? input : buffer('residual', residual.other.dtype, length);
}

/**
 * The rows that one call of a kernel computes, when it is called for some of them at a time. The input's buffer then
 * starts at the first row that is read and lies in the image, the output's at the first row that is written.
 */
export interface RowRange {
  /** Output rows of a call at most. */
  readonly most: number;
  /** Output rows of this call. */
  readonly rows: Local;
  /** Rows of padding above the input's buffer. */
  readonly top: Local;
  /** Rows from the buffer's start to the end of the image; what is read below is padding. */
  readonly height: Local;
}

export function rowRange(most: number): RowRange {
  return {
    most,
    rows: local('rows_now', 'index'),
    top: local('rows_above', 'index'),
    height: local('rows_left', 'index'),
  };
}

/** The scalars of a kernel that is called for a range of rows, in the order in which calls pass them. */
export function rowScalars(range: RowRange | undefined): { readonly scalars?: readonly Local[] } {
  return range === undefined ? {} : { scalars: [range.rows, range.top, range.height] };
}

/** Input rows that `rows` output rows look at. */
export function rowsRead(p: ConvProblem, rows: number): number {
  return (rows - 1) * p.strideH + (p.kH - 1) * p.dilationH + 1;
}
