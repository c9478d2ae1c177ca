/** Work in small steps: between two of them the caller may look after something else, or give up. */

/** Work that stops after about a millisecond or less at a time. */
export type Steps<T> = Generator<void, T>;

/** Does all of the work at once. */
export function complete<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
