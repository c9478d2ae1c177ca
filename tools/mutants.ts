/**
 * Seeded faults: applies wrong code to temporary copies of the compiler, one fault at a time, and runs the tests that
 * look closest at the file and then the short differential suite on it. Prints which faults were caught; exit code 1
 * when one was missed or does not apply.
 *
 *     npx tsx tools/mutants.ts [--only part-of-a-name,another] [--programs 400] [--jobs 2] [--part 1/8]
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { mutants, type Mutant } from './mutant-list.ts';

const { values: args } = parseArgs({
  options: {
    only: { type: 'string' },
    programs: { type: 'string', default: '400' },
    jobs: { type: 'string', default: '2' },
    part: { type: 'string', default: '1/1' },
  },
});

const all = Number(args.programs);
const few = 20;

const root = fileURLToPath(new URL('..', import.meta.url));

/** Tests that look closer at some files than random programs do, by the start of the file's name. */
const closerTests: readonly (readonly [string, string])[] = [
  ['schedule/primitives', 'test/schedule/primitives.test.ts'],
  ['schedule/primitives/tensorise', 'test/schedule/float-ranges.test.ts'],
  ['schedule/monotone-maximum', 'test/schedule/float-ranges.test.ts'],
  ['schedule/requantize', 'test/schedule/requantize.test.ts'],
  ['schedule/transposed', 'test/schedule/transposed.test.ts'],
  ['schedule/templates/conv', 'test/schedule/transposed.test.ts'],
  ['schedule/templates/matmul', 'test/schedule/matmul.test.ts'],
  ['schedule/matmul', 'test/schedule/matmul.test.ts'],
  ['loops/te-lower', 'test/loops/generic.test.ts'],
  ['emit/c.ts', 'test/loops/generic.test.ts'],
  ['emit/constants', 'test/loops/generic.test.ts'],
  ['emit/float-functions', 'test/emit/float-functions.test.ts'],
  ['emit/module', 'test/emit/module.test.ts'],
  ['memory/', 'test/memory/plan.test.ts'],
  ['pipeline/arena', 'test/pipeline/row-streams.test.ts'],
  ['schedule/templates/epilogue', 'test/schedule/templates.test.ts'],
  ['emit/helpers', 'test/emit/arithmetic.test.ts'],
  ['emit/program-text', 'test/emit/module.test.ts'],
  ['schedule/conv-space', 'test/schedule/templates.test.ts'],
  ['schedule/float', 'test/schedule/float.test.ts'],
  ['schedule/nest', 'test/emit/host.test.ts'],
  ['schedule/templates/pool', 'test/schedule/pools.test.ts'],
  ['emit/sizes', 'test/emit/sizes.test.ts'],
  ['pipeline/kernel-order', 'test/pipeline/kernel-order.test.ts'],
  ['pipeline/light-kernels', 'test/pipeline/light-kernels.test.ts'],
  ['pipeline/row-stream', 'test/pipeline/row-streams.test.ts'],
];

/** A copy of what the tests need, which a fault may be written into. */
class Copy {
  private readonly folder = mkdtempSync(join(tmpdir(), 'relay-mutants-'));

  constructor() {
    for (const folder of ['compiler', 'boards', 'test', 'tools'])
      cpSync(join(root, folder), join(this.folder, folder), { recursive: true });
    for (const file of ['package.json', '.mocharc.json']) cpSync(join(root, file), join(this.folder, file));
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The first test that fails with the fault; undefined when none does, `does not apply` when its text is gone. */
  async judge({ file, find, replace }: Mutant): Promise<string | undefined> {
    const path = join(this.folder, 'compiler/src', file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(find)) return 'does not apply';
    writeFileSync(path, text.replace(find, () => replace)); // prettier-ignore
    try {
      const closer = await this.closerTests(file);
      if (closer !== undefined) return closer;
      // Most faults show in few programs: all of them run only where these do not tell.
      for (const programs of new Set([Math.min(few, all), all])) {
        const found =
          (file.startsWith('emit/') ? undefined : await this.programs('js', programs)) ??
          (await this.programs('js,host', programs));
        if (found !== undefined) return found;
      }
      return undefined;
    } finally {
      writeFileSync(path, text);
    }
  }

  /** Runs the short differential suite: whether it fails, and how. */
  async programs(backends: string, programs: number): Promise<string | undefined> {
    const bundle = join(this.folder, 'tools/differential.mjs');
    await build({ entryPoints: [join(this.folder, 'tools/differential.ts')], outfile: bundle, bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'silent' }); // prettier-ignore
    const options = ['--programs', String(programs), '--backends', backends, '--batch', '100'];
    const done = await this.run([bundle, ...options, '--no-shrink', '--quiet', '--first-failure']);
    if (done.ok) return undefined;
    const failed = /FAILED ([^\n]*)/.exec(done.text)?.[1];
    // A fault that does not even load proves nothing.
    if (failed === undefined) throw new Error(`the copy does not run: ${done.text.slice(0, 600)}`);
    return failed;
  }

  private async closerTests(file: string): Promise<string | undefined> {
    const tests = closerTests.flatMap(([start, test]) => (file.startsWith(start) ? [test] : []));
    if (tests.length === 0) return undefined;
    const done = await this.run([join('node_modules', 'mocha', 'bin', 'mocha.js'), ...tests]);
    if (done.ok) return undefined;
    const failed = /^\s*1\) (.*)$/m.exec(done.text)?.[1];
    if (failed === undefined) throw new Error(`the copy does not run: ${done.text.slice(0, 600)}`);
    return `the test \`${failed}\``;
  }

  private run(options: readonly string[]): Promise<{ readonly ok: boolean; readonly text: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, options, { cwd: this.folder, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        resolve({ ok: error === null, text: stdout + stderr });
      });
    });
  }
}

const { only } = args;
const [part = 1, parts = 1] = args.part.split('/').map(Number);
const chosen = mutants
  .filter((m) => only === undefined || only.split(',').some((name) => m.name.includes(name)))
  .filter((_, i) => i % parts === part - 1);
const waiting = [...chosen];
let wrong = 0;
let caught = 0;

async function work(copy: Copy): Promise<void> {
  for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
    const found = await copy.judge(mutant);
    const missed = found === undefined || found === 'does not apply';
    if (missed) wrong++;
    else caught++;
    console.log(missed ? `${found ?? 'MISSED'}  ${mutant.name} (${mutant.file})` : `caught  ${mutant.name}: ${found.slice(0, 110)}`); // prettier-ignore
  }
}

const copies = Array.from({ length: Math.max(1, Number(args.jobs)) }, () => new Copy());
try {
  const clean = await copies[0]?.programs('js,host', all);
  if (clean !== undefined) throw new Error(`the suite fails without any fault: ${clean}`);
  await Promise.all(copies.map(work));
} finally {
  for (const copy of copies) copy.close();
}
console.log(`${caught} faults caught, ${wrong} missed or not applicable`);
process.exitCode = wrong > 0 ? 1 : 0;
