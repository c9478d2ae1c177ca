/**
 * `npm test`: sets the machine up, then type check, lint, format, unit tests, and the suite in a real VS Code.
 * `node tools/test.mjs [step …]` runs some steps only. The last line is `N passed, N failed, N skipped`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root, setUp } from './setup.mjs';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'relay-test-'));
const node = process.execPath;
const bin = (name) => path.join(root, 'node_modules', name);

function mocha(name, args) {
  const totals = path.join(scratch, `${name}.json`);
  const result = spawnSync(node, [bin('mocha/bin/mocha.js'), '--reporter', 'tools/mocha-reporter.cjs', ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, RELAY_TEST_TOTALS: totals },
  });
  return fromTotals(totals, result.status);
}

function fromTotals(file, status) {
  if (!existsSync(file)) return { passes: 0, failures: 1, pending: 0 };
  const totals = JSON.parse(readFileSync(file, 'utf8'));
  // A run that died after its last test still failed.
  return status === 0 || totals.failures > 0 ? totals : { ...totals, failures: totals.failures + 1 };
}

/** Processes at a time: one for each processor, as far as memory reaches. */
const jobs = Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 3e9), 8));

/** Runs commands of Node, several at a time; what each prints stays together. */
async function commands(list) {
  const results = [];
  const waiting = [...list];
  const work = async () => {
    for (let args = waiting.shift(); args; args = waiting.shift()) {
      const child = spawn(node, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
      let text = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
      const [status] = await once(child, 'close');
      process.stdout.write(text);
      results.push({ passes: status === 0 ? 1 : 0, failures: status === 0 ? 0 : 1, pending: 0 });
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results.reduce(sum);
}

const projects = ['compiler', 'boards', 'tuner', 'server', 'client', 'cli', 'test'];

/** One row a step, in the order of running. */
const steps = {
  types: () => commands(projects.map((p) => [bin('typescript/bin/tsc'), '-p', p])),
  lint: () => commands([[bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0']]),
  format: () => commands([[bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']]),
  unit: () => {
    const parallel = jobs > 1 ? ['--parallel', '--jobs', String(jobs)] : [];
    return mocha('unit', [...parallel, '--timeout', '120000', 'test/!(vscode)/**/*.test.ts']);
  },
  vscode: () => {
    const totals = path.join(scratch, 'vscode.json');
    const result = spawnSync(node, ['tools/vscode/run.mjs'], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, RELAY_TEST_TOTALS: totals },
    });
    return fromTotals(totals, result.status);
  },
};

function sum(a, b) {
  return { passes: a.passes + b.passes, failures: a.failures + b.failures, pending: a.pending + b.pending };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`No step ${unknown.join(', ')}; there are: ${Object.keys(steps).join(', ')}`);
  process.exit(2);
}
setUp(wanted.length === 0 || wanted.includes('vscode') ? ['board', 'editor'] : ['board']);

let total = { passes: 0, failures: 0, pending: 0 };
for (const [name, step] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const began = Date.now();
  console.log(`\n── ${name}`);
  const result = await step();
  total = sum(total, result);
  console.log(
    `── ${name}: ${result.failures === 0 ? 'ok' : `${result.failures} failed`} (${((Date.now() - began) / 1000).toFixed(1)} s)`,
  );
}
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${total.passes} passed, ${total.failures} failed, ${total.pending} skipped`);
process.exitCode = total.failures === 0 && total.passes > 0 ? 0 : 1;
