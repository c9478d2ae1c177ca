/** Turns of kernels that run some rows at a time, as loops where the numbers of their calls grow by equal steps. */

/** A line of C with its numbers apart. */
export type Line = readonly (string | number)[];

/** Least turns for which a loop is shorter than writing them out. */
const leastTurns = 3;

/** C of all turns, each a list of lines; `turn` must be free in them. */
export function turnsText(turns: readonly (readonly Line[])[]): string[] {
  const out: string[] = [];
  for (let at = 0; at < turns.length;) {
    const first = turns[at] ?? [];
    const next = turns[at + 1];
    const steps = next === undefined ? undefined : stepsBetween(first, next);
    let count = 1;
    if (steps !== undefined) {
      count = 2;
      for (; at + count < turns.length; count++) {
        const more = stepsBetween(turns[at + count - 1] ?? [], turns[at + count] ?? []);
        if (more === undefined || more.some((step, i) => step !== steps[i])) break;
      }
    }
    if (steps === undefined || count < leastTurns) {
      out.push(...first.map((line) => line.join('')));
      at++;
      continue;
    }
    let place = 0;
    const body = first.map((line) =>
      line.map((part) => (typeof part === 'number' ? stepped(part, steps[place++] ?? 0) : part)).join(''),
    );
    const directive = (line: string): boolean => line.startsWith('#') || line === '';
    out.push(
      `  for (int32_t turn = 0; turn < ${count}; turn++) {`,
      ...body.map((line) => (directive(line) ? line : `  ${line}`)),
      '  }',
    );
    at += count;
  }
  return out;
}

function stepped(start: number, step: number): string {
  if (step === 0) return String(start);
  const factor = Math.abs(step) === 1 ? 'turn' : `${Math.abs(step)} * turn`;
  if (start === 0 && step > 0) return factor;
  return `${start} ${step > 0 ? '+' : '-'} ${factor}`;
}

/** What each number of one turn lacks to that of the next; undefined when more than numbers differs. */
function stepsBetween(a: readonly Line[], b: readonly Line[]): number[] | undefined {
  if (a.length !== b.length) return undefined;
  const steps: number[] = [];
  for (const [i, line] of a.entries()) {
    const other = b[i] ?? [];
    if (line.length !== other.length) return undefined;
    for (const [j, part] of line.entries()) {
      const against = other[j];
      if (typeof part === 'number' && typeof against === 'number') steps.push(against - part);
      else if (part !== against) return undefined;
    }
  }
  return steps;
}
