/**
 * Modelled cycles of an emulated Cortex-M4: a plugin for QEMU (`runtime/qemu-plugin`), built on demand into the user's
 * cache, passes what runs through a model of the processor's pipeline and its flash. The figures are a model's.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { BoardProfile, FlashCache } from './board.ts';
import { makeFolder } from './folders.ts';
import { findCommand, runChild } from './child.ts';
import { connectBoard } from './connect.ts';
import { marksOf, runModel, type ModelProgram } from './deploy.ts';
import { runtimeFolder } from './resources.ts';
import type { LinkedImage } from './size.ts';

/**
 * What 1 modelled cycle may be on silicon: the worst deviations from published measurements of 19 programs
 * (docs/cycle-model.md).
 */
export const siliconError = { least: 0.97, most: 1.1 } as const;

/** A modelled figure. Between `least` and `most` a measurement is expected: `siliconError`, and division's range. */
export interface CycleFigure {
  readonly cycles: number;
  readonly least: number;
  readonly most: number;
  readonly instructions: number;
  /** Branches that were taken. */
  readonly taken: number;
}

export interface CycleReport extends CycleFigure {
  /** Instructions by kind: `data`, `multiply`, `divide`, `load`, `store`, `multiple`, `branch`, `float`. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Cycles lost, included: to refills behind `branch`es, for want of a `fetch`, of an `address`, of `data` of flash. */
  readonly stalls: Readonly<Record<string, number>>;
  /** Of each call of the program; absent when the calls could not be told apart. */
  readonly layers?: readonly CycleFigure[];
}

/** Whether a board's cycles can be modelled at all: an emulated Cortex-M4. */
export function hasCycleModel(profile: BoardProfile): boolean {
  return profile.transport.kind === 'qemu' && profile.target.startsWith('cortex-m4');
}

/** The folder of built plugins: `RELAY_CACHE`, the system's cache folder, or a temporary one. */
function cacheFolder(): string {
  const { RELAY_CACHE, XDG_CACHE_HOME } = process.env;
  if (RELAY_CACHE !== undefined) return RELAY_CACHE;
  const home = homedir();
  if (home === '') return path.join(tmpdir(), 'relay-ide');
  return path.join(XDG_CACHE_HOME ?? path.join(home, '.cache'), 'relay-ide');
}

/**
 * The plugin's file, built when this version of it is not in the cache yet. Fails with `no-cycle-model` where there is
 * no C compiler for this machine or it cannot make shared libraries.
 */
export async function buildCyclePlugin(token?: CancellationToken): Promise<Result<string>> {
  const sources = path.join(runtimeFolder(), 'qemu-plugin');
  const without = (message: string): Result<never> =>
    fail('no-cycle-model', message, 'Install gcc for modelled cycles; the instruction count needs nothing.');
  const compiler = ['gcc', 'cc', 'clang'].map((name) => findCommand(name)).find((found) => found !== undefined);
  if (compiler === undefined) return without('The cycle model needs a C compiler of this machine; none was found.');
  let temporary: string | undefined;
  try {
    const hash = createHash('sha256');
    const files = (await readdir(sources)).filter((name) => /\.[ch]$/.test(name)).sort();
    for (const name of files) hash.update(name).update(await readFile(path.join(sources, name), 'utf8'));
    const key = hash.digest('hex').slice(0, 16);
    const folder = cacheFolder();
    const built = path.join(folder, `relay_cycles-${process.platform}-${process.arch}-${key}.so`);
    if (existsSync(built)) return ok(built);
    makeFolder(folder);
    temporary = path.join(folder, `building-${randomUUID()}.so`);
    const undefinedSymbols = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
    const units = files.filter((name) => name.endsWith('.c')).map((name) => path.join(sources, name));
    const args = ['-shared', '-fPIC', '-O2', '-fvisibility=hidden', ...undefinedSymbols, '-o', temporary, ...units];
    const done = await runChild(compiler, args, { limitMs: 60_000, ...(token === undefined ? {} : { token }) });
    if (done.cancelled) return fail('cancelled', 'Cancelled.');
    if (done.code !== 0) return without(`The cycle model does not compile: ${done.stderr.trim().split('\n')[0] ?? ''}`);
    // Renamed when complete, so that two processes may build at the same time.
    await rename(temporary, built);
    return ok(built);
  } catch (error) {
    return without(`The cycle model cannot be built: ${(error as Error).message}.`);
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true });
  }
}

/**
 * Runs a built model once more in an emulator of its own that carries the plugin. Fails with `no-cycle-model` where
 * there is no model for the board or no plugin, and as `runModel`.
 */
export async function modelCycles(
  profile: BoardProfile,
  image: LinkedImage,
  program: ModelProgram,
  inputs: readonly Uint8Array[],
  token?: CancellationToken,
): Promise<Result<CycleReport>> {
  const { transport } = profile;
  if (transport.kind !== 'qemu' || !hasCycleModel(profile)) return withoutModel(profile);
  const run = image.symbols.get(`${program.module.stem}_run`);
  if (run === undefined || run.bytes === 0)
    return fail('no-cycle-model', 'The image does not tell where the run lies.');
  const plugin = await buildCyclePlugin(token);
  if (!plugin.ok) return plugin;
  const folder = await mkdtemp(path.join(tmpdir(), 'relay-cycles-'));
  try {
    const out = path.join(folder, 'cycles.json');
    const counted = `out=${out},run=${run.address & ~1},size=${run.bytes}`;
    const options = [plugin.value, counted, ...flashOptions(profile)].join(',');
    const emulated = { ...profile, transport: { ...transport, args: [...transport.args, '-plugin', options] } };
    const board = await connectBoard(emulated);
    if (!board.ok)
      return fail(
        'no-cycle-model',
        `The emulator does not take the cycle model: ${board.error.message}`,
        board.error.remedy,
      );
    const done = await runModel(board.value, image, program, inputs, { token });
    await board.value.close();
    if (!done.ok) return done;
    const text = await readFile(out, 'utf8').catch(() => undefined);
    const marks = marksOf(program.module);
    const report = text === undefined ? undefined : parseCycleReport(text, marks.length);
    if (report === undefined) return fail('no-cycle-model', 'The cycle model counted nothing.');
    const { layers, ...rest } = report;
    return ok(
      layers === undefined ? rest : { ...rest, layers: byKernel(program.module.functions.length, marks, layers) },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A C statement before a call that a cycle probe counts: a hint that does nothing on any core that has the model. */
export const cycleMark = {
  statement: '__asm volatile("dbg #5" ::: "memory");',
  /** What it adds to a timed region around it. */
  instructions: 1,
} as const;

/** An emulated board that models the cycles of calls behind a `cycleMark`. */
export interface CycleProbe {
  /** What to connect to. */
  readonly profile: BoardProfile;
  /** Figures of the last marked call, once; undefined when none has returned since. */
  take(): Promise<CycleFigure | undefined>;
  close(): Promise<void>;
}

/** Prepares a probe. Fails with `no-cycle-model` where there is no model for the board or no plugin. */
export async function openCycleProbe(profile: BoardProfile, token?: CancellationToken): Promise<Result<CycleProbe>> {
  const { transport } = profile;
  if (transport.kind !== 'qemu' || !hasCycleModel(profile)) return withoutModel(profile);
  const plugin = await buildCyclePlugin(token);
  if (!plugin.ok) return plugin;
  const folder = await mkdtemp(path.join(tmpdir(), 'relay-cycles-'));
  const out = path.join(folder, 'cycles.json');
  const options = [plugin.value, `out=${out}`, 'marks=on', ...flashOptions(profile)].join(',');
  return ok({
    profile: { ...profile, transport: { ...transport, args: [...transport.args, '-plugin', options] } },
    async take() {
      const text = await readFile(out, 'utf8').catch(() => undefined);
      await rm(out, { force: true });
      return text === undefined ? undefined : parseCycleReport(text, 0);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  });
}

function withoutModel(profile: BoardProfile): Result<never> {
  return fail(
    'no-cycle-model',
    `There is no cycle model for ${profile.name}.`,
    'Cycles are modelled for emulated Cortex-M4 boards; other boards count what they can measure.',
  );
}

/** What the plugin is told of a flash that has wait states. */
function flashOptions({ memory }: BoardProfile): string[] {
  const flash = memory.find((region) => region.kind === 'flash');
  if (flash?.timing === undefined) return [];
  const { waitStates, readBytes, prefetch, codeCache, dataCache } = flash.timing;
  const cache = (name: string, of: FlashCache | undefined): string[] =>
    of === undefined ? [] : [`${name}-lines=${of.lines}`, `${name}-bytes=${of.lineBytes}`];
  return [
    `flash=${flash.start}`,
    `flash-size=${flash.bytes}`,
    `waits=${waitStates}`,
    `read=${readBytes}`,
    `prefetch=${prefetch === true ? 1 : 0}`,
    ...cache('code', codeCache),
    ...cache('data', dataCache),
  ];
}

/** Figures of calls added up by kernel. */
function byKernel(kernels: number, marks: readonly number[], calls: readonly CycleFigure[]): CycleFigure[] {
  return Array.from({ length: kernels }, (_, kernel) => {
    const own = calls.filter((_, i) => marks[i] === kernel);
    const sum = (of: (f: CycleFigure) => number): number => own.reduce((n, f) => n + of(f), 0);
    return {
      cycles: sum((f) => f.cycles),
      least: sum((f) => f.least),
      most: sum((f) => f.most),
      instructions: sum((f) => f.instructions),
      taken: sum((f) => f.taken),
    };
  });
}

/** What the plugin wrote; layers are left out when there are not `calls` of them. */
export function parseCycleReport(text: string, calls: number): CycleReport | undefined {
  let report: CycleReport;
  try {
    report = JSON.parse(text) as CycleReport;
  } catch {
    return undefined;
  }
  if (typeof report.cycles !== 'number') return undefined;
  const { kinds, stalls, layers } = report;
  const known = layers?.length === calls ? { layers: layers.map(onSilicon) } : {};
  return { ...onSilicon(report), kinds, stalls, ...known };
}

/** A figure of the plugin, whose bounds know of division alone, with those of the model's error. */
function onSilicon({ cycles, least, most, instructions, taken }: CycleFigure): CycleFigure {
  return {
    cycles,
    least: Math.floor(least * siliconError.least),
    most: Math.ceil(most * siliconError.most),
    instructions,
    taken,
  };
}
