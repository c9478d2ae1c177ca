/**
 * Time to parse and to check large networks, cold and after one keystroke.
 *
 *   npx tsx bench/check.ts [--runs N]
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '../compiler/src/check/check.ts';
import type { CheckResult } from '../compiler/src/check/result.ts';
import { reparse } from '../compiler/src/syntax/incremental.ts';
import { parseSource } from '../compiler/src/syntax/parser.ts';

const directory = fileURLToPath(new URL('../../shared/models/large/', import.meta.url));
/** Milliseconds of TVM's C++ parser and type inference; half of it is the goal. */
const tvm: Readonly<Record<string, number>> = {
  resnet50: 92,
  resnet152: 262,
  inception_v3: 147,
  densenet121: 179,
  lstm_64: 183,
  lstm_512: 2080,
};
const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]) || 7;

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

function timed<T>(run: () => T): { readonly value: T; readonly ms: number } {
  const start = performance.now();
  const value = run();
  return { value, ms: performance.now() - start };
}

function cold(name: string, text: string): void {
  const parse: number[] = [];
  const types: number[] = [];
  for (let i = 0; i < runs; i++) {
    const tree = timed(() => parseSource(text));
    parse.push(tree.ms);
    types.push(timed(() => check(tree.value)).ms);
  }
  const total = quantile(parse, 0.5) + quantile(types, 0.5);
  const goal = (tvm[name] ?? 0) / 2;
  console.log(
    `${name.padEnd(14)} parse ${quantile(parse, 0.5).toFixed(1).padStart(7)} ms  types ${quantile(types, 0.5).toFixed(1).padStart(7)} ms  total ${total.toFixed(1).padStart(7)} ms  goal ${goal} ms`,
  );
}

/** Types a digit into an attribute or a name in the middle of the file, and takes it back. */
function keystrokes(name: string, text: string): void {
  let tree = parseSource(text);
  let result: CheckResult = check(tree);
  let current = text;
  const parse: number[] = [];
  const types: number[] = [];
  const at = text.indexOf('(', Math.floor(text.length / 2)) + 1;
  for (let i = 0; i < 40; i++) {
    const insert = i % 2 === 0;
    const next = insert ? `${current.slice(0, at)}1${current.slice(at)}` : current.slice(0, at) + current.slice(at + 1);
    const change = insert ? { start: at, end: at, newLength: 1 } : { start: at, end: at + 1, newLength: 0 };
    const parsed = timed(() => reparse(tree, current, next, [change]));
    const checked = timed(() => check(parsed.value, { previous: result }));
    parse.push(parsed.ms);
    types.push(checked.ms);
    tree = parsed.value;
    result = checked.value;
    current = next;
  }
  console.log(
    `${name.padEnd(14)} keystroke: parse p95 ${quantile(parse, 0.95).toFixed(1)} ms, types p50 ${quantile(types, 0.5).toFixed(1)} ms p95 ${quantile(types, 0.95).toFixed(1)} ms`,
  );
}

for (const name of ['resnet50', 'resnet152', 'inception_v3', 'densenet121', 'lstm_64', 'lstm_512']) {
  const path = `${directory}${name}.relay`;
  if (!existsSync(path)) {
    console.log(`${basename(path)}: not here`);
    continue;
  }
  const text = readFileSync(path, 'utf8');
  cold(name, text);
  if (name.startsWith('lstm')) keystrokes(name, text);
}
