/** Cooperative cancellation, free of any host's types. */

export interface CancellationToken {
  readonly isCancellationRequested: boolean;
}

/** Thrown by `checkCancelled`; the one exception that is no bug. Callers at the boundary catch it. */
export class Cancelled extends Error {
  constructor() {
    super('cancelled');
    this.name = 'Cancelled';
  }
}

export const neverCancelled: CancellationToken = { isCancellationRequested: false };

/** Throws `Cancelled` when the token says so. */
export function checkCancelled(token: CancellationToken): void {
  if (token.isCancellationRequested) throw new Cancelled();
}
