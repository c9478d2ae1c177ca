import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Context } from 'mocha';
import { describe, it } from 'mocha';
import { findCommand } from '../../boards/src/child.ts';
import { programOf } from '../../cli/src/deployment.ts';
import { projectFiles } from '../../compiler/src/emit/project.ts';
import type { EmittedFile } from '../../compiler/src/emit/module.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { int8Values, smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { tensorsOf, tensorValue } from '../../compiler/src/evaluate/value.ts';
import type { CompiledModel, CompileRequest } from '../../compiler/src/pipeline/compile.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { must } from '../boards/support.ts';

const text = `#[version = "0.0.5"]
def @main(%x: Tensor[(1, 6, 6, 4), int8], %shift: Tensor[(8), float32], %w: Tensor[(3, 3, 4, 8), int8], %b: Tensor[(8), int32], output_tensor_names=["a \\"b\\" %d */ \\\\", "max"]) {
  %0 = qnn.conv2d(%x, %w, 3, 0, 0.5f, 0.1f, padding=[1, 1, 1, 1], channels=8, kernel_size=[3, 3], data_layout="NHWC", kernel_layout="HWIO", out_dtype="int32");
  %1 = nn.bias_add(%0, %b, axis=3);
  %2 = qnn.requantize(%1, 0.05f, 0, 0.9f, 5, out_dtype="int8");
  %3 = cast(%2, dtype="float32");
  %4 = add(sum(%3, axis=[0, 1, 2]), exp(%shift));
  (%4, max(%2))
}`;

const params = new Map<string, NDArray>([
  ['w', int8Values([3, 3, 4, 8], 3, 'full')],
  ['b', must({ ok: true, value: smallValues('int32', [8], 4) as NDArray })],
]);

function compiled(options: Partial<CompileRequest> = {}): CompiledModel {
  return must(compileModel({ text, params, target: must(targetNamed('cortex-m4f')), name: '7 odd-name', ...options }));
}

function project(model: CompiledModel): readonly EmittedFile[] {
  const program = programOf(model);
  const board = { processorFlags: ['-mcpu=cortex-m4'], compiler: 'arm-none-eabi-gcc', optimise: '-O2' };
  return [...program.module.files, ...projectFiles({ ...program, ...board })];
}

/** What the evaluator gives for inputs of zeros, printed as the example prints it. */
function expected(model: CompiledModel): readonly (readonly number[])[] {
  const inputs = new Map(
    model.program.inputs.map(({ name, dtype, shape }) => {
      const value = smallValues(dtype, shape, 1);
      assert.ok(value);
      value.data.fill(0 as never);
      return [name, tensorValue(value)] as const;
    }),
  );
  const result = must(evaluateFunction(model.typed, 'main', inputs));
  return (tensorsOf(result) ?? []).map((t) => Array.from(t.data as Float32Array, Number));
}

function need(context: Context, ...tools: readonly string[]): void {
  const missing = tools.filter((tool) => findCommand(tool) === undefined);
  if (missing.length === 0) return;
  console.log(`      skipped: ${missing.join(' and ')} not installed`);
  context.skip();
}

function inFolder(files: readonly EmittedFile[], use: (folder: string) => void): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'relay-project-'));
  try {
    for (const file of files) writeFileSync(path.join(folder, file.name), file.text);
    use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(folder: string, command: string, ...args: readonly string[]): string {
  const done = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  assert.equal(done.status, 0, `${command} ${args.join(' ')}\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

/** The numbers behind the colon of each line that has one of the outputs' names. */
function printed(output: string): readonly (readonly number[])[] {
  const lines = output.split('\n').filter((line) => /^(a "b" %d \* \/ \\ ?|max):/.test(line));
  return lines.map((line) =>
    line
      .slice(line.indexOf(':') + 1)
      .trim()
      .split(' ')
      .map(Number),
  );
}

function close(found: readonly (readonly number[])[], wanted: readonly (readonly number[])[]): void {
  assert.deepEqual(
    found.map((list) => list.length),
    wanted.map((list) => list.length),
  );
  wanted.forEach((list, i) =>
    list.forEach((v, k) => assert.ok(Math.abs((found[i]?.[k] ?? NaN) - v) <= 1e-5 * Math.max(1, Math.abs(v)))),
  );
}

describe('the generated project', function () {
  this.timeout(120_000);
  const strict = 'CFLAGS=-O1 -Wall -Wextra -Wpedantic -Werror';

  for (const preset of ['speed', 'size'] as const)
    it(`builds with make alone, without warnings, and prints what the evaluator gives (${preset})`, function () {
      need(this, 'make', 'gcc');
      const model = compiled({ preset });
      inFolder(project(model), (folder) => close(printed(run(folder, 'make', 'CC=gcc', strict)), expected(model)));
    });

  it('stays right under sanitizers', function () {
    need(this, 'make', 'gcc');
    const model = compiled();
    const flags = '-O1 -g -fsanitize=undefined,address -fno-sanitize-recover=all';
    inFolder(project(model), (folder) =>
      close(printed(run(folder, 'make', 'CC=gcc', `CFLAGS=${flags}`)), expected(model)),
    );
  });

  it('builds a library for a board', function () {
    need(this, 'make', 'arm-none-eabi-gcc');
    inFolder(project(compiled()), (folder) => {
      run(folder, 'make', 'CC=arm-none-eabi-gcc', `${strict} -mcpu=cortex-m4 -mthumb`);
      assert.match(run(folder, 'arm-none-eabi-nm', 'libmodel7_odd_name.a'), / T model7_odd_name_run/);
    });
  });

  it('builds with CMake', function () {
    need(this, 'cmake', 'make', 'gcc');
    const model = compiled();
    inFolder(project(model), (folder) => {
      run(folder, 'cmake', '-B', 'build', '-DCMAKE_C_FLAGS=-Wall -Wextra -Werror');
      run(folder, 'cmake', '--build', 'build');
      close(printed(run(folder, path.join(folder, 'build', 'example'))), expected(model));
    });
  });

  it('is the same byte for byte when built again', () => {
    for (const options of [{}, { preset: 'size' }, { lineFile: '../model.relay' }] as const)
      assert.deepEqual(project(compiled(options)), project(compiled(options)));
  });

  it('leads a debugger to the program’s lines, and back to C where there are none', function () {
    need(this, 'gcc', 'make', 'objdump');
    const model = compiled({ lineFile: '../dir "x"/model.relay' });
    inFolder(project(model), (folder) => {
      close(printed(run(folder, 'make', 'CC=gcc', `${strict} -g`)), expected(model));
      const table = run(folder, 'objdump', '--dwarf=decodedline', 'example');
      const lines = new Set([...table.matchAll(/^model\.relay\s+(\d+)/gm)].map((m) => Number(m[1])));
      assert.deepEqual(
        [...lines].sort(),
        [3, 6, 7, 8].filter((l) => lines.has(l)),
      );
      assert.ok(lines.has(3), 'the convolution');
      const main = readFileSync(path.join(folder, 'model7_odd_name.c'), 'utf8').split('\n');
      main.forEach((line, i) => {
        const number = /^#line (\d+) "model7_odd_name\.c"$/.exec(line)?.[1];
        if (number !== undefined) assert.equal(Number(number), i + 2);
      });
    });
  });

  it('stops a debugger at a line of the program, and shows that line', function () {
    need(this, 'gcc', 'make', 'gdb');
    const source = readFileSync(new URL('../../examples/control_flow/control_flow.relay', import.meta.url), 'utf8');
    const line = source.split('\n').findIndex((l) => l.includes('= sum(')) + 1;
    const target = must(targetNamed('host'));
    const model = must(compileModel({ text: source, target, name: 'flow', lineFile: 'flow.relay' }));
    inFolder([...project(model), { name: 'flow.relay', text: source }], (folder) => {
      run(folder, 'make', 'CC=gcc', 'CFLAGS=-O0 -g');
      const steps = ['set confirm off', `break flow.relay:${line}`, 'run', 'continue', 'backtrace'];
      const said = run(folder, 'gdb', '-batch', '-nx', ...steps.flatMap((s) => ['-ex', s]), './example');
      assert.match(said, new RegExp(`^${line}\\s+let %total = sum`, 'm'), 'the line of the program is shown');
      assert.match(said, new RegExp(`flow_fused_sum\\w* .*flow\\.relay:${line}`), 'the kernel stands for its line');
    });
  });

  it('takes less code and no more memory with the size preset', () => {
    const bytes = (m: CompiledModel): number => m.emitted.files.reduce((n, f) => n + f.text.length, 0);
    const [fast, small] = [compiled(), compiled({ preset: 'size' })];
    assert.ok(bytes(small) < bytes(fast));
    assert.ok(small.report.arena.bytes <= fast.report.arena.bytes);
    assert.ok(small.emitted.files.every((f) => !f.flags?.some((flag) => /^-O[0-9]/.test(flag))));
  });
});
