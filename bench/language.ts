/** Parsing and checking: cold, after a keystroke, and what the result weighs. */
import { check } from '../compiler/src/check/check.ts';
import type { CheckResult } from '../compiler/src/check/result.ts';
import { reparse } from '../compiler/src/syntax/incremental.ts';
import { parseSource } from '../compiler/src/syntax/parser.ts';
import { quantile, timed, type Row } from './support/measure.ts';
import { keystrokes, largeModel, tvmMilliseconds } from './support/models.ts';

/** Medians of parsing and checking a whole file in a warmed-up process. */
export function cold(root: string): Row[] {
  const rows: Row[] = [];
  for (const [name, milliseconds] of Object.entries(tvmMilliseconds)) {
    const text = largeModel(root, name);
    if (text === undefined) continue;
    const runs = text.length > 1e6 ? 7 : 15;
    const parse: number[] = [];
    const types: number[] = [];
    const total: number[] = [];
    for (let i = 0; i < runs + 3; i++) {
      const tree = timed(() => parseSource(text));
      const checked = timed(() => check(tree.value));
      if (i < 3) continue;
      parse.push(tree.ms);
      types.push(checked.ms);
      total.push(tree.ms + checked.ms);
    }
    rows.push({ section: 'parse', name, value: quantile(parse, 0.5), unit: 'ms' });
    rows.push({ section: 'check', name, value: quantile(types, 0.5), unit: 'ms' });
    rows.push({ section: 'parse + check', name, value: quantile(total, 0.5), unit: 'ms', goal: milliseconds / 2 });
  }
  return rows;
}

/** Syntax and types after each of many keystrokes in a network of 14,854 lines. */
export function afterKeystroke(root: string): Row[] {
  const text = largeModel(root, 'lstm_512');
  if (text === undefined) return [];
  let tree = parseSource(text);
  let result: CheckResult = check(tree);
  let current = text;
  const syntax: number[] = [];
  const types: number[] = [];
  const step = (at: number, remove: number, insert: string, counted: boolean): void => {
    const next = current.slice(0, at) + insert + current.slice(at + remove);
    const change = { start: at, end: at + remove, newLength: insert.length };
    const parsed = timed(() => reparse(tree, current, next, [change]));
    const checked = timed(() => check(parsed.value, { previous: result }));
    if (counted) {
      syntax.push(parsed.ms);
      types.push(checked.ms);
    }
    tree = parsed.value;
    result = checked.value;
    current = next;
  };
  const keys = keystrokes(text, 125);
  for (const [i, { at, remove, insert }] of keys.entries()) {
    const removed = text.slice(at, at + remove);
    // The first few warm the code of incremental work up.
    step(at, remove, insert, i >= 5);
    step(at, insert.length, removed, i >= 5);
  }
  return [
    { section: 'keystroke', name: 'lstm_512 syntax p50', value: quantile(syntax, 0.5), unit: 'ms' },
    { section: 'keystroke', name: 'lstm_512 syntax p95', value: quantile(syntax, 0.95), unit: 'ms', goal: 30 },
    { section: 'keystroke', name: 'lstm_512 types p50', value: quantile(types, 0.5), unit: 'ms' },
    { section: 'keystroke', name: 'lstm_512 types p95', value: quantile(types, 0.95), unit: 'ms', goal: 50 },
  ];
}

/** Heap that a checked file holds, its text included. Needs `--expose-gc`. */
export function memory(root: string): Row[] {
  const collect = (globalThis as { readonly gc?: () => void }).gc;
  const text = largeModel(root, 'lstm_512');
  if (text === undefined || !collect) return [];
  const result = check(parseSource(text));
  collect();
  const bytes = process.memoryUsage().heapUsed;
  // Read after the measurement, so that the result is alive during it.
  if (result.globals.size === 0) throw new Error('The network was not checked.');
  return [{ section: 'memory', name: 'lstm_512 checked, heap', value: bytes / 2 ** 20, unit: 'MB', goal: 400 }];
}
