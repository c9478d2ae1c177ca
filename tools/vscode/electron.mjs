/** The same suites in a downloaded VS Code, for a developer's own machine. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { root } from './setup.mjs';

/** Runs one suite; resolves to its counts. The suite writes them to `RELAY_TEST_RESULT`, having no driver to tell. */
export async function runElectron({ suite, workspace, settings, environment, extension = root, version = 'stable' }) {
  const home = await mkdtemp(path.join(os.tmpdir(), 'relay-vscode-'));
  const result = path.join(home, 'result.json');
  await mkdir(path.join(home, 'User'), { recursive: true });
  const user = { 'security.workspace.trust.enabled': false, 'telemetry.telemetryLevel': 'off', ...settings };
  await writeFile(path.join(home, 'User', 'settings.json'), JSON.stringify(user));
  let failed = 0;
  try {
    await runTests({
      version,
      extensionDevelopmentPath: extension,
      extensionTestsPath: suite,
      extensionTestsEnv: { ...environment, RELAY_TEST_RESULT: result },
      launchArgs: [workspace, '--disable-extensions', '--user-data-dir', home],
    });
  } catch (error) {
    failed = 1;
    console.error(error instanceof Error ? error.message : error);
  }
  try {
    const counts = JSON.parse(await readFile(result, 'utf8'));
    return counts.failures > 0 ? counts : { ...counts, failures: failed };
  } catch {
    return { passes: 0, failures: 1, pending: 0 };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
