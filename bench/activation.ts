/** How long the extension takes until it is active, and the server until it answers: each in a fresh process. */
import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { startServer } from './support/language-client.ts';
import { quantile, type Row } from './support/measure.ts';

const rounds = 7;

/** Loads the client's bundle with a stand-in for the editor's API, activates it and prints both times. */
const probe = `
const Module = require('node:module');
const stand = (name, made = new Map()) => new Proxy(function () {}, {
  get: (target, key) => {
    if (key === 'prototype') return target.prototype;
    if (key === Symbol.toPrimitive) return () => 1;
    if (key === Symbol.iterator || key === 'then') return undefined;
    if (key === 'version') return '1.90.0';
    if (!made.has(key)) made.set(key, stand(name + '.' + String(key)));
    return made.get(key);
  },
  set: (target, key, value) => (made.set(key, value), true),
  apply: () => stand(name + '()'),
  construct: (target, args, self) =>
    self.prototype === target.prototype ? stand('new ' + name) : Object.create(self.prototype),
});
const load = Module._load;
// Bundles copy a module's own properties; what it inherits they look up.
const vscode = Object.create(stand('vscode'));
Module._load = (request, ...rest) => (request === 'vscode' ? vscode : load(request, ...rest));
process.on('unhandledRejection', () => {});
const began = performance.now();
const extension = require(process.argv[1]);
const loaded = performance.now();
try { extension.activate(stand('context')); } catch (error) { console.error(String(error.stack).slice(-600)); }
const active = performance.now();
console.log(JSON.stringify({ load: loaded - began, activate: active - loaded }));
process.exit(0);
`;

export async function activation(server: string, client: string): Promise<Row[]> {
  const times: { readonly load: number; readonly activate: number }[] = [];
  const starts: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const printed = execFileSync(process.execPath, ['-e', probe, client], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    times.push(JSON.parse(printed.trim().split('\\n').at(-1) ?? '{}') as (typeof times)[number]);
    const began = performance.now();
    const started = await startServer(server);
    starts.push(performance.now() - began);
    await started.stop();
  }
  const row = (name: string, values: readonly number[], q: number, goal?: number): Row => ({
    section: 'activation',
    name,
    value: quantile(values, q),
    unit: 'ms',
    ...(goal === undefined ? {} : { goal }),
  });
  const total = times.map(({ load, activate }) => load + activate);
  return [
    row(
      'loading the extension p50',
      times.map(({ load }) => load),
      0.5,
    ),
    row(
      'activate() p50',
      times.map(({ activate }) => activate),
      0.5,
    ),
    row('extension active p95', total, 0.95, 100),
    row('server process to answer to initialize p50', starts, 0.5),
  ];
}
