/** Two versions of a text as a unified diff, as `patch` reads it. */

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

const context = 3;
/** Where more lines than this differ, the differing stretch is shown as a whole: finding the least diff would take long. */
const mostDifferences = 2000;

/** The diff of `before` and `after`, with `name` for both; empty when they are the same. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return '';
  const lines = diff(splitLines(before), splitLines(after));
  const changed = lines.flatMap((line, i) => (line.sign === ' ' ? [] : [i]));
  const out = [`--- ${name}`, `+++ ${name}`];
  for (let i = 0; i < changed.length;) {
    const from = Math.max(0, (changed[i] ?? 0) - context);
    let last = changed[i] ?? 0;
    while (i < changed.length && (changed[i] ?? 0) - last <= 2 * context) last = changed[i++] ?? last;
    const hunk = lines.slice(from, last + context + 1);
    const place = (sign: '-' | '+'): string => {
      const start = lines.slice(0, from).filter((line) => line.sign === ' ' || line.sign === sign).length;
      const count = hunk.filter((line) => line.sign === ' ' || line.sign === sign).length;
      return `${sign}${count === 0 ? start : start + 1}${count === 1 ? '' : `,${count}`}`;
    };
    out.push(`@@ ${place('-')} ${place('+')} @@`, ...hunk.flatMap(({ sign, text }) => shown(sign, text)));
  }
  return out.join('\n');
}

/** Lines with their ends, so that a last line without one differs from one with it. */
function splitLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function shown(sign: string, text: string): string[] {
  return text.endsWith('\n') ? [`${sign}${text.slice(0, -1)}`] : [`${sign}${text}`, '\\ No newline at end of file'];
}

function diff(a: readonly string[], b: readonly string[]): Line[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = (text: string): Line => ({ sign: ' ', text });
  return [
    ...a.slice(0, head).map(same),
    ...shortestEdit(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

/** E. Myers, “An O(ND) difference algorithm and its variations” (1986), greedy form with its trace kept. */
function shortestEdit(a: readonly string[], b: readonly string[]): Line[] {
  const whole = (): Line[] => [
    ...a.map((text): Line => ({ sign: '-', text })),
    ...b.map((text): Line => ({ sign: '+', text })),
  ];
  let reach = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let d = 0; d <= a.length + b.length; d++) {
    if (d > mostDifferences) return whole();
    trace.push(reach);
    reach = new Map(reach);
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trace);
    }
  }
  return whole();
}

function walkBack(a: readonly string[], b: readonly string[], trace: readonly Map<number, number>[]): Line[] {
  const lines: Line[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d >= 0; d--) {
    const reach = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const fromK = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (reach.get(fromK) ?? 0);
    const fromY = d === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      lines.push({ sign: ' ', text: a[--x] ?? '' });
      y--;
    }
    if (d === 0) break;
    if (down) lines.push({ sign: '+', text: b[--y] ?? '' });
    else lines.push({ sign: '-', text: a[--x] ?? '' });
  }
  return lines.reverse();
}
