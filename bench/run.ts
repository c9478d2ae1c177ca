/**
 * The figures of speed and memory, as shipped: the code is bundled before it is measured, because the loader that runs
 * TypeScript directly slows closures down two or three times.
 *
 *   npm run bench [-- check keystroke memory server waits activation compile] [-- --json]
 */
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

// Below the packages, where optional ones are found.
const folder = mkdtempSync(path.join(root, 'node_modules', '.relay-bench-'));
try {
  const measure = path.join(folder, 'measure.mjs');
  const server = path.join(folder, 'server.cjs');
  const common = { absWorkingDir: root, bundle: true, target: 'es2022', platform: 'node' } as const;
  const require =
    "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
  await build({
    ...common,
    entryPoints: ['bench/measure-all.ts'],
    outfile: measure,
    format: 'esm',
    external: ['highs'],
    banner: { js: require },
  });
  await build({ ...common, entryPoints: ['server/src/main.ts'], outfile: server, format: 'cjs', minify: true });
  const client = path.join(folder, 'client.cjs');
  await build({
    ...common,
    entryPoints: ['client/src/extension.ts'],
    outfile: client,
    format: 'cjs',
    minify: true,
    external: ['vscode'],
  });
  const args = ['--expose-gc', measure, root, server, client, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
