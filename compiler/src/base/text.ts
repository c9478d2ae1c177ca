/** Pieces of sentences. */

/** `1 argument`, `2 arguments`, `2 boxes`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : noun.endsWith('x') ? 'es' : 's'}`;
}
