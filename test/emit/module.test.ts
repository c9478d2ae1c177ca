import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { emitModule, type EmittedModule, type ModuleSpec } from '../../compiler/src/emit/module.ts';
import { constant, func, variable } from '../../compiler/src/ir/build.ts';
import { lowerGeneric } from '../../compiler/src/loops/lower.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { tensorType } from '../../compiler/src/types/type.ts';
import {
  array,
  bytesOf,
  call,
  convFunction,
  cortexM4,
  denseFunction,
  evaluated,
  inputsFor,
} from '../schedule/functions.ts';
import { hostCompiler } from './host.ts';

function lowered(fused: ReturnType<typeof convFunction>): LoweredKernel {
  const space = scheduler.spaceOf(extractTask(fused), cortexM4);
  const kernel = scheduler.lower(fused, cortexM4, space.default);
  assert.ok(kernel.ok);
  return kernel.value;
}

const first = convFunction({ name: '', input: [1, 4, 4, 5], outC: 6, kernel: [3, 3], padding: [1, 1, 1, 1] });
const second = denseFunction(1, 96, 7);

/** Two layers: 80 bytes in, 96 between, 7 out. */
function spec(name: string): ModuleSpec {
  const arena = (offset: number): { kind: 'arena'; offset: number } => ({ kind: 'arena', offset });
  return {
    name,
    calls: [
      { kernel: lowered(first), inputs: [arena(0)], outputs: [arena(80)], scratch: [arena(256)], comment: ['%1 = conv */ evil("x")', 'second \\'] },
      { kernel: lowered(second), inputs: [arena(80)], outputs: [arena(176)], scratch: [arena(256)], comment: ['%2 = dense'] },
    ],
    arenaBytes: 4096,
    inputs: [{ name: 'in*/put', dtype: 'int8', shape: [1, 4, 4, 5], offset: 0 }],
    outputs: [{ name: 'out', dtype: 'int8', shape: [1, 7], offset: 176 }],
    comment: ['From a file */ #include "x"'],
  }; // prettier-ignore
}

function inDirectory<T>(module: EmittedModule, extra: Readonly<Record<string, string>>, run: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'relay-module-'));
  try {
    for (const f of module.files) writeFileSync(join(dir, f.name), f.text);
    for (const [name, text] of Object.entries(extra)) writeFileSync(join(dir, name), text);
    return run(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What a program named `net` with one input and one output gives, run here under sanitizers. */
function runModule(cc: string, module: EmittedModule, input: Uint8Array): Uint8Array {
  const main = `
#include <stdio.h>
#include <string.h>
#include "net.h"
int main(void) {
  static int8_t in[NET_INPUT_0_BYTES], out[NET_OUTPUT_0_BYTES];
  const void *const inputs[] = {in}; void *const outputs[] = {out};
  if (fread(in, 1, sizeof in, stdin) != sizeof in) return 2;
  net_invoke(inputs, outputs);
  fwrite(out, 1, sizeof out, stdout);
  return memcmp(out, net_output_0, sizeof out) == 0 ? 0 : 3;
}`;
  return inDirectory(module, { 'main.c': main }, (dir) => {
    const sources = [...module.files.map((f) => f.name).filter((n) => n.endsWith('.c')), 'main.c'];
    const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const flags = ['-std=c99', '-Wall', '-Wextra', '-Werror', ...sanitizers];
    execFileSync(cc, [...flags, ...sources, '-o', 'run', '-lm'], { cwd: dir });
    return new Uint8Array(execFileSync(join(dir, 'run'), { input }));
  });
}

describe('an emitted program', () => {
  it('computes what its functions mean, one after the other', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const module = emitModule(spec('net'));
    const inputs = inputsFor(first.func, 41);
    const between = evaluated(first.func, inputs)[0]!;
    const expected = evaluated(second.func, [{ ...between, shape: [1, 96] }])[0]!;
    assert.deepEqual(runModule(cc, module, bytesOf(inputs[0]!.data)), bytesOf(expected.data));
  });

  it('compiles without warnings for small and large processors', function () {
    this.timeout(60_000);
    const module = emitModule(spec('net'));
    const compilers: (readonly string[])[] = [
      ['arm-none-eabi-gcc', '-mcpu=cortex-m0plus'],
      ['arm-none-eabi-gcc', '-mcpu=cortex-m3'],
      ['arm-none-eabi-gcc', '-mcpu=cortex-m4', '-mfloat-abi=hard', '-mfpu=fpv4-sp-d16'],
      ['arm-none-eabi-gcc', '-mcpu=cortex-m33'],
      ['gcc'],
      ['clang'],
    ];
    const present = compilers.filter(([cc]) => spawnSync(cc ?? '', ['--version']).status === 0);
    if (present.length === 0) return this.skip();
    inDirectory(module, {}, (dir) => {
      for (const [cc = '', ...cpu] of present)
        for (const f of module.files.filter((x) => x.name.endsWith('.c'))) {
          const flags = cc === 'clang' ? [] : (f.flags ?? []);
          const thumb = cc.startsWith('arm') ? ['-mthumb'] : [];
          const args = [
            ...cpu,
            ...thumb,
            '-std=c99',
            '-O1',
            ...flags,
            '-Wall',
            '-Wextra',
            '-Werror',
            '-Wno-unknown-pragmas',
            '-c',
            f.name,
            '-o',
            'x.o',
          ];
          const done = spawnSync(cc, args, { cwd: dir, encoding: 'utf8' });
          assert.equal(done.status, 0, `${cc} ${cpu.join(' ')}: ${done.stderr}`);
        }
    });
  });

  it('is the same text every time', () => {
    assert.deepEqual(emitModule(spec('net')), emitModule(spec('net')));
  });

  it('keeps foreign names out of the code', () => {
    const module = emitModule(spec('a b; int x/**/'));
    assert.match(module.stem, /^[a-z_][a-z0-9_]*$/);
    for (const f of module.files) {
      const code = f.text.replace(/\/\*[\s\S]*?\*\//g, '');
      assert.ok(!/evil|put:|#include "x"/.test(code), f.name);
    }
  });

  it('gives a shared function the constants of each layer, each in its place', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const place = (offset: number): { kind: 'arena'; offset: number } => ({ kind: 'arena', offset });
    const layers = [11, 12].map((seed) => {
      const x = variable('x', tensorType([16], 'int32'));
      const vector = (k: number) => constant(array('int32', [16], (n) => ((n + k) * seed) % 23));
      return func([x], call('add', [call('multiply', [x, vector(1)]), vector(5)]));
    });
    const calls = layers.map((layer, i) => {
      const kernel = lowerGeneric('affine', layer);
      assert.ok(kernel.ok);
      const [inputs, outputs] = [[place(64 * i)], [place(64 * i + 64)]];
      return { kernel: kernel.value, inputs, outputs, scratch: [], comment: [`layer ${i}`] };
    });
    // In another order they give other values.
    assert.ok(calls.every(({ kernel }) => kernel.constants.length === 2));
    const module = emitModule({
      ...spec('net'),
      calls,
      arenaBytes: 192,
      inputs: [{ name: 'in', dtype: 'int32', shape: [16], offset: 0 }],
      outputs: [{ name: 'out', dtype: 'int32', shape: [16], offset: 128 }],
    });
    assert.equal(new Set(module.functions).size, 1);
    const inputs = inputsFor(layers[0]!, 41);
    const expected = layers.reduce((values, layer) => evaluated(layer, values), inputs)[0]!;
    assert.deepEqual(runModule(cc, module, bytesOf(inputs[0]!.data)), bytesOf(expected.data));
  });
  it('has one function for layers that differ in their constants alone', () => {
    const place = (offset: number): { kind: 'arena'; offset: number } => ({ kind: 'arena', offset });
    const calls = [11, 12].map((seed, i) => ({
      kernel: lowered(denseFunction(1, 16, 16, -128, seed)),
      inputs: [place(16 * i)],
      outputs: [place(16 * i + 16)],
      scratch: [],
      comment: [`layer ${i}`],
    }));
    const module = emitModule({ ...spec('net'), calls, arenaBytes: 48, inputs: [], outputs: [] });
    assert.equal(new Set(module.functions).size, 1);
    const text = module.files.map((f) => f.text).join('');
    assert.equal(text.match(/static const int8_t .*\{$/gm)?.length, 2);
    assert.equal(module.constantBytes, 2 * (16 * 16 + 16 * 8));
  });

  it('declares its tables above the code and has their values behind it, in lines that fit a page', () => {
    const { files } = emitModule(spec('net'));
    const tables = files.flatMap(({ name, text }) => {
      const declared = [...text.matchAll(/^static const \w+ (\w+)\[\d+\] .*;$/gm)].filter(
        ([line]) => !line.includes('{'),
      );
      return declared.map((m) => {
        const valuesAt = text.search(new RegExp(`^static const \\w+ ${m[1]}\\[.* = \\{`, 'm'));
        assert.ok(m.index < text.lastIndexOf('\n}\n') && text.lastIndexOf('\n}\n') < valuesAt, `${name}: ${m[1]}`);
        return text.slice(valuesAt);
      });
    });
    assert.ok(tables.length > 0);
    for (const table of tables) for (const line of table.split('\n')) assert.ok(line.length < 120, line);
  });

  it('keeps to lines of 119 columns, and breaks none inside a word', () => {
    const [short, wide] = ['net', 'a_program_with_a_rather_long_name'].map((name) => {
      const { stem, files } = emitModule({ ...spec(name), comment: [] });
      const text = files.map((f) => f.text).join('\n');
      return { text, words: text.replace(/\/\*[\s\S]*?\*\//g, '').replaceAll(new RegExp(stem, 'gi'), 'net').split(/\s+/) }; // prettier-ignore
    });
    assert.deepEqual(wide?.words, short?.words);
    const lines = wide?.text.split('\n') ?? [];
    assert.deepEqual(lines.filter((line) => line.length > 119 && !line.startsWith('#')), []); // prettier-ignore
    assert.notEqual(lines.length, short?.text.split('\n').length, 'some line was broken');
  });

  it('keeps functions and tables apart however long the name of the program is', () => {
    const { files } = emitModule(spec('n'.repeat(80)));
    const code = files.filter((f) => f.name.endsWith('.c')).map((f) => f.text).join('\n'); // prettier-ignore
    const functions = [...code.matchAll(/^void (\w+)\(/gm)].map((m) => m[1]);
    const tables = [...code.matchAll(/^static const \w+ (\w+)\[/gm)].map((m) => m[1]);
    assert.ok(functions.length > 0 && tables.length > 0);
    assert.deepEqual(tables.filter((table) => functions.includes(table)), []); // prettier-ignore
    assert.equal(new Set(tables).size, 2);
  });

  it('stands a profiling mark before each call and after the last', () => {
    const text = emitModule(spec('net')).files.find((f) => f.name === 'net.c')?.text ?? '';
    assert.deepEqual(text.match(/RELAY_LAYER\(\d+\)/g), ['RELAY_LAYER(0)', 'RELAY_LAYER(1)', 'RELAY_LAYER(2)']);
  });
});
