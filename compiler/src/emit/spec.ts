/** What is emitted as a program in C, and what comes of it. */
import type { LoweredKernel } from '../loops/kernel.ts';
import type { DType } from '../tensor/dtype.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import type { ArenaPiece } from './arena.ts';
import type { SourceLine } from './lines.ts';

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
  /** One for each of the kernel's scalars. */
  readonly scalars?: readonly number[];
  /** Bytes of the arena that move towards its start before the call; places are multiples of four. */
  readonly moves?: readonly ArenaMove[];
  /** Of kernels that run in turns: what tells their stream from others, and the turn. */
  readonly turn?: { readonly stream: object; readonly index: number };
  /** Lines for a comment above the kernel: the source binding, its shapes. Any text. */
  readonly comment: readonly string[];
}

export interface ArenaMove {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
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
  /** Its pieces, when it lies in several memory regions. */
  readonly arenaPieces?: readonly ArenaPiece[];
  readonly inputs: readonly ModuleTensor[];
  readonly outputs: readonly ModuleTensor[];
  /** Lines for the comment at the top of the sources (what it was made from). */
  readonly comment: readonly string[];
  /** Adds `#line` directives to a kernel's statements and calls: the source line of a kernel, if it has one. */
  readonly lineOf?: (kernel: LoweredKernel) => SourceLine | undefined;
  /** Kernels that differ in sizes alone share a function, to which the sizes are passed: less code, somewhat slower. */
  readonly shareSizes?: boolean;
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
   * and `<stem>_output_<i>`. Inside `<stem>_run`, the statement `RELAY_LAYER(i);` stands before each C call, `i` being
   * its place in `marks`, and once more with the number of marks after the last; the macro is empty unless a profiling
   * build defines it beforehand.
   */
  readonly stem: string;
  readonly files: readonly EmittedFile[];
  /** Bytes of constants as stored in flash. */
  readonly constantBytes: number;
  /** The C function of each kernel, in order of first use. */
  readonly functions: readonly string[];
  /** The kernel, by its place in `functions`, that each C call of a run works for; absent: one call each, in order. */
  readonly marks?: readonly number[];
}
