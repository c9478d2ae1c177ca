/** A program in C: kernels, the function that calls them in order on one static arena, and a header. */
import type { LoweredKernel } from '../loops/kernel.ts';
import type { DType } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';

/** Where a kernel's argument lies when it runs. */
export type Place =
  /** Bytes from the start of the arena; a multiple of the buffer's alignment. */
  | { readonly kind: 'arena'; readonly offset: number }
  /** A constant that is no part of the kernel (a weight shared by several): emitted once, identity is the array. */
  | { readonly kind: 'constant'; readonly value: NDArray };

export interface KernelCall {
  readonly kernel: LoweredKernel;
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  /** One for each of the kernel's scratch buffers. */
  readonly scratch: readonly Place[];
  /** Lines for a comment above the kernel: the source binding, its shapes. Any text. */
  readonly comment: readonly string[];
}

/** A tensor the caller writes before, or reads after, a run. It lies in the arena. */
export interface ModuleTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly offset: number;
}

export interface ModuleSpec {
  /** The program's name; a C identifier is made from it. */
  readonly name: string;
  readonly calls: readonly KernelCall[];
  readonly arenaBytes: number;
  readonly inputs: readonly ModuleTensor[];
  readonly outputs: readonly ModuleTensor[];
  /** Lines for the comment at the top of the sources (what it was made from). */
  readonly comment: readonly string[];
}

export interface EmittedFile {
  readonly name: string;
  readonly text: string;
  /** Extra compiler flags of this file; absent for headers. */
  readonly flags?: readonly string[];
}

export interface EmittedModule {
  /**
   * The C identifier stem: `<stem>.h` declares `void <stem>_run(void)` and the pointer expressions `<stem>_input_<i>`
   * and `<stem>_output_<i>`. Inside `<stem>_run`, the statement `RELAY_LAYER(i);` stands before call `i`, and once more
   * with the number of calls after the last; the macro is empty unless a profiling build defines it beforehand.
   */
  readonly stem: string;
  readonly files: readonly EmittedFile[];
  /** Bytes of constants as stored in flash. */
  readonly constantBytes: number;
  /** The C function of each call, in order. */
  readonly functions: readonly string[];
}
