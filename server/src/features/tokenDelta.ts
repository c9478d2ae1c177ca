/** Semantic tokens as differences to what a client has: in an edit of one line the rest stays. */

export interface TokenEdit {
  readonly start: number;
  readonly deleteCount: number;
  readonly data: number[];
}

/** The numbers of one token. */
const width = 5;

/** The one edit that makes `after` of `before`, in whole tokens; none when they are the same. */
export function tokenEdits(before: readonly number[], after: readonly number[]): readonly TokenEdit[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  if (start === before.length && start === after.length) return [];
  start -= start % width;
  let tail = 0;
  while (tail < shorter - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  tail -= tail % width;
  return [{ start, deleteCount: before.length - start - tail, data: after.slice(start, after.length - tail) }];
}

/** What clients were last sent, by document. */
export class SentTokens {
  private next = 1;
  private readonly sent = new Map<string, { readonly id: string; readonly data: readonly number[] }>();

  /** Keeps the numbers and names them. */
  keep(uri: string, data: readonly number[]): string {
    const id = String(this.next++);
    this.sent.set(uri, { id, data });
    return id;
  }

  /** The numbers of that name, when they are the last ones. */
  get(uri: string, id: string): readonly number[] | undefined {
    const last = this.sent.get(uri);
    return last?.id === id ? last.data : undefined;
  }
}
