/** Why a program cannot be compiled, and where. */
import { fail } from '../base/result.ts';
import type { Failure } from '../base/result.ts';
import type { TextRange } from '../base/span.ts';
import type { Origin } from '../ir/expr.ts';

/** What cannot be compiled, and where it stands. */
export interface CompileFailure extends Failure {
  readonly origin: Origin;
  /** Where that is in the text that was compiled. */
  readonly range?: TextRange;
}

export type CompileResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: CompileFailure };

/** A failure with its place. */
export function refuse(origin: Origin, code: string, message: string, remedy?: string): CompileResult<never> {
  return { ok: false, error: { ...fail(code, message, remedy).error, origin } };
}
