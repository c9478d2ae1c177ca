/** Measures candidates on a board: many to an image, each run apart with its own deadline, each output compared. */
import path from 'node:path';
import type { Board, BoardProfile } from '../../boards/src/board.ts';
import { connectBoard } from '../../boards/src/connect.ts';
import { cycleMark, openCycleProbe, type CycleProbe } from '../../boards/src/cycles.ts';
import { readUnsigned, runJob } from '../../boards/src/runner.ts';
import type { LinkedImage } from '../../boards/src/size.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import type { TuningTask } from '../../compiler/src/schedule/task.ts';
import { fromBytes, toBytes } from '../../compiler/src/tensor/bytes.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { constantsSource } from './constants.ts';
import type { Candidate, Measurer, Parts, Prepared, Trial } from './measurer.ts';
import {
  driverFile,
  emitCandidate,
  fillByte,
  groupByFlags,
  guardBytes,
  kernelFile,
  layoutOf,
  type EmittedKernel,
} from './program.ts';
import type { CostKind, KernelBytes } from '../../compiler/src/records/objective.ts';
import type { Verdict } from '../../compiler/src/records/record.ts';
import { difference, evaluatorReference, randomInputs, type Reference } from './reference.ts';

export interface BoardMeasurerOptions {
  readonly seed: number;
  readonly reference?: Reference | undefined;
  /** Settings of the machine: where compiler and emulator are. */
  readonly compilerPath?: string | undefined;
  readonly emulatorPath?: string | undefined;
  readonly root?: string | undefined;
  /** Longest run of a candidate whose task has no measured one yet. */
  readonly firstLimitMs?: number;
  /** Cycles are modelled beside the timer's count. */
  readonly cost?: CostKind | undefined;
  /** Opens the board; tests give another. */
  readonly connect?: (profile: BoardProfile) => Promise<Result<Board>>;
}

/** Candidates in a compiled file: more share the compiler's start, fewer use both processors better. */
const KERNELS_PER_FILE = 4;
const COMPILE_LIMIT_MS = 60_000;
/** A candidate may take this many times as long as the fastest run of its task, on the wall clock. */
const PATIENCE = 20;
const LEAST_LIMIT_MS = 1500;
/** Wall-clock timers are noisy; the least of several runs is taken. */
const NOISY_REPEATS = 4;
/** Batches whose files stay on disk: the one that runs and the one that is compiled beside it. */
const BATCHES_KEPT = 2;

interface TaskData {
  readonly inputs: readonly NDArray[];
  readonly inputBytes: readonly Uint8Array[];
  readonly outputs: readonly NDArray[];
  fastestMs: number | undefined;
}

/** A candidate on its way: emitted and compiled, or already failed. */
type Slot = { readonly candidate: Candidate; emitted?: EmittedKernel; object?: string; failed?: Trial };

interface Linked {
  readonly image: LinkedImage;
  readonly slots: readonly Slot[];
}

export class BoardMeasurer implements Measurer {
  readonly board: string;
  readonly compiler: string;
  readonly clock: number | null;
  readonly seed: number;
  private readonly profile: BoardProfile;
  private readonly toolchain: Toolchain;
  private readonly device: Board;
  private readonly reference: Reference;
  private readonly firstLimitMs: number;
  private readonly tasks = new Map<string, Promise<Result<TaskData>>>();
  /** Results by kernel hash: two configs that emit the same C are measured once. */
  private readonly known = new Map<string, Trial>();
  private readonly probe: CycleProbe | undefined;
  private files = 0;
  /** Files of batches that have run, the latest last. */
  private readonly spent: string[][] = [];

  private constructor(
    profile: BoardProfile,
    toolchain: Toolchain,
    device: Board,
    probe: CycleProbe | undefined,
    options: BoardMeasurerOptions,
  ) {
    this.profile = profile;
    this.probe = probe;
    this.toolchain = toolchain;
    this.device = device;
    this.board = profile.name;
    this.compiler = toolchain.version;
    this.clock = profile.timer.hz ?? null;
    this.seed = options.seed;
    this.reference = options.reference ?? evaluatorReference;
    this.firstLimitMs = options.firstLimitMs ?? 20_000;
  }

  /** Finds the compiler and connects. Fails with `missing-tool`, `no-cycle-model` or `board-lost`. */
  static async open(profile: BoardProfile, options: BoardMeasurerOptions): Promise<Result<BoardMeasurer>> {
    const { compilerPath, root, emulatorPath: emulator } = options;
    const toolchain = await Toolchain.open(profile, { compilerPath, root });
    if (!toolchain.ok) return toolchain;
    // A board that counts cycles itself needs no model.
    const modelled = options.cost === 'cycles' && profile.timer.unit !== 'cycles';
    const probe = modelled ? await openCycleProbe(profile) : undefined;
    if (probe?.ok === false) {
      await toolchain.value.close();
      return probe;
    }
    const connected = probe?.value.profile ?? profile;
    const board = await (options.connect?.(connected) ?? connectBoard(connected, { emulator }));
    if (board.ok) return ok(new BoardMeasurer(profile, toolchain.value, board.value, probe?.value, options));
    await probe?.value.close();
    await toolchain.value.close();
    return board;
  }

  async close(): Promise<void> {
    await this.device.close();
    await this.probe?.close();
    await this.toolchain.close();
  }

  async prepare(
    task: TuningTask,
    candidates: readonly Candidate[],
    parts: Parts,
    token: CancellationToken,
  ): Promise<Result<Prepared>> {
    const data = await this.dataOf(task, token);
    if (!data.ok) return data;
    const started = performance.now();
    const slots = candidates.map((candidate) => this.emit(candidate));
    parts.lower += since(started);
    const compiling = performance.now();
    await this.compileSlots(slots, token);
    const linked = await this.linkFitting(
      slots.filter((slot) => slot.object !== undefined && !slot.failed),
      token,
    );
    parts.compile += since(compiling);
    if (!linked.ok) return linked;
    if (token.isCancellationRequested) return cancelled;
    return ok({ run: (runToken, onTrial) => this.runAll(data.value, slots, linked.value, parts, runToken, onTrial) });
  }

  private dataOf(task: TuningTask, token: CancellationToken): Promise<Result<TaskData>> {
    let data = this.tasks.get(task.key);
    if (!data) {
      data = this.makeData(task, token);
      this.tasks.set(task.key, data);
    }
    return data;
  }

  private async makeData(task: TuningTask, token: CancellationToken): Promise<Result<TaskData>> {
    const inputs = randomInputs(task, this.seed);
    if (!inputs.ok) return inputs;
    const outputs = await this.reference(task, inputs.value, token);
    if (!outputs.ok) return outputs;
    const inputBytes = inputs.value.map(toStoredBytes);
    return ok({ inputs: inputs.value, inputBytes, outputs: outputs.value, fastestMs: undefined });
  }

  private emit(candidate: Candidate): Slot {
    if (!candidate.kernel.ok) {
      return { candidate, failed: failed(candidate, 'cannot-lower', candidate.kernel.error.message) };
    }
    return { candidate, emitted: emitCandidate(candidate.kernel.value, candidate.shared) };
  }

  /** Compiles what is not known yet, several kernels to a file; a file that fails is taken apart. */
  private async compileSlots(slots: readonly Slot[], token: CancellationToken): Promise<void> {
    const fresh = new Map<string, EmittedKernel>();
    for (const { emitted } of slots) if (emitted && !this.known.has(emitted.hash)) fresh.set(emitted.hash, emitted);
    const perFile = Math.max(1, Math.min(KERNELS_PER_FILE, Math.ceil(fresh.size / 2)));
    const groups = groupByFlags([...fresh.values()], perFile);
    const outcomes = await this.compileGroups(groups, token);
    const objects = new Map<string, Result<string>>();
    const apart: EmittedKernel[][] = [];
    for (const [index, group] of groups.entries()) {
      const outcome = outcomes[index];
      if (!outcome) continue;
      const alone = group.length === 1;
      if (!outcome.ok && !alone && outcome.error.code === 'compile-error')
        apart.push(...group.map((kernel) => [kernel]));
      else for (const kernel of group) objects.set(kernel.hash, outcome);
    }
    const single = await this.compileGroups(apart, token);
    for (const [index, [kernel]] of apart.entries()) {
      const outcome = single[index];
      if (kernel && outcome) objects.set(kernel.hash, outcome);
    }
    for (const slot of slots) {
      const object = slot.emitted && objects.get(slot.emitted.hash);
      if (!object) continue;
      if (object.ok) slot.object = object.value;
      else slot.failed = failed(slot.candidate, 'compile-error', object.error.message, slot.emitted);
    }
  }

  private compileGroups(groups: readonly EmittedKernel[][], token: CancellationToken): Promise<Result<string>[]> {
    const sources = groups.map((group) => kernelFile(group, `kernels_${this.files++}.c`));
    return this.toolchain.compile(sources, { token, limitMs: COMPILE_LIMIT_MS });
  }

  /** Links all into one image, or into several when one does not fit. */
  private async linkFitting(slots: readonly Slot[], token: CancellationToken): Promise<Result<Linked[]>> {
    const distinct = [...new Map(slots.map((slot) => [slot.emitted?.hash, slot])).values()];
    const [only] = distinct;
    if (!only) return ok([]);
    const kernels = distinct.flatMap((slot) => (slot.emitted ? [slot.emitted] : []));
    const driver = driverFile(kernels, layoutOf(kernels), this.probe && cycleMark.statement);
    const sources = [...(await this.toolchain.harness()), driver];
    const constants = [
      ...new Map(kernels.flatMap((kernel) => kernel.constants.map((one) => [one.symbol, one]))).values(),
    ];
    const data = new Map(constants.map(({ symbol, bytes }) => [`${symbol}.bin`, bytes]));
    if (constants.length > 0) sources.push(constantsSource(constants));
    const own = await this.toolchain.compile(sources, { token, data });
    for (const name of data.keys()) await this.toolchain.discard([path.join(this.toolchain.folder, name)]);
    const objects: string[] = [];
    for (const object of own) {
      if (!object.ok) return object;
      objects.push(object.value);
    }
    objects.push(...new Set(distinct.flatMap((slot) => (slot.object === undefined ? [] : [slot.object]))));
    const placement = this.profile.transport.kind === 'gdb' ? 'ram' : 'flash';
    const image = await this.toolchain.link(objects, { token, placement });
    if (image.ok) return ok([{ image: image.value, slots: distinct }]);
    if (image.error.code === 'cancelled') return image;
    if (image.error.code !== 'does-not-fit' || distinct.length === 1) {
      const verdict = image.error.code === 'does-not-fit' ? 'does-not-fit' : 'compile-error';
      for (const { candidate, emitted } of distinct) {
        if (emitted) this.known.set(emitted.hash, failed(candidate, verdict, image.error.message, emitted));
      }
      return ok([]);
    }
    const middle = distinct.length >> 1;
    const low = await this.linkFitting(distinct.slice(0, middle), token);
    if (!low.ok) return low;
    const high = await this.linkFitting(distinct.slice(middle), token);
    return high.ok ? ok([...low.value, ...high.value]) : high;
  }

  private async runAll(
    data: TaskData,
    slots: readonly Slot[],
    images: readonly Linked[],
    parts: Parts,
    token: CancellationToken,
    onTrial: (trial: Trial) => void,
  ): Promise<Result<void>> {
    const waiting = new Map<string, Slot[]>();
    for (const slot of slots) {
      const hash = slot.emitted?.hash ?? '';
      const known = slot.failed ?? this.known.get(hash);
      if (known) onTrial({ ...known, config: slot.candidate.config });
      else waiting.set(hash, [...(waiting.get(hash) ?? []), slot]);
    }
    // The next batch may share objects with this one, so files are kept for one batch longer.
    this.spent.push([
      ...images.map(({ image }) => image.path),
      ...slots.flatMap(({ object }) => (object === undefined ? [] : [object])),
    ]);
    if (this.spent.length > BATCHES_KEPT) await this.toolchain.discard(this.spent.shift() ?? []);
    for (const { image, slots: own } of images) {
      const loading = performance.now();
      const loaded = await this.device.load(image, token);
      parts.load += since(loading);
      if (!loaded.ok && !isLost(loaded.error)) return loaded;
      for (const [index, slot] of own.entries()) {
        if (token.isCancellationRequested) return cancelled;
        const hash = slot.emitted?.hash ?? '';
        const equal = waiting.get(hash);
        if (!equal) continue;
        const running = performance.now();
        const trial = await this.runOne(data, image, index, slot, token);
        parts.run += since(running);
        if (!trial.ok) return trial;
        // A loss says little about the candidate, so it is not remembered for later batches.
        if (trial.value.verdict !== 'board-lost') this.known.set(hash, trial.value);
        for (const { candidate } of equal) onTrial({ ...trial.value, config: candidate.config });
      }
    }
    return ok(undefined);
  }

  /** Runs a candidate; a lost board is opened anew once for it. */
  private async runOne(
    data: TaskData,
    image: LinkedImage,
    index: number,
    slot: Slot,
    token: CancellationToken,
  ): Promise<Result<Trial>> {
    let lost: Failure | undefined;
    for (let attempt = 0; attempt < 2; attempt++) {
      const trial = await this.attempt(data, image, index, slot, token);
      if (trial.ok || !isLost(trial.error)) return trial;
      lost = trial.error;
    }
    // Whether this candidate or the board is to blame shows when the board is asked for without it.
    const alive = await this.device.reset();
    if (!alive.ok) return alive;
    return ok(failed(slot.candidate, 'board-lost', lost?.message ?? '', slot.emitted));
  }

  private async attempt(
    data: TaskData,
    image: LinkedImage,
    index: number,
    slot: Slot,
    token: CancellationToken,
  ): Promise<Result<Trial>> {
    const noisy = this.profile.timer.unit === 'nanoseconds';
    const limitMs =
      data.fastestMs === undefined ? this.firstLimitMs : Math.max(LEAST_LIMIT_MS, PATIENCE * data.fastestMs);
    const started = performance.now();
    const outputBytes = data.outputs.map((output) => storedBytes(output));
    const repeats = noisy ? NOISY_REPEATS : 0;
    const result = await runJob(
      this.device,
      image,
      {
        index,
        writes: [
          ...data.inputBytes.map((bytes, k) => ({ symbol: `relay_in_${k}`, bytes })),
          { symbol: 'relay_repeats', bytes: Uint8Array.of(repeats, 0, 0, 0) },
        ],
        reads: [
          ...outputBytes.map((bytes, k) => ({ symbol: `relay_out_${k}`, bytes: bytes + guardBytes })),
          { symbol: 'relay_guard_broken', bytes: 4 },
        ],
        limitMs,
      },
      token,
    );
    if (!result.ok) {
      const { code, message } = result.error;
      if (code === 'board-timeout') return ok(failed(slot.candidate, 'timeout', message, slot.emitted));
      if (code === 'board-fault') return ok(failed(slot.candidate, 'fault', message, slot.emitted));
      if (code === 'link-error') return ok(failed(slot.candidate, 'compile-error', message, slot.emitted));
      return result;
    }
    const { reads, cost } = result.value;
    const wrong = wrongAnswer(data.outputs, reads);
    if (wrong !== undefined) return ok(failed(slot.candidate, 'wrong-answer', wrong, slot.emitted));
    data.fastestMs = Math.min(data.fastestMs ?? Number.POSITIVE_INFINITY, performance.now() - started);
    const { unit } = this.profile.timer;
    const { provenance } = this.profile;
    const cycles = await this.probe?.take();
    if (this.probe && !cycles) return fail('no-cycle-model', 'The cycle model counted nothing.');
    const value = unit === 'instructions' && this.probe ? cost - cycleMark.instructions : cost;
    return ok({
      config: slot.candidate.config,
      verdict: 'ok',
      cost: { value, unit, provenance },
      ...(cycles ? { cycles: { value: cycles.cycles, unit: 'cycles', provenance } } : {}),
      ...(slot.emitted ? { bytes: bytesOf(slot.emitted, image) } : {}),
      kernel: slot.emitted?.hash ?? '',
      flags: slot.emitted?.flags ?? [],
    });
  }
}

const cancelled: Result<never> = { ok: false, error: { code: 'cancelled', message: 'Cancelled.' } };

function isLost(error: Failure): boolean {
  return error.code === 'board-lost' || error.code === 'core-locked-up';
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}

/** What a kernel takes of the flash: its function and the parts that the compiler split off, and its constants. */
function bytesOf({ name, kernel }: EmittedKernel, image: LinkedImage): KernelBytes {
  let code = 0;
  for (const [symbol, { bytes }] of image.symbols) {
    if (symbol === name || symbol.startsWith(`${name}.`)) code += bytes;
  }
  const constants = kernel.constants.reduce((sum, { value }) => sum + storedBytes(value), 0);
  return { code, constants };
}

function failed(candidate: Candidate, verdict: Verdict, detail: string, emitted?: EmittedKernel): Trial {
  const { config } = candidate;
  const short = detail.length > 300 ? `${detail.slice(0, 300)}…` : detail;
  return { config, verdict, cost: null, detail: short, kernel: emitted?.hash ?? '', flags: emitted?.flags ?? [] };
}

/** Bytes of an output as kernels store it: half-precision floats are kept as single ones. */
function storedBytes(array: NDArray): number {
  return array.dtype === 'float16' || array.dtype === 'bfloat16' ? 4 * array.data.length : toBytes(array).length;
}

function toStoredBytes(array: NDArray): Uint8Array {
  const wide = array.dtype === 'float16' || array.dtype === 'bfloat16';
  return toBytes(wide ? { ...array, dtype: 'float32' } : array);
}

/** Why a run's outputs are not those of the reference; undefined when they are. */
function wrongAnswer(expected: readonly NDArray[], reads: readonly Uint8Array[]): string | undefined {
  const guardBroken = reads[expected.length];
  if (guardBroken && readUnsigned(guardBroken) !== 0) return 'it writes beyond its working memory';
  for (const [index, output] of expected.entries()) {
    const bytes = reads[index] ?? new Uint8Array();
    const body = bytes.subarray(0, bytes.length - guardBytes);
    if (bytes.subarray(body.length).some((byte) => byte !== fillByte)) return 'it writes beyond its output';
    const stored = output.dtype === 'float16' || output.dtype === 'bfloat16' ? 'float32' : output.dtype;
    const found = fromBytes(stored, output.shape, body.slice());
    if (!found) return `output ${index} has ${body.length} bytes`;
    const wrong = difference(output, found.data);
    if (wrong !== undefined) return expected.length > 1 ? `output ${index}: ${wrong}` : wrong;
  }
  return undefined;
}
