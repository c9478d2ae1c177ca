/** A compiled model on a board: build its image, write inputs, run, read outputs, counts and stack use. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { EmittedModule, ModuleTensor } from '../../compiler/src/emit/module.ts';
import { elementBytes } from '../../compiler/src/tensor/dtype.ts';
import { elementCount } from '../../compiler/src/tensor/ndarray.ts';
import { claimFolder, REPORT } from './build-folder.ts';
import { makeFolder } from './folders.ts';
import type { Board, BoardProfile, Provenance } from './board.ts';
import { readUnsigned, runJob, stackUsed, ticksToUnit } from './runner.ts';
import type { LinkedImage } from './size.ts';
import type { BuildOptions, SourceFile, Toolchain } from './toolchain.ts';

/** An emitted program with what its caller writes and reads. */
export interface ModelProgram {
  readonly module: EmittedModule;
  readonly inputs: readonly ModuleTensor[];
  readonly outputs: readonly ModuleTensor[];
}

export interface ModelRun {
  /** Bytes of each output, in order. */
  readonly outputs: readonly Uint8Array[];
  /** Whole run in the unit of the board's timer. */
  readonly cost: number;
  readonly unit: BoardProfile['timer']['unit'];
  readonly provenance: Provenance;
  /** Cost of each call of the program; present after a profiling build. */
  readonly layers?: readonly number[];
  /** Bytes of stack touched; undefined on the host. */
  readonly stackBytes?: number;
}

const JOB_RUN = 0;
const JOB_LOCATE = 1;

function tensorBytes(tensor: ModuleTensor): number {
  return elementCount(tensor.shape) * elementBytes(tensor.dtype);
}

/** The job that runs the model, and the one that tells where its tensors lie, as distances from `relay_job`. */
function driver(program: ModelProgram, layers: number | undefined): SourceFile {
  const { stem } = program.module;
  const tensors = [
    ...program.inputs.map((_, index) => `${stem}_input_${index}`),
    ...program.outputs.map((_, index) => `${stem}_output_${index}`),
  ];
  const text = `#include "relay_harness.h"
#include "${stem}.h"

volatile int64_t relay_tensor_places[${tensors.length + 1}];
${layers === undefined ? '' : `volatile uint64_t relay_layer_times[${layers + 1}];\n`}
void relay_run_job(uint32_t job) {
  if (job == ${JOB_LOCATE}) {
${tensors.map((tensor, i) => `    relay_tensor_places[${i}] = (int64_t)(intptr_t)(${tensor}) - (int64_t)(intptr_t)&relay_job;`).join('\n')}
    return;
  }
  relay_begin();
  ${stem}_run();
  relay_end();
}
`;
  return { name: 'relay_driver.c', text, flags: ['-O2'] };
}

/** The kernel of each mark; a mark is a call. */
export function marksOf({ marks, functions }: EmittedModule): readonly number[] {
  return marks ?? functions.map((_, i) => i);
}

/** Costs of marks added up by kernel. */
function byKernel(module: EmittedModule, costs: readonly number[]): number[] {
  const sums = module.functions.map(() => 0);
  marksOf(module).forEach((kernel, i) => (sums[kernel] = (sums[kernel] ?? 0) + (costs[i] ?? 0)));
  return sums;
}

/** Whether the emitted program marks its layers for profiling. */
function marksLayers(module: EmittedModule): boolean {
  return module.files.some((file) => file.text.includes('RELAY_LAYER('));
}

/**
 * Builds a model's image. `layers` makes a profiling build, whose total includes the cost of noting times. Fails with
 * `compile-error`, `link-error` or `does-not-fit`.
 */
export async function buildModel(
  toolchain: Toolchain,
  program: ModelProgram,
  options: BuildOptions & { readonly layers?: boolean } = {},
): Promise<Result<LinkedImage>> {
  const layers = options.layers === true && marksLayers(program.module) ? marksOf(program.module).length : undefined;
  // Only files that mark layers differ from the plain build, so the objects of all others are shared with it.
  const files = program.module.files.map((file): SourceFile => {
    const marked = layers !== undefined && file.name.endsWith('.c') && file.text.includes('RELAY_LAYER(');
    return marked ? { ...file, flags: [...(file.flags ?? []), '-include', 'relay_layers.h'] } : file;
  });
  return toolchain.build([...files, driver(program, layers)], options);
}

/**
 * Runs a built model once; the image is loaded first. Fails with `bad-input` for inputs of wrong sizes, and with
 * `board-fault`, `board-timeout` or `board-lost`.
 */
export async function runModel(
  board: Board,
  image: LinkedImage,
  program: ModelProgram,
  inputs: readonly Uint8Array[],
  options: { readonly limitMs?: number; readonly token?: CancellationToken | undefined } = {},
): Promise<Result<ModelRun>> {
  const { limitMs = 120_000, token } = options;
  for (const [index, tensor] of program.inputs.entries()) {
    const found = inputs[index]?.length ?? 0;
    if (found !== tensorBytes(tensor)) {
      return fail(
        'bad-input',
        `Input \`${tensor.name}\` needs ${tensorBytes(tensor)} bytes, found ${found}.`,
        `Give a ${tensor.dtype} tensor of shape (${tensor.shape.join(', ')}).`,
      );
    }
  }
  const loaded = await board.load(image, token);
  if (!loaded.ok) return loaded;
  const count = program.inputs.length + program.outputs.length;
  const located = await runJob(
    board,
    image,
    { index: JOB_LOCATE, writes: [], reads: [{ symbol: 'relay_tensor_places', bytes: 8 * count }], limitMs },
    token,
  );
  if (!located.ok) return located;
  const places = located.value.reads[0] ?? new Uint8Array();
  const distances = new DataView(places.buffer, places.byteOffset, places.byteLength);
  const place = (index: number): number => Number(distances.getBigInt64(8 * index, true));

  const layerSymbol = image.symbols.get('relay_layer_times');
  const run = await runJob(
    board,
    image,
    {
      index: JOB_RUN,
      writes: inputs.map((bytes, index) => ({ symbol: 'relay_job', offset: place(index), bytes })),
      reads: [
        ...program.outputs.map((tensor, index) => ({
          symbol: 'relay_job',
          offset: place(program.inputs.length + index),
          bytes: tensorBytes(tensor),
        })),
        ...(layerSymbol ? [{ symbol: 'relay_layer_times', bytes: layerSymbol.bytes }] : []),
      ],
      limitMs,
    },
    token,
  );
  if (!run.ok) return run;
  const stack = await stackUsed(board, image);
  if (!stack.ok) return stack;
  const { profile } = board;
  return ok({
    outputs: run.value.reads.slice(0, program.outputs.length),
    cost: run.value.cost,
    unit: profile.timer.unit,
    provenance: profile.provenance,
    ...(layerSymbol
      ? { layers: byKernel(program.module, layerCosts(profile, run.value.reads.at(-1) ?? new Uint8Array())) }
      : {}),
    ...(stack.value === undefined ? {} : { stackBytes: stack.value }),
  });
}

/** Differences between the times noted at the layers. */
function layerCosts(profile: BoardProfile, times: Uint8Array): number[] {
  const ticks: number[] = [];
  for (let at = 0; at + 8 <= times.length; at += 8) ticks.push(readUnsigned(times.subarray(at, at + 8)));
  return ticks.slice(1).map((time, index) => ticksToUnit(profile, time - (ticks[index] ?? 0)));
}

/**
 * The whole way: build, profile the layers, run the plain build for total and outputs. `board` stays open. Inputs are
 * raw little-endian bytes.
 */
export async function deployModel(options: {
  readonly toolchain: Toolchain;
  readonly board: Board;
  readonly program: ModelProgram;
  readonly inputs: readonly Uint8Array[];
  /** Also run a profiling build; true unless said otherwise. */
  readonly layers?: boolean;
  readonly limitMs?: number;
  readonly token?: CancellationToken | undefined;
}): Promise<Result<ModelRun & { readonly image: LinkedImage }>> {
  const { toolchain, board, program, inputs, token } = options;
  const limits = { token, ...(options.limitMs === undefined ? {} : { limitMs: options.limitMs }) };
  let layers: readonly number[] | undefined;
  if (options.layers !== false && marksLayers(program.module)) {
    const profiling = await buildModel(toolchain, program, { token, layers: true });
    if (!profiling.ok) return profiling;
    const profiled = await runModel(board, profiling.value, program, inputs, limits);
    if (!profiled.ok) return profiled;
    layers = profiled.value.layers;
  }
  const image = await buildModel(toolchain, program, { token });
  if (!image.ok) return image;
  const run = await runModel(board, image.value, program, inputs, limits);
  return run.ok ? ok({ ...run.value, ...(layers ? { layers } : {}), image: image.value }) : run;
}

/** Folder, inside a build's, of what the board's image needs beside the program. */
const HARNESS = 'harness';

export interface SaveOptions {
  /** Files of a project around the sources. */
  readonly extra?: readonly { readonly name: string; readonly text: string }[];
  /** What `report.json` says beside the names of the files. */
  readonly report?: object;
  /** Write over files that no earlier build wrote. */
  readonly force?: boolean;
}

/**
 * Writes sources, a project around them, the ELF and `report.json` to a folder, and the board's start-up code and
 * linker script to its folder `harness`. Returns the names written. Fails with `would-overwrite` or `cannot-write`.
 */
export async function saveBuild(
  folder: string,
  toolchain: Toolchain,
  program: ModelProgram,
  image: LinkedImage,
  { extra = [], report = {}, force = false }: SaveOptions = {},
): Promise<Result<readonly string[]>> {
  const { stem, files } = program.module;
  const script = await readFile(`${image.path}.ld`, 'utf8').catch(() => undefined);
  const harness = [
    ...(await toolchain.harness()),
    driver(program, undefined),
    ...(script === undefined ? [] : [{ name: `${stem}.ld`, text: script }]),
  ];
  const texts = [...files, ...extra, ...harness.map(({ name, text }) => ({ name: `${HARNESS}/${name}`, text }))];
  const names = [...texts.map((file) => file.name), `${stem}.elf`, REPORT];
  try {
    const claimed = claimFolder(folder, names, force);
    if (!claimed.ok) return claimed;
    makeFolder(path.join(folder, HARNESS));
    for (const { name, text } of texts) await writeFile(path.join(folder, name), text);
    await copyFile(image.path, path.join(folder, `${stem}.elf`));
    await writeFile(path.join(folder, REPORT), `${JSON.stringify({ ...report, files: names }, null, 2)}\n`);
    return ok(names);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOTDIR' || code === 'EEXIST' ? 'part of the path is a file' : message;
    return fail('cannot-write', `The folder ${folder} cannot be written: ${reason}.`, 'Choose another output folder.');
  }
}
