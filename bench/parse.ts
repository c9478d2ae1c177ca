/**
 * Times of the parser on the large shared models: `npx tsx bench/parse.ts`. The measured code is bundled first, as it
 * ships; the loader that runs this script would slow closures down several times.
 */
import { buildSync } from 'esbuild';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Incremental from '../compiler/src/syntax/incremental.ts';
import type * as Parser from '../compiler/src/syntax/parser.ts';

type Syntax = typeof Parser & typeof Incremental;

const root = fileURLToPath(new URL('../', import.meta.url));

async function loadBundled(): Promise<Syntax> {
  const folder = mkdtempSync(join(tmpdir(), 'relay-bench-'));
  const outfile = join(folder, 'syntax.mjs');
  const contents =
    "export * from './compiler/src/syntax/parser.ts'; export * from './compiler/src/syntax/incremental.ts';";
  buildSync({ stdin: { contents, resolveDir: root }, bundle: true, format: 'esm', platform: 'node', outfile });
  const loaded = (await import(pathToFileURL(outfile).href)) as Syntax;
  rmSync(folder, { recursive: true });
  return loaded;
}

const quantile = (times: readonly number[], q: number): number =>
  [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * q))] ?? NaN;

function elapsed(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

async function main(): Promise<void> {
  const folder = join(root, '../shared/models/large');
  if (!existsSync(folder)) {
    console.log('../shared/models/large is absent; nothing to measure.');
    return;
  }
  const { parseSource, reparse } = await loadBundled();
  console.log('milliseconds, warmed up: median of 9 parses, 200 keystrokes at spread places');
  console.log('model            KB   parse  key p50  key p95');
  for (const name of readdirSync(folder).filter((x) => x.endsWith('.relay'))) {
    const text = readFileSync(join(folder, name), 'utf8');
    for (let i = 0; i < 3; i++) parseSource(text);
    const cold = quantile(
      Array.from({ length: 9 }, () => elapsed(() => parseSource(text))),
      0.5,
    );
    const tree = parseSource(text);
    const keys = Array.from({ length: 200 }, (_, i) => {
      const at = Math.floor((text.length * (i + 0.5)) / 200);
      const next = `${text.slice(0, at)}x${text.slice(at)}`;
      return elapsed(() => reparse(tree, text, next, [{ start: at, end: at, newLength: 1 }]));
    });
    const cells = [cold, quantile(keys, 0.5), quantile(keys, 0.95)].map((x) => x.toFixed(1));
    console.log(
      `${name.replace('.relay', '').padEnd(14)} ${String(Math.round(text.length / 1024)).padStart(4)} ${cells[0]?.padStart(7)} ${cells[1]?.padStart(8)} ${cells[2]?.padStart(8)}`,
    );
  }
}

await main();
