/** Many programs in one executable: their arenas lie one behind the other, with guards between them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Board, Toolchain } from '../../boards/src/index.ts';
import { deployModel } from '../../boards/src/index.ts';
import { emitModule, type EmittedModule, type ModuleTensor, type Place } from '../../compiler/src/emit/module.ts';
import { moduleSpec } from '../../compiler/src/pipeline/module-spec.ts';
import { elementBytes } from '../../compiler/src/tensor/dtype.ts';
import { elementCount, type ElementArray, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { bytesOf, difference, type Mismatch, type Prepared } from './oracle.ts';

/** Bytes behind every program's arena that must keep their pattern. */
const guardBytes = 32;

export interface Batch {
  readonly module: EmittedModule;
  readonly inputs: readonly ModuleTensor[];
  readonly outputs: readonly ModuleTensor[];
  /** Where each program's guard starts in the arena. */
  readonly guards: readonly number[];
  readonly arenaBytes: number;
}

/** One module that runs all programs, in order. */
function combine(programs: readonly Prepared[], name = 'batch'): Batch {
  let arenaBytes = 0;
  const guards: number[] = [];
  const parts = programs.map(({ compiled }) => {
    const spec = moduleSpec('part', compiled.program, compiled.kernels, compiled.arena);
    const base = arenaBytes;
    guards.push(base + spec.arenaBytes);
    arenaBytes = Math.ceil((base + spec.arenaBytes + guardBytes) / 32) * 32;
    const place = (p: Place): Place => (p.kind === 'arena' ? { ...p, offset: p.offset + base } : p);
    const tensor = (t: ModuleTensor): ModuleTensor => ({ ...t, offset: t.offset + base });
    return {
      calls: spec.calls.map((c) => ({
        ...c,
        inputs: c.inputs.map(place),
        outputs: c.outputs.map(place),
        scratch: c.scratch.map(place),
        ...(c.moves ? { moves: c.moves.map((m) => ({ ...m, from: m.from + base, to: m.to + base })) } : {}),
      })),
      inputs: spec.inputs.map(tensor),
      outputs: spec.outputs.map(tensor),
    };
  });
  const inputs = parts.flatMap((p) => p.inputs);
  const outputs = parts.flatMap((p) => p.outputs);
  const calls = parts.flatMap((p) => p.calls);
  // Every other stretch of seeds shares functions as the size preset does.
  const shareSizes = ((programs[0]?.program.seed ?? 0) >> 7) % 2 === 1;
  const module = emitModule({ name, calls, arenaBytes, inputs, outputs, comment: [name], shareSizes });
  return { module, inputs, outputs, guards, arenaBytes };
}

function tensorBytes(t: ModuleTensor): number {
  return elementCount(t.shape) * elementBytes(t.dtype);
}

/** Outputs as arrays of the expected types, cut from the bytes of all outputs. */
function judge(programs: readonly Prepared[], outputs: readonly Uint8Array[], where: string): (Mismatch | undefined)[] {
  let next = 0;
  return programs.map((prepared) => {
    const { expected } = prepared;
    const actual = expected.map((wanted: NDArray) => {
      const copy = wanted.data.slice() as ElementArray;
      const bytes = outputs[next++] ?? new Uint8Array();
      bytesOf(copy).fill(0).set(bytes.subarray(0, copy.byteLength));
      return { data: copy };
    });
    const detail = difference(prepared, actual);
    return detail === undefined ? undefined : { where, detail };
  });
}

function inputBytes(programs: readonly Prepared[]): Uint8Array[] {
  return programs.flatMap(({ compiled, inputs }) =>
    compiled.program.inputs.map((_, i) => bytesOf(([...inputs.values()][i] as NDArray).data)),
  );
}

export interface HostOptions {
  readonly compiler: string;
  readonly flags: readonly string[];
}

const warningFlags = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-Wno-unknown-pragmas', '-ffp-contract=off'];

/** Compiles a batch natively, runs it, and compares. Where that fails for several, they are taken apart. */
export function runNatively(programs: readonly Prepared[], options: HostOptions): (Mismatch | undefined)[] {
  const dir = mkdtempSync(join(tmpdir(), 'relay-differential-'));
  try {
    const batch = combine(programs);
    for (const f of [...batch.module.files, { name: 'main.c', text: mainText(batch) }])
      writeFileSync(join(dir, f.name), f.text);
    const sources = [...batch.module.files.map((f) => f.name), 'main.c'].filter((n) => n.endsWith('.c'));
    const compiled = spawnSync(options.compiler, [...warningFlags, ...options.flags, ...sources, '-o', 'run', '-lm'], { cwd: dir, encoding: 'utf8' }); // prettier-ignore
    if (compiled.status !== 0) return apart(programs, options, `compile: ${errors(compiled.stderr)}`);
    const run = spawnSync(join(dir, 'run'), {
      input: Buffer.concat(inputBytes(programs)),
      maxBuffer: 1 << 28,
      env: { ...process.env, UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1', ASAN_OPTIONS: 'detect_leaks=0' },
    });
    if (run.status !== 0) return apart(programs, options, `run: ${run.stderr.toString().slice(0, 800) || run.signal}`);
    let at = 0;
    const outputs = batch.outputs.map((t) => new Uint8Array(run.stdout.subarray(at, (at += tensorBytes(t)))));
    return judge(programs, outputs, 'host');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function apart(programs: readonly Prepared[], options: HostOptions, detail: string): (Mismatch | undefined)[] {
  if (programs.length <= 1) return programs.map(() => ({ where: 'host', detail }));
  const half = programs.length >> 1;
  return [...runNatively(programs.slice(0, half), options), ...runNatively(programs.slice(half), options)];
}

function errors(text: string): string {
  return text
    .split('\n')
    .filter((l) => /error|warning/.test(l))
    .slice(0, 3)
    .join('\n');
}

function mainText(batch: Batch): string {
  const { stem } = batch.module;
  return `#include "${stem}.h"
#include <stdio.h>
#include <string.h>
static const unsigned guards[] = {${[...batch.guards].join(', ')}};
int main(void)
{
  memset(${stem}_arena, 0xa5, ${batch.arenaBytes});
${batch.inputs.map((t, i) => `  if (fread(${stem}_input_${i}, 1, ${tensorBytes(t)}, stdin) != ${tensorBytes(t)}) return 2;`).join('\n')}
  ${stem}_run();
  for (unsigned i = 0; i < sizeof guards / sizeof *guards; i++)
    for (unsigned k = 0; k < ${guardBytes}; k++)
      if (${stem}_arena[guards[i] + k] != 0xa5) { fprintf(stderr, "guard of program %u broken", i); return 3; }
${batch.outputs.map((t, i) => `  fwrite(${stem}_output_${i}, 1, ${tensorBytes(t)}, stdout);`).join('\n')}
  return 0;
}
`;
}

/** Builds a batch as a deployment does, runs it on a board, and compares. */
export async function runOnBoard(
  programs: readonly Prepared[],
  toolchain: Toolchain,
  board: Board,
): Promise<(Mismatch | undefined)[]> {
  const { module, inputs, outputs } = combine(programs);
  const where = board.profile.name;
  const run = await deployModel({ toolchain, board, program: { module, inputs, outputs }, inputs: inputBytes(programs), layers: false }); // prettier-ignore
  if (run.ok) return judge(programs, run.value.outputs, where);
  if (programs.length <= 1) return programs.map(() => ({ where, detail: `${run.error.code}: ${run.error.message}` }));
  const half = programs.length >> 1;
  return [
    ...(await runOnBoard(programs.slice(0, half), toolchain, board)),
    ...(await runOnBoard(programs.slice(half), toolchain, board)),
  ];
}

/** What careful projects compile with; both standards that the project promises are tried by the callers. */
const strictFlags: readonly string[] = [
  '-Wall',
  '-Wextra',
  '-Wconversion',
  '-Wsign-conversion',
  '-Wdouble-promotion',
  '-Wshadow',
  '-Wstrict-prototypes',
  '-Wmissing-prototypes',
  '-Wcast-align',
  '-Wcast-qual',
  '-Wredundant-decls',
  '-Wundef',
  '-Wpedantic',
];

/** Warnings of a compiler for a batch, with the given flags; empty when there are none. */
export function warnings(programs: readonly Prepared[], compiler: string, flags: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'relay-differential-'));
  try {
    const { module } = combine(programs);
    for (const f of module.files) writeFileSync(join(dir, f.name), f.text);
    const sources = module.files.map((f) => f.name).filter((n) => n.endsWith('.c'));
    const done = spawnSync(compiler, [...strictFlags, '-Wno-unknown-pragmas', ...flags, '-c', ...sources], { cwd: dir, encoding: 'utf8' }); // prettier-ignore
    return done.status === 0 && !done.stderr.includes('warning:') ? '' : errors(done.stderr) || `status ${done.status}`;
  } finally {
    rmSync(dir, { recursive: true });
  }
}
