/** Timing, quantiles, and the rows that every section reports. */

/** One figure. `goal` is the most it may be; absent where there is none. */
export interface Row {
  readonly section: string;
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'MB' | '%';
  readonly goal?: number;
  /** Goals are upper bounds unless this says that more is better. */
  readonly atLeast?: boolean;
}

/** The smallest value that a share `q` of all values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN;
}

/** The value and the milliseconds that making it took. */
export function timed<T>(run: () => T): { readonly value: T; readonly ms: number } {
  const start = performance.now();
  const value = run();
  return { value, ms: performance.now() - start };
}

export function passes(row: Row): boolean | undefined {
  if (row.goal === undefined) return undefined;
  return row.atLeast === true ? row.value >= row.goal : row.value <= row.goal;
}

/** One line a figure. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    const sign = row.atLeast === true ? '≥' : '≤';
    const verdict = passes(row);
    return [
      row.section,
      row.name,
      `${row.value.toFixed(1)} ${row.unit}`,
      row.goal === undefined ? '' : `${sign} ${row.goal}`,
      verdict === undefined ? '' : verdict ? 'pass' : 'MISS',
    ];
  });
  const head = ['section', 'figure', 'measured', 'goal', ''];
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 2 || i === 3 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((n) => '─'.repeat(n)).join('  '), ...cells.map(line)].join('\n');
}
