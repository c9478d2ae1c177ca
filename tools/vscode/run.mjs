/**
 * Runs the suites of `test/vscode` inside a real VS Code.
 *
 *   node tools/vscode/run.mjs [--screenshots] [--electron] [--only NAME] [--grep TEXT] [--extension FOLDER]
 *
 * `--screenshots` refreshes the pictures in `docs/screenshots`; `--electron` uses a downloaded VS Code instead of
 * code-server; `--extension` tests another folder than this one, such as an unpacked package. `RELAY_TEST_TOTALS` names a file that gets `{passes, failures, pending}`.
 */
import { build } from 'esbuild';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { root, setUp } from './setup.mjs';

/** One row a run of VS Code: its suite, its user settings. */
const runs = [
  { name: 'trusted', suite: 'main', settings: {} },
  {
    name: 'untrusted',
    suite: 'untrusted',
    settings: { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never' },
  },
];

const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const electron = process.argv.includes('--electron');
const only = option('--only');
const extension = path.resolve(option('--extension') ?? root);

/** Bundles the suites; VS Code loads CommonJS with `require`. */
async function bundleSuites(names) {
  const folder = path.join(root, '.vscode-test', 'suites');
  await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => `test/vscode/suite/${name}.run.ts`),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'es2022',
    sourcemap: 'inline',
    external: ['vscode', 'mocha'],
    logLevel: 'warning',
  });
  return (name) => path.join(folder, `${name}.run.cjs`);
}

/** A fresh copy of the fixture workspace, so that tests may write. */
async function freshWorkspace() {
  const home = await mkdtemp(path.join(os.tmpdir(), 'relay-workspace-'));
  const folder = path.join(home, 'models');
  await cp(path.join(root, 'test', 'vscode', 'workspace'), folder, { recursive: true });
  await cp(path.join(root, 'examples', 'keyword_spotting'), folder, {
    recursive: true,
    filter: (file) => !file.endsWith('.ts'),
  });
  return { home, folder };
}

const add = (a, b) => ({
  passes: a.passes + b.passes,
  failures: a.failures + b.failures,
  pending: a.pending + b.pending,
});

async function main() {
  const chosen = runs.filter((row) => only === undefined || row.name === only);
  // The web suite is another program: it has no test names to choose from.
  const wantsWeb = only === 'web' || (only === undefined && !electron && option('--grep') === undefined);
  if (chosen.length === 0 && !wantsWeb)
    throw new Error(`No run ${only}; there are: ${[...runs.map((row) => row.name), 'web'].join(', ')}`);
  if (!electron) await setUp({ say: (line) => console.log(`vscode: ${line}`) });
  const suiteFile = await bundleSuites(chosen.map((row) => row.suite));
  const pictures = process.argv.includes('--screenshots');
  // Pictures are taken in every theme, after a tuning run of more trials.
  const timeout = pictures ? 900_000 : 300_000;
  const environment = {
    RELAY_TEST_TRIALS: pictures ? '96' : '8',
    ...(pictures ? { RELAY_TEST_PICTURES: '1' } : {}),
    RELAY_TEST_SCREENSHOTS: pictures
      ? path.join(root, 'docs', 'screenshots')
      : path.join(root, '.vscode-test', 'screenshots'),
    ...(option('--grep') === undefined ? {} : { RELAY_TEST_GREP: option('--grep') }),
  };
  let totals = { passes: 0, failures: 0, pending: 0 };
  for (const row of chosen) {
    console.log(`\nVS Code, ${row.name} workspace`);
    const { home, folder: workspace } = await freshWorkspace();
    try {
      if (electron) {
        const { runElectron } = await import('./electron.mjs');
        totals = add(
          totals,
          await runElectron({ ...row, suite: suiteFile(row.suite), workspace, environment, extension }),
        );
      } else {
        const { Workbench } = await import('./drive.mjs');
        const workbench = new Workbench();
        try {
          await workbench.start({ settings: row.settings, environment });
          totals = add(totals, await workbench.run({ workspace, extension, suite: suiteFile(row.suite), timeout }));
        } finally {
          await workbench.stop();
        }
      }
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }
  if (wantsWeb) {
    console.log('\nVS Code in a browser, no Node extension host');
    const { runWeb } = await import('./web.mjs');
    totals = add(totals, await runWeb(environment.RELAY_TEST_SCREENSHOTS));
  }
  if (process.env.RELAY_TEST_TOTALS) {
    await mkdir(path.dirname(process.env.RELAY_TEST_TOTALS), { recursive: true });
    await writeFile(process.env.RELAY_TEST_TOTALS, JSON.stringify(totals));
  }
  console.log(`\n${totals.passes} passed, ${totals.failures} failed, ${totals.pending} skipped`);
  return totals.failures === 0 && totals.passes > 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
