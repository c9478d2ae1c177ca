/** Errors as values: every operation that bad input can make fail returns a `Result`. */

/** A failure that a user reads. */
export interface Failure {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly message: string;
  /** What to do about it, as an imperative sentence. */
  readonly remedy?: string;
}

export type Result<T, E = Failure> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** A failed `Result` from its parts. */
export function fail(code: string, message: string, remedy?: string): { readonly ok: false; readonly error: Failure } {
  return { ok: false, error: remedy === undefined ? { code, message } : { code, message, remedy } };
}

/** Carries a failure out of a deep traversal; `caught` makes a `Result` of it again. */
export class Raised extends Error {
  readonly failure: Failure;
  constructor(code: string, message: string, remedy?: string) {
    super(message);
    this.failure = fail(code, message, remedy).error;
  }
}

/** The value of `run`, or the failure that it raised. */
export function caught<T>(run: () => T): Result<T> {
  try {
    return ok(run());
  } catch (error) {
    if (error instanceof Raised) return { ok: false, error: error.failure };
    throw error;
  }
}

/** For a state that the types rule out: a bug, never bad input. */
export function unreachable(value: never, what = 'case'): never {
  throw new Error(`unreachable ${what}: ${JSON.stringify(value)}`);
}
