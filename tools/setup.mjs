/**
 * Everything a fresh machine needs: npm packages from the lock file, system packages by the system's package manager
 * where that is permitted, the bundles. Uses Node's own modules alone, so that it runs before anything is installed.
 * Exits with 2 and the exact commands when something has to be installed by hand.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, readdirSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Debian packages: what each gives, and the command (or file) that shows it is there. */
export const systemPackages = {
  board: [
    { package: 'qemu-system-arm', command: 'qemu-system-arm', why: 'emulates the Cortex-M4 board' },
    { package: 'gcc-arm-none-eabi', command: 'arm-none-eabi-gcc', why: 'compiles kernels for Cortex-M' },
    { package: 'libnewlib-arm-none-eabi', file: '/usr/lib/arm-none-eabi/newlib/libc.a', why: 'C library for Cortex-M' },
    { package: 'gcc', command: 'gcc', why: 'compiles kernels for the host board' },
  ],
  editor: [
    { package: 'chromium', command: 'chromium', why: 'shows the VS Code that the tests drive' },
    { package: 'ripgrep', command: 'rg', why: 'search in that VS Code' },
    { package: 'python3', command: 'python3', why: 'builds native modules of that VS Code' },
    { package: 'make', command: 'make', why: 'builds native modules of that VS Code' },
    { package: 'g++', command: 'g++', why: 'builds native modules of that VS Code' },
    { package: 'pkg-config', command: 'pkg-config', why: 'builds native modules of that VS Code' },
    { package: 'libkrb5-dev', file: '/usr/include/krb5.h', why: 'builds native modules of that VS Code' },
    { package: 'libx11-dev', file: '/usr/include/X11/Xlib.h', why: 'builds native modules of that VS Code' },
    {
      package: 'libxkbfile-dev',
      file: '/usr/include/X11/extensions/XKBfile.h',
      why: 'builds native modules of that VS Code',
    },
    {
      package: 'libsecret-1-dev',
      file: '/usr/include/libsecret-1/libsecret/secret.h',
      why: 'builds native modules of that VS Code',
    },
  ],
};

function onPath(command) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .some((dir) => dir !== '' && existsSync(path.join(dir, command)));
}

/** Packages of the given groups that are not there. */
export function missingPackages(groups) {
  const wanted = groups.flatMap((g) => systemPackages[g]);
  return wanted.filter((p) => (p.command ? !onPath(p.command) : !existsSync(p.file)));
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  return result.status ?? 1;
}

function stop(lines) {
  process.stderr.write(`${lines.join('\n')}\n`);
  process.exit(2);
}

/** Installs missing system packages with apt-get as root or by sudo without a password; else names them and exits 2. */
export function ensureSystemPackages(groups) {
  const missing = missingPackages(groups);
  if (missing.length === 0) return;
  const names = missing.map((p) => p.package);
  const list = missing.map((p) => `  ${p.package.padEnd(26)} ${p.why}`);
  const byHand = [
    `Missing system packages:`,
    ...list,
    `Install them and run this again:`,
    `  sudo apt-get install ${names.join(' ')}`,
  ];
  if (!onPath('apt-get')) stop(byHand);
  const root_ = process.getuid?.() === 0;
  if (!root_ && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) stop(byHand);
  process.stderr.write(`Installing system packages: ${names.join(' ')}\n`);
  const apt = (...args) =>
    root_
      ? run('apt-get', args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
      : run('sudo', ['-n', 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args]);
  const install = () => apt('install', '-y', '-qq', '--no-install-recommends', ...names);
  if (apt('update', '-qq') !== 0 || install() !== 0) {
    if (missingPackages(groups).length > 0) stop(byHand);
  }
}

/** npm packages as the lock file has them; installed again only when the lock file changed. */
export function ensureNodeModules() {
  const stamp = path.join(root, 'node_modules', '.relay-lock');
  const lock = readFileSync(path.join(root, 'package-lock.json'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('Installing npm packages from the lock file\n');
  const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // No package of ours needs its install script; what such scripts would download is not wanted here.
  const status = run(npm[0], [
    ...npm.slice(1),
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  if (status !== 0) stop(['npm ci failed. Check the network or the npm registry setting, then run this again.']);
  writeFileSync(stamp, lock);
}

function newestSource(dir) {
  let newest = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSource(file));
    else if (/\.(ts|mjs|json)$/.test(entry.name)) newest = Math.max(newest, statSync(file).mtimeMs);
  }
  return newest;
}

/** Builds the bundles when a source is newer than they are. */
export function ensureBuilt() {
  const out = path.join(root, 'dist', 'client.browser.js');
  const rooms = ['compiler', 'boards', 'tuner', 'server', 'client', 'cli'].map((r) => path.join(root, r));
  const newest = Math.max(...rooms.map(newestSource), statSync(path.join(root, 'tools', 'build.mjs')).mtimeMs);
  if (existsSync(out) && statSync(out).mtimeMs > newest) return;
  mkdirSync(path.join(root, 'dist'), { recursive: true });
  const status = run(process.execPath, ['tools/build.mjs']);
  if (status !== 0) stop(['The build failed; the messages above say where.']);
}

/** All of it. */
export function setUp(groups) {
  const [major] = process.versions.node.split('.').map(Number);
  if ((major ?? 0) < 20) stop([`Node ${process.versions.node} is too old: install Node 20 or newer.`]);
  ensureNodeModules();
  ensureSystemPackages(groups);
  ensureBuilt();
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  setUp(['board', ...(process.argv.includes('--editor') ? ['editor'] : [])]);
