/** A kernel ready for C: its buffers, constants in the layout the loops read, scratch, and the loop nest. */
import type { NDArray } from '../tensor/ndarray.ts';
import type { Origin } from '../ir/expr.ts';
import type { Buffer, Local, Stmt } from './ir.ts';

export type { Buffer } from './ir.ts';

export interface LoweredKernel {
  readonly name: string;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  /** Constants after packing; emitted as `static const`. */
  readonly constants: readonly { readonly buffer: Buffer; readonly value: NDArray }[];
  /** Working memory the caller provides from the arena, alive only while the kernel runs. */
  readonly scratch: readonly Buffer[];
  /** Integers (type `index`) that calls pass behind the buffers; the body reads them and never assigns. */
  readonly scalars?: readonly Local[];
  readonly body: Stmt;
  /**
   * Output `output` may start `lead` bytes or more below the start of input `input` in memory (0: share one start),
   * because every element is read before its place is written. `exact`: at that distance only (or not overlapping at
   * all), because the order of reads and writes is not that of memory.
   */
  readonly overlaps: readonly {
    readonly input: number;
    readonly output: number;
    readonly leadBytes: number;
    readonly exact?: boolean;
  }[];
  /** Extra compiler flags for this function's file (`-O3`, `-fno-schedule-insns`). */
  readonly flags: readonly string[];
  /** The order of its statements is its meaning, and no schedule step may change it: loops of an imperative nest. */
  readonly imperative?: true;
  readonly macs: number;
  readonly origin: Origin;
}
