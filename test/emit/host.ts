/** Compiles emitted kernels with the machine's own compiler and runs them, under sanitizers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emitKernels } from '../../compiler/src/emit/module.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { elementBytes } from '../../compiler/src/tensor/dtype.ts';

/** The compiler to use; undefined (and a line on the console) when there is none. */
export function hostCompiler(): string | undefined {
  for (const cc of ['gcc', 'clang', 'cc']) if (spawnSync(cc, ['--version']).status === 0) return cc;
  console.log('      no C compiler here: install gcc to run this test');
  return undefined;
}

export interface HostCase {
  readonly kernel: LoweredKernel;
  readonly inputs: readonly Uint8Array[];
  /** Output 0 starts `lead` bytes below input `input`, in one piece of memory; sanitizers then see only its ends. */
  readonly shared?: { readonly input: number; readonly lead: number };
}

/** The outputs of each kernel, one after the other. Buffers have their exact size, so that overruns are caught. */
export function runOnHost(cc: string, cases: readonly HostCase[], extra: readonly string[] = []): Uint8Array[] {
  const dir = mkdtempSync(join(tmpdir(), 'relay-host-'));
  try {
    const emitted = emitKernels(cases.map((c) => c.kernel));
    const lines = cases.map(({ kernel, shared }, i) => {
      const place = (kind: string) => (b: LoweredKernel['inputs'][number], j: number) => ({
        name: `${kind}${j}`,
        bytes: Math.max(1, b.length * elementBytes(b.dtype)),
      });
      const inputs = kernel.inputs.map(place('in'));
      const outputs = kernel.outputs.map(place('out'));
      const scratch = kernel.scratch.map(place('scratch'));
      const all = [...inputs, ...outputs, ...scratch];
      const target = inputs[shared?.input ?? -1];
      const piece = target && shared ? Math.max(shared.lead + target.bytes, outputs[0]?.bytes ?? 0) : 0;
      const storage = (b: { name: string; bytes: number }): string => {
        if (!shared || (b !== target && b !== outputs[0])) return `malloc(${b.bytes})`;
        return b === target ? `piece + ${shared.lead}` : 'piece';
      };
      return [
        '  {',
        ...(shared ? [`    char *piece = malloc(${piece});`] : []),
        ...all.map((b) => `    void *${b.name} = ${storage(b)};`),
        ...scratch.map((b) => `    memset(${b.name}, 0x5a, ${b.bytes});`),
        ...inputs.map((b) => `    if (fread(${b.name}, 1, ${b.bytes}, stdin) != ${b.bytes}) return 2;`),
        `    ${emitted.functions[i]?.name}(${all.map((b) => b.name).join(', ')});`,
        ...outputs.map((b) => `    fwrite(${b.name}, 1, ${b.bytes}, stdout);`),
        ...all.filter((b) => !shared || (b !== target && b !== outputs[0])).map((b) => `    free(${b.name});`),
        ...(shared ? ['    free(piece);'] : []),
        '  }',
      ].join('\n');
    });
    const main = [
      '#include <stdbool.h>',
      '#include <stdint.h>',
      '#include <stdio.h>',
      '#include <stdlib.h>',
      '#include <string.h>',
      ...emitted.functions.map((f) => `${f.prototype};`),
      'int main(void) {',
      ...lines,
      '  return 0;',
      '}',
    ].join('\n');
    writeFileSync(join(dir, 'main.c'), main);
    for (const f of emitted.files) writeFileSync(join(dir, f.name), f.text);
    const sources = [...emitted.files.map((f) => f.name), 'main.c'];
    execFileSync(
      cc,
      ['-std=c99', '-O0', '-Wall', '-Wextra', '-Werror', '-Wno-unknown-pragmas', '-ffp-contract=off', ...extra, ...sources, '-o', 'run', '-lm'],
      { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] },
    ); // prettier-ignore
    const out = execFileSync(join(dir, 'run'), {
      input: Buffer.concat(cases.flatMap((c) => c.inputs)),
      maxBuffer: 1 << 28,
      env: { ...process.env, UBSAN_OPTIONS: 'halt_on_error=1' },
    });
    let at = 0;
    return cases.map(({ kernel }) => {
      const bytes = kernel.outputs.reduce((n, b) => n + Math.max(1, b.length * elementBytes(b.dtype)), 0);
      return new Uint8Array(out.subarray(at, (at += bytes)));
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

export const sanitizers: readonly string[] = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g1'];
