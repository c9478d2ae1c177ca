import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'mocha';
import { compileModel, type CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { referenceModels } from '../models.ts';
import { cortexM4 } from '../schedule/functions.ts';

const compiler = 'arm-none-eabi-gcc';
const hasCompiler = spawnSync(compiler, ['--version']).status === 0;
const flags = ['-mcpu=cortex-m4', '-mthumb', '-mfloat-abi=hard', '-mfpu=fpv4-sp-d16', '-std=c99', '-c'];

/** What generated C may call beside itself; nothing of it takes memory from a heap. */
const libraries = /^(mem(cpy|move|set)|(exp|floor|ceil|round|trunc|sqrt|log|pow|tanh|erf|fma)f?|__aeabi_\w+)$/;

interface Footprint {
  /** Bytes of code of the file that holds the arena and the calls. */
  readonly text: number;
  readonly staticBytes: number;
  readonly foreign: readonly string[];
}

/** Compiles all files of a model; sizes are those of the file with the run function. */
function footprint({ emitted }: CompiledModel): Footprint {
  const folder = mkdtempSync(path.join(tmpdir(), 'relay-footprint-'));
  try {
    for (const { name, text } of emitted.files) writeFileSync(path.join(folder, name), text);
    const objects = emitted.files
      .filter((f) => f.name.endsWith('.c'))
      .map(({ name }) => {
        execFileSync(compiler, [...flags, '-Os', name, '-o', `${name}.o`], { cwd: folder });
        return `${name}.o`;
      });
    const sections = execFileSync('arm-none-eabi-size', ['-A', `${emitted.stem}.c.o`], {
      cwd: folder,
      encoding: 'utf8',
    });
    const section = (name: string): number => Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(sections)?.[1] ?? 0);
    const [text, data, bss] = [section('\\.text'), section('\\.data'), section('\\.bss')] as const;
    const symbols = execFileSync('arm-none-eabi-nm', ['-P', ...objects], { cwd: folder, encoding: 'utf8' });
    const rows = symbols.split('\n').map((line) => line.split(' '));
    const own = new Set(rows.filter(([, kind]) => kind !== undefined && kind !== 'U').map(([name]) => name));
    const foreign = rows.flatMap(([name, kind]) =>
      kind === 'U' && name !== undefined && !own.has(name) ? [name] : [],
    );
    return { text, staticBytes: data + bss, foreign: [...new Set(foreign)] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the footprint of generated C', () => {
  const models = referenceModels().filter((m) => ['kws_int8', 'vww_int8'].includes(m.name));
  if (models.length === 0 || !hasCompiler)
    it('needs the reference models and a compiler for Arm', function () {
      this.skip();
    });
  else
    for (const model of models)
      it(`${model.name}: a run takes no heap, nothing static but its arena, and a kilobyte of code around kernels`, function () {
        this.timeout(60_000);
        const result = compileModel({ text: model.text, params: model.params, target: cortexM4, preset: 'size' });
        assert.ok(result.ok, result.ok ? '' : result.error.message);
        const { report } = result.value;
        const found = footprint(result.value);
        assert.ok(found.staticBytes - report.arena.bytes <= 256, `${found.staticBytes} static bytes`);
        // Calls take some 30 bytes each; what else stands beside kernels is the runtime.
        const calls = result.value.emitted.files.find((f) => f.name === `${result.value.emitted.stem}.c`);
        const count = (calls?.text.match(/RELAY_LAYER\(\d/g) ?? []).length;
        assert.ok(found.text <= 1024 + 32 * count, `${found.text} bytes beside kernels, ${count} calls`);
        for (const name of found.foreign) assert.match(name, libraries);
      });

  for (const model of models)
    it(`${model.name}: two compilations give the same bytes`, () => {
      const [a, b] = [1, 2].map(() => {
        const result = compileModel({ text: model.text, params: model.params.slice(), target: cortexM4 });
        assert.ok(result.ok);
        return result.value.emitted.files;
      });
      assert.deepEqual(a, b);
    });

  it('keeps the constants of pruned channels out of flash', function () {
    const vww = models.find((m) => m.name === 'vww_int8');
    if (vww === undefined) this.skip();
    const constants = (withoutPasses: readonly string[]): number => {
      const result = compileModel({ text: vww.text, params: vww.params, target: cortexM4, withoutPasses });
      assert.ok(result.ok);
      return result.value.report.constantBytes;
    };
    assert.ok(constants([]) <= 40 * 1024);
    assert.ok(constants(['constant-channels']) > 200 * 1024);
  });
});
