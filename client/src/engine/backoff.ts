/** How long to wait before a crashed server is started again. */

export interface Backoff {
  /** Milliseconds to wait after a crash at `now`; undefined when it crashed too often to go on. */
  next(now: number): number | undefined;
  /** Forgets the crashes, after a restart by hand. */
  reset(): void;
}

/** Waits double from `first` to `most`; after `limit` crashes within `window` milliseconds it gives up. */
export function createBackoff({ first = 250, most = 10_000, limit = 8, window = 180_000 } = {}): Backoff {
  let crashes: number[] = [];
  return {
    next(now) {
      crashes = [...crashes.filter((time) => now - time < window), now];
      if (crashes.length > limit) return undefined;
      return Math.min(most, first * 2 ** (crashes.length - 1));
    },
    reset() {
      crashes = [];
    },
  };
}
