/**
 * Bundles what runs: the command line, the language server (Node and worker) and the VS Code client.
 * `node tools/build.mjs [--watch]`. An entry whose file is missing is an error; nothing else is read or written.
 */
import { build, context } from 'esbuild';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const production = process.argv.includes('--production');

const common = {
  absWorkingDir: root,
  bundle: true,
  target: 'es2022',
  minify: production,
  keepNames: false,
  sourcemap: production ? false : 'linked',
  legalComments: 'none',
  logLevel: 'warning',
};

/** One row a bundle. The client's files are CommonJS because VS Code loads extensions with `require`. */
export const bundles = [
  {
    entryPoints: ['cli/src/main.ts'],
    outfile: 'dist/relay.mjs',
    platform: 'node',
    format: 'esm',
    // Optional and large: found beside the command when it is needed.
    external: ['highs'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  },
  { entryPoints: ['server/src/main.ts'], outfile: 'dist/server.cjs', platform: 'node', format: 'cjs' },
  {
    entryPoints: ['client/src/extension.ts'],
    outfile: 'dist/client.cjs',
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
  },
  { entryPoints: ['server/src/browser.ts'], outfile: 'dist/server.browser.js', platform: 'browser', format: 'iife' },
  {
    entryPoints: ['client/src/extension.browser.ts'],
    outfile: 'dist/client.browser.js',
    platform: 'browser',
    format: 'cjs',
    external: ['vscode'],
  },
];

export async function buildAll() {
  await Promise.all(bundles.map((bundle) => build({ ...common, ...bundle })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--watch')) {
    for (const bundle of bundles) await (await context({ ...common, ...bundle })).watch();
  } else {
    await buildAll();
  }
}
