/** Several programs in one firmware: what their headers and objects are to the code around them. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { findCommand } from '../../boards/src/child.ts';
import { emitModule, type EmittedModule } from '../../compiler/src/emit/module.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { bytesOf, cortexM4, denseFunction, evaluated, inputsFor } from '../schedule/functions.ts';
import { hostCompiler } from './host.ts';

type Layer = ReturnType<typeof denseFunction>;

/** A program of one layer, 48 bytes in and 7 out. */
function program(name: string, layer: Layer): EmittedModule {
  const kernel = scheduler.lower(layer, cortexM4, scheduler.spaceOf(extractTask(layer), cortexM4).default);
  assert.ok(kernel.ok);
  const place = (offset: number): { kind: 'arena'; offset: number } => ({ kind: 'arena', offset });
  return emitModule({
    name,
    calls: [{ kernel: kernel.value, inputs: [place(0)], outputs: [place(48)], scratch: [place(56)], comment: [] }],
    arenaBytes: 1024,
    inputs: [{ name: 'x', dtype: 'int8', shape: [1, 48], offset: 0 }],
    outputs: [{ name: 'y', dtype: 'int8', shape: [1, 7], offset: 48 }],
    comment: [],
  });
}

const layers = { one: denseFunction(1, 48, 7, -128, 5), two: denseFunction(1, 48, 7, -128, 6) };
const modules = [program('one', layers.one), program('two', layers.two)];
const sources = modules.flatMap((m) => m.files.map((f) => f.name).filter((n) => n.endsWith('.c')));

/** Runs both programs in turns on two inputs, the first of them once more at the end; C and C++ alike. */
const main = `#include <stdio.h>
#include <string.h>
#include "one.h"
#include "two.h"

static int8_t inputs[2][ONE_INPUT_0_BYTES];

static bool run_one(unsigned which)
{
  memcpy(one_input_0, inputs[which], ONE_INPUT_0_BYTES);
  one_run();
  return fwrite(one_output_0, 1, ONE_OUTPUT_0_BYTES, stdout) == ONE_OUTPUT_0_BYTES;
}

static bool run_two(unsigned which)
{
  int8_t out[TWO_OUTPUT_0_BYTES];
  const void *const in[TWO_INPUTS] = {inputs[which]};
  void *const to[TWO_OUTPUTS] = {out};
  two_invoke(in, to);
  return fwrite(out, 1, sizeof out, stdout) == sizeof out;
}

int main(void)
{
  if (fread(inputs, 1, sizeof inputs, stdin) != sizeof inputs) return 2;
  return run_one(0) && run_two(0) && run_one(1) && run_two(1) && run_one(0) ? 0 : 3;
}
`;

const strict = ['-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wcast-qual', '-Wshadow', '-Wundef', '-Werror'];
const strictC = [...strict, '-std=c99', '-Wstrict-prototypes', '-Wmissing-prototypes'];

function inFolder<T>(use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'relay-firmware-'));
  try {
    for (const m of modules) for (const f of m.files) writeFileSync(join(dir, f.name), f.text);
    for (const name of ['main.c', 'main.cpp']) writeFileSync(join(dir, name), main);
    return use(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function compile(cwd: string, command: string, args: readonly string[]): void {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8' });
  assert.equal(done.status === 0 ? done.stderr : `${command} ${done.stderr}`, '');
}

describe('two programs in one firmware', () => {
  const input0 = (seed: number): NDArray => inputsFor(layers.one.func, seed)[0]!;
  const [a, b] = [input0(41), input0(42)];
  const runs = [[layers.one, a], [layers.two, a], [layers.one, b], [layers.two, b], [layers.one, a]] as const; // prettier-ignore
  const expected = Buffer.concat(runs.map(([f, x]) => bytesOf(evaluated(f.func, [x])[0]!.data)));
  const input = Buffer.concat([a, b].map((x) => bytesOf(x.data)));

  it('compute what each means, run in turns on different inputs', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    inFolder((cwd) => {
      compile(cwd, cc, [...strictC, '-fsanitize=address,undefined', '-o', 'run', 'main.c', ...sources, '-lm']);
      assert.deepEqual(execFileSync(join(cwd, 'run'), { input }), expected);
    });
  });

  it('are called from C++ without a warning', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc || findCommand('g++') === undefined) return this.skip();
    inFolder((cwd) => {
      const flags = [...strict, '-Wold-style-cast', '-Wuseless-cast', '-Wzero-as-null-pointer-constant'];
      compile(cwd, cc, ['-std=c99', '-c', ...sources]);
      compile(cwd, 'g++', [...flags, '-o', 'run', 'main.cpp', ...sources.map((s) => s.replace(/c$/, 'o')), '-lm']);
      assert.deepEqual(execFileSync(join(cwd, 'run'), { input }), expected);
    });
  });

  it('link for a board, and share no symbol', function () {
    this.timeout(60_000);
    if (findCommand('arm-none-eabi-gcc') === undefined) return this.skip();
    inFolder((cwd) => {
      const flags = [...strictC, '-O2', '-mcpu=cortex-m4', '-mthumb', '-nostdlib', '-r'];
      compile(cwd, 'arm-none-eabi-gcc', [...flags, '-o', 'both.o', ...sources]);
      const listed = execFileSync('arm-none-eabi-nm', ['-g', '--defined-only', 'both.o'], { cwd, encoding: 'utf8' });
      const names = listed.trim().split('\n').map((line) => line.split(' ').at(-1) ?? ''); // prettier-ignore
      assert.ok(names.includes('one_run') && names.includes('two_invoke'));
      assert.deepEqual(names.filter((name) => !/^(one|two)_/.test(name)), []); // prettier-ignore
    });
  });
});
