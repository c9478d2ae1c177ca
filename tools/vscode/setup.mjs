/**
 * Puts a real VS Code into `.vscode-test/code-server`, from the npm registry and Debian's packages alone, for machines
 * that cannot download VS Code itself. Repeatable: a finished set-up is left as it is, a broken one is finished.
 *
 * code-server is no dependency of the project: its install script fetches binaries from places that a closed network
 * does not reach, so it lives in a folder of its own and its native modules are built here.
 *
 *   node tools/vscode/setup.mjs            set up (about a minute, 310 MB)
 *   node tools/vscode/setup.mjs --force    start from nothing
 *   node tools/vscode/setup.mjs --packages print the Debian packages that it needs
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const version = '4.100.3';
export const root = fileURLToPath(new URL('../../', import.meta.url));
export const folder = join(root, '.vscode-test', 'code-server');
export const entry = join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');

/** What Debian's package manager must have installed: the workbench's browser, and what builds the native modules. */
export const debianPackages = [
  'chromium',
  'ripgrep',
  'libkrb5-dev',
  'libx11-dev',
  'libxkbfile-dev',
  'libsecret-1-dev',
  'pkg-config',
  'python3',
  'make',
  'g++',
];

/** Raise this number when the steps change, so that older set-ups are redone. */
const recipe = 1;

/** Runs a command; resolves to its exit code and the end of its output. */
function run(command, args, cwd, environment = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...cleanEnvironment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (chunk) => (output = (output + String(chunk)).slice(-4000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** The environment without the settings that an outer `npm run` hands down and that would steer the inner npm. */
function cleanEnvironment() {
  const kept = {};
  for (const [key, value] of Object.entries(process.env)) {
    const lower = key.toLowerCase();
    if (lower.startsWith('npm_') && !/^npm_config_(.*registry|cache|.*proxy|cafile|userconfig)$/.test(lower)) continue;
    kept[key] = value;
  }
  return kept;
}

async function must(what, command, args, cwd, environment) {
  const { code, output } = await run(command, args, cwd, environment);
  if (code !== 0) throw new Error(`${what} failed (exit ${code}):\n${output}`);
}

function findOnPath(name) {
  for (const place of (process.env.PATH ?? '').split(delimiter)) {
    if (place && existsSync(join(place, name))) return join(place, name);
  }
  return undefined;
}

/** Links `path` to `target`; an existing entry stays. */
async function link(target, path) {
  if (!existsSync(path)) await symlink(target, path);
}

const stampFile = join(folder, 'ready.json');

/** What a finished set-up was made of; another Node may need other native modules. */
function stampText() {
  return JSON.stringify({ version, recipe, modules: process.versions.modules });
}

/** True when the set-up is complete and was made for this Node. */
export async function isReady() {
  try {
    return (await readFile(stampFile, 'utf8')) === stampText() && existsSync(entry);
  } catch {
    return false;
  }
}

/**
 * Makes the set-up complete; `say` gets one line a step. Throws an `Error` with the failing step's output.
 */
export async function setUp({ force = false, say = () => {} } = {}) {
  if (!force && (await isReady())) return;
  const ripgrep = findOnPath('rg');
  if (!ripgrep) throw new Error('ripgrep is missing: install the Debian package `ripgrep`.');
  if (force) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

  say(`installing code-server ${version}`);
  await must('installing code-server', 'npm', ['install', `code-server@${version}`, ...quiet], folder);
  const server = join(folder, 'node_modules', 'code-server');
  const vscode = join(server, 'lib', 'vscode');
  say('installing the modules of the workbench');
  await must("installing the workbench's modules", 'npm', ['install', '--omit=dev', ...quiet], vscode);
  const extensions = join(vscode, 'extensions');
  await must("installing the extensions' modules", 'npm', ['install', '--omit=dev', ...quiet], extensions);

  say('building native modules');
  // Node's own headers, where they are installed beside it, spare a download that a closed network refuses.
  const prefix = [dirname(dirname(process.execPath)), '/usr'].find((p) => existsSync(join(p, 'include/node/node.h')));
  const headers = prefix ? { npm_config_nodedir: prefix } : {};
  // Some of them (terminal, file watcher) may fail; the workbench runs without those.
  await run('npm', ['rebuild', '--loglevel=error'], vscode, headers);
  await must(
    'building argon2',
    'npm',
    ['rebuild', 'argon2', '--build-from-source', '--loglevel=error'],
    folder,
    headers,
  );

  const bin = join(vscode, 'node_modules', '@vscode', 'ripgrep', 'bin');
  await mkdir(bin, { recursive: true });
  await copyFile(ripgrep, join(bin, 'rg'));
  await link('node_modules', join(vscode, 'node_modules.asar'));
  await link('code-server-linux.sh', join(vscode, 'bin', 'remote-cli', 'code-server'));
  await link('browser-linux.sh', join(vscode, 'bin', 'helpers', 'browser.sh'));
  await writeFile(stampFile, stampText());
  say('ready');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--packages')) {
    console.log(debianPackages.join(' '));
  } else {
    try {
      await setUp({ force: process.argv.includes('--force'), say: (line) => console.log(`vscode: ${line}`) });
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      process.exitCode = 2;
    }
  }
}
