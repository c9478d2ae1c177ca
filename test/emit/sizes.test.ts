import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { emitModule } from '../../compiler/src/emit/module.ts';
import { sharedSizes, skeletonOf } from '../../compiler/src/emit/sizes.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { extractTask } from '../../compiler/src/schedule/tasks.ts';
import { bytesOf, cortexM4, denseFunction, evaluated, inputsFor } from '../schedule/functions.ts';
import { hostCompiler } from './host.ts';

const layers = [
  denseFunction(1, 64, 96, -128, 3),
  denseFunction(1, 96, 36, -128, 4),
  denseFunction(1, 36, 20, -128, 5),
];

function kernels() {
  return layers.map((fused) => {
    const space = scheduler.spaceOf(extractTask(fused), cortexM4);
    const kernel = scheduler.lower(fused, cortexM4, { ...space.default, unroll: 1, channels: 2 });
    assert.ok(kernel.ok);
    return kernel.value;
  });
}

describe('kernels that differ in sizes', () => {
  it('share a function that is told the sizes and give the same bytes', function () {
    this.timeout(60_000);
    const cc = hostCompiler();
    if (!cc) return this.skip();
    const offsets = [0, 64, 160, 196];
    const at = (i: number): { kind: 'arena'; offset: number } => ({ kind: 'arena', offset: offsets[i] ?? 0 });
    const module = emitModule({
      name: 'net',
      shareSizes: true,
      calls: kernels().map((kernel, i) => ({
        kernel,
        inputs: [at(i)],
        outputs: [at(i + 1)],
        scratch: kernel.scratch.map(() => ({ kind: 'arena' as const, offset: 256 })),
        comment: [`layer ${i} of 3`],
      })),
      arenaBytes: 1024,
      inputs: [{ name: 'x', dtype: 'int8', shape: [1, 64], offset: 0 }],
      outputs: [{ name: 'y', dtype: 'int8', shape: [1, 20], offset: 196 }],
      comment: [],
    });
    assert.equal(new Set(module.functions).size, 1);
    const inputs = inputsFor(layers[0]!.func, 7);
    const expected = layers.reduce((x, { func }) => evaluated(func, [x])[0]!, inputs[0]!);
    const main = `
#include <stdio.h>
#include "net.h"
int main(void) {
  static int8_t in[64], out[20];
  const void *const inputs[] = {in}; void *const outputs[] = {out};
  if (fread(in, 1, sizeof in, stdin) != sizeof in) return 2;
  net_invoke(inputs, outputs);
  fwrite(out, 1, sizeof out, stdout);
  return 0;
}`;
    const dir = mkdtempSync(join(tmpdir(), 'relay-sizes-'));
    try {
      for (const f of [...module.files, { name: 'main.c', text: main }]) writeFileSync(join(dir, f.name), f.text);
      const sources = [...module.files.map((f) => f.name).filter((n) => n.endsWith('.c')), 'main.c'];
      const flags = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined'];
      execFileSync(cc, [...flags, '-fno-sanitize-recover=all', ...sources, '-o', 'run', '-lm'], { cwd: dir });
      const out = execFileSync(join(dir, 'run'), { input: bytesOf(inputs[0]!.data) });
      assert.deepEqual(new Uint8Array(out), bytesOf(expected.data));
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('keep comments, names and wide literals as they are', () => {
    const texts = [
      '/* 3 by 3 */ int8_t a1 = b[12] + 0x10 + 7u * 5;',
      '/* 3 by 3 */ int8_t a1 = b[14] + 0x10 + 7u * 5;',
    ];
    assert.equal(skeletonOf(texts[0]!), '/* 3 by 3 */ int8_t a1 = b[#] + 0x10 + 7u * #;');
    const sizes = sharedSizes(texts);
    assert.deepEqual(sizes?.values, [[12], [14]]);
    assert.equal(sizes?.apply(texts[0]!), '/* 3 by 3 */ int8_t a1 = b[size_0] + 0x10 + 7u * 5;');
  });

  it('stay apart where the parameters would be many', () => {
    const text = (by: number): string => Array.from({ length: 20 }, (_, i) => `x[${i * by + i * i}]`).join(' ');
    assert.equal(sharedSizes([text(1), text(2)]), undefined);
  });

  it('have a parameter for each number that differs, also where some agree in one of the texts', () => {
    const shared = sharedSizes(['a = 4; b = 4; c = 9;', 'a = 5; b = 6; c = 9;']);
    assert.deepEqual(shared?.values, [[4, 4], [5, 6]]); // prettier-ignore
    assert.equal(shared.apply('a = 4; b = 4; c = 9;'), 'a = size_0; b = size_1; c = 9;');
  });
});
