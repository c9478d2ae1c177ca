/** `npm run package`: production bundles, then the `.vsix`. `--list` prints the packaged files instead of packaging. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureNodeModules, root } from './setup.mjs';

ensureNodeModules();
const vsce = path.join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
const run = (args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
if (process.argv.includes('--list')) run([vsce, 'ls', '--no-dependencies']);
else {
  run(['tools/build.mjs', '--production']);
  run([vsce, 'package', '--no-dependencies', '--allow-missing-repository', '--no-rewrite-relative-links']);
}
