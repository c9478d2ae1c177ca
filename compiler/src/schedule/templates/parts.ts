/** What a template makes; `spaces.ts` adds name, flags and origin. */
import { buffer, local } from '../../loops/build.ts';
import type { Local } from '../../loops/ir.ts';
import type { Buffer, LoweredKernel } from '../../loops/kernel.ts';
import type { ConvProblem } from '../problem.ts';

export type KernelParts = Omit<LoweredKernel, 'name' | 'flags' | 'origin'>;

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
