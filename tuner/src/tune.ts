/** The tuning session: picks tasks, proposes points, measures them in batches, records every trial, reports progress. */
import type { BoardProfile } from '../../boards/src/board.ts';
import { Cancelled, neverCancelled, type CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import {
  configKey,
  type ScheduleConfig,
  type ScheduleSpace,
  type Scheduler,
  type TuningTask,
} from '../../compiler/src/schedule/task.ts';
import type { Target } from '../../compiler/src/targets/target.ts';
import { scratchBytes } from '../../compiler/src/pipeline/fit-arena.ts';
import { nextTask } from './allocate.ts';
import { BoardMeasurer } from './board-measurer.ts';
import type { Candidate, Measurer, Parts, Prepared, Trial } from './measurer.ts';
import {
  costOf,
  plainObjective,
  worthOf,
  type Cost,
  type Measurement,
  type Objective,
} from '../../compiler/src/records/objective.ts';
import { recordVersion, type TuningRecord, type Verdict } from '../../compiler/src/records/record.ts';
import type { RecordStore } from './records.ts';
import type { Reference } from './reference.ts';
import { findStrategy } from './strategies/index.ts';
import { gainOf, type Experience, type Searcher, type Strategy } from './strategy.ts';

export interface WeightedTask {
  readonly task: TuningTask;
  /** How often it occurs in the program. */
  readonly weight: number;
  /** What a build without records takes, where that is not the space's default; it is measured first. */
  readonly start?: ScheduleConfig | undefined;
  /** Bytes of scratch memory that its kernels may have; any number when absent. No trial is spent on others. */
  readonly scratch?: number | undefined;
}

export interface TuneOptions {
  readonly tasks: readonly WeightedTask[];
  readonly board: BoardProfile;
  readonly target: Target;
  readonly scheduler: Scheduler;
  /** `model` (default), `random` or `grid`. */
  readonly strategy?: string;
  /** New trials over all tasks; default 256, or no limit when `seconds` is given. Points in the records do not count. */
  readonly trials?: number;
  /** Wall-clock limit. */
  readonly seconds?: number;
  readonly seed?: number;
  /** What the search makes small; the timer's cost alone when absent. */
  readonly objective?: Objective;
  readonly records?: Pick<RecordStore, 'records' | 'append'> | undefined;
  readonly token?: CancellationToken | undefined;
  readonly onProgress?: (event: TuneProgress) => void;
  /** Outputs to compare with; the evaluator's when absent. */
  readonly reference?: Reference;
  /** Machine settings: where compiler and emulator are. */
  readonly compilerPath?: string | undefined;
  readonly emulatorPath?: string | undefined;
  /** Root of the installation, for the C files of `runtime/`. */
  readonly root?: string | undefined;
  /** Trials of one image; 4 to 16 by the budget when absent. */
  readonly batch?: number;
  /** Longest run of a task's first candidate, in milliseconds. */
  readonly firstLimitMs?: number;
  /** Measures instead of the board; for tests. It is not closed. */
  readonly measurer?: Measurer;
}

export interface TuneProgress {
  readonly task: string;
  readonly description: string;
  /** New trials so far, of `total`, which is an estimate when only time is limited. */
  readonly trials: number;
  readonly total: number;
  readonly last: { readonly verdict: Verdict; readonly cost: Cost | null };
  readonly bestOfTask: Cost | null;
  /**
   * Cost of all tasks with their weights: with default configs, and with the best found so far. Until `complete`, tasks
   * without any measured cost are left out of both.
   */
  readonly defaultTotal: number;
  readonly bestTotal: number;
  readonly complete: boolean;
  readonly seconds: number;
  /** Estimate; undefined before the first batch is done. */
  readonly secondsLeft: number | undefined;
}

export interface TaskSummary {
  readonly key: string;
  readonly description: string;
  readonly weight: number;
  readonly template: string;
  readonly defaultCost: Cost | null;
  readonly bestCost: Cost | null;
  readonly bestConfig: ScheduleConfig | null;
  /** Measured in this session. */
  readonly trials: number;
  /** Taken from the records. */
  readonly resumed: number;
}

export interface TuneSummary {
  readonly tasks: readonly TaskSummary[];
  readonly trials: number;
  readonly failures: Readonly<Partial<Record<Verdict, number>>>;
  readonly seconds: number;
  /** Seconds by part; compiling and running overlap. */
  readonly parts: Readonly<Parts>;
  readonly trialsPerSecond: number;
  readonly stopped: 'trials' | 'seconds' | 'space' | 'cancelled' | 'failed';
  /** Why it stopped early; what was measured before is recorded. */
  readonly failure?: Failure;
}

const LEAST_BATCH = 4;
const LARGEST_BATCH = 16;

/** Times that points are proposed anew in the place of those that need too much memory. */
const PROPOSALS = 8;

interface State {
  readonly task: TuningTask;
  readonly weight: number;
  readonly scratch: number;
  readonly space: ScheduleSpace;
  readonly searcher: Searcher;
  /** Trials that are handed out, and those that are back. */
  issued: number;
  trials: number;
  resumed: number;
  sinceBest: number;
  defaultCost: Cost | null;
  /** Cost of the default, its bytes paid for. */
  start: number | undefined;
  bestCost: Cost | null;
  bestConfig: ScheduleConfig | null;
  /** Cost of the best, its bytes paid for. */
  bestWorth: number;
  defaultPending: boolean;
  exhausted: boolean;
}

/**
 * Tunes tasks on a board. Fails when it cannot start (`missing-tool`, `no-cycle-model`, `board-lost`, `unknown-strategy`); a session that
 * has begun always ends in a summary.
 */
export async function tune(options: TuneOptions): Promise<Result<TuneSummary>> {
  const strategy = findStrategy(options.strategy ?? 'model');
  if (!strategy.ok) return strategy;
  const { seed = 0, compilerPath, emulatorPath, root, reference } = options;
  let measurer = options.measurer;
  if (!measurer) {
    const limit = options.firstLimitMs === undefined ? {} : { firstLimitMs: options.firstLimitMs };
    const cost = options.objective?.cost;
    const settings = { seed, reference, compilerPath, emulatorPath, root, cost, ...limit };
    const opened = await BoardMeasurer.open(options.board, settings);
    if (!opened.ok) return opened;
    measurer = opened.value;
  }
  try {
    return ok(await new Session(options, measurer, seed, strategy.value).run());
  } finally {
    if (!options.measurer) await measurer.close();
  }
}

class Session {
  private readonly options: TuneOptions;
  private readonly measurer: Measurer;
  private readonly seed: number;
  private readonly token: CancellationToken;
  private readonly objective: Objective;
  private readonly total: number;
  private readonly states: State[];
  private readonly batch: number;
  private readonly experience: Experience[] = [];
  private readonly parts: Parts = { propose: 0, lower: 0, compile: 0, load: 0, run: 0 };
  private readonly failures: Partial<Record<Verdict, number>> = {};
  private readonly started = performance.now();
  /** Measured trials, and trials handed out. */
  private trials = 0;
  private issued = 0;
  private failure: Failure | undefined;

  constructor(options: TuneOptions, measurer: Measurer, seed: number, strategy: Strategy) {
    this.options = options;
    this.measurer = measurer;
    this.seed = seed;
    this.token = options.token ?? neverCancelled;
    this.objective = options.objective ?? plainObjective;
    this.total = options.trials ?? (options.seconds === undefined ? 256 : Number.POSITIVE_INFINITY);
    this.states = merge(options.tasks).map(({ task, weight, start, scratch = Infinity }): State => {
      const whole = options.scheduler.spaceOf(task, options.target);
      const space = start && whole.isValid(start) ? { ...whole, default: start } : whole;
      const context = { task: task.key, space, seed, experience: this.experience };
      return {
        task,
        weight,
        scratch,
        space,
        searcher: strategy.create(context),
        issued: 0,
        trials: 0,
        resumed: 0,
        sinceBest: 0,
        defaultCost: null,
        start: undefined,
        bestCost: null,
        bestConfig: null,
        bestWorth: Number.POSITIVE_INFINITY,
        defaultPending: true,
        exhausted: false,
      };
    });
    // A small budget is spread: every task gets its default measured before any gets many trials.
    const fair = Math.ceil(this.total / Math.max(1, 3 * this.states.length));
    this.batch = options.batch ?? Math.max(LEAST_BATCH, Math.min(LARGEST_BATCH, fair));
    for (const state of this.states) this.resume(state);
  }

  async run(): Promise<TuneSummary> {
    // One batch runs on the board while the next is compiled.
    let running: Promise<boolean> | undefined;
    let goOn = true;
    while (goOn) {
      const next = this.stop() === undefined ? this.choose() : undefined;
      if (!next) break;
      const prepared = await this.prepare(next.state, next.candidates);
      if (running) goOn = await running;
      running = undefined;
      if (!prepared) break;
      running = this.finish(next.state, prepared);
      // Nothing is known of a task before its first trials are back, and choices among known tasks would be blind.
      if (next.state.trials === 0 && this.states.every((state) => state.issued + state.resumed > 0)) {
        goOn = await running;
        running = undefined;
      }
    }
    if (running) await running;
    return this.summary();
  }

  /** Takes what earlier sessions measured under the same conditions. */
  private resume(state: State): void {
    const { measurer, options } = this;
    const matching = (options.records?.records ?? []).filter(
      (record) =>
        record.task === state.task.key &&
        record.template === state.space.template &&
        record.board === measurer.board &&
        record.compiler === measurer.compiler &&
        record.verdict !== 'board-lost' &&
        // What lacks a part of the objective is measured anew.
        (record.verdict !== 'ok' || worthOf(record, this.objective) !== undefined),
    );
    const latest = new Map(matching.map((record) => [configKey(record.config), record]));
    for (const record of latest.values()) this.learn(state, record.config, record);
    state.resumed = latest.size;
    state.defaultPending = !latest.has(configKey(state.space.default));
  }

  private learn(state: State, config: ScheduleConfig, measured: Measurement): void {
    const worth = worthOf(measured, this.objective, state.weight);
    state.searcher.observe([{ config, cost: worth }]);
    state.sinceBest++;
    const cost = costOf(measured, this.objective.cost);
    if (!cost || worth === undefined) return;
    if (configKey(config) === configKey(state.space.default)) [state.defaultCost, state.start] = [cost, worth];
    if (worth < state.bestWorth) {
      state.bestCost = cost;
      state.bestConfig = config;
      state.bestWorth = worth;
      state.sinceBest = 0;
    }
    const { start } = state;
    if (start === undefined) return;
    const { template } = state.space;
    const target = gainOf(worth, start);
    this.experience.push({ template, features: state.space.features(config), target, task: state.task.key });
  }

  private stop(): TuneSummary['stopped'] | undefined {
    if (this.token.isCancellationRequested) return 'cancelled';
    if (this.failure) return 'failed';
    if (this.issued >= this.total) return 'trials';
    const { seconds } = this.options;
    return seconds !== undefined && this.seconds() >= seconds ? 'seconds' : undefined;
  }

  private seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** The next task and its candidates, the default config first. */
  private choose(): { readonly state: State; readonly candidates: readonly Candidate[] } | undefined {
    const started = performance.now();
    for (;;) {
      const progress = this.states.map((state) => ({
        template: state.space.template,
        weight: state.weight,
        work: Math.max(1, state.task.macs),
        trials: state.issued + state.resumed,
        best: Number.isFinite(state.bestWorth) ? state.bestWorth : undefined,
        sinceBest: state.sinceBest,
        exhausted: state.exhausted,
      }));
      const state = this.states[nextTask(progress) ?? -1];
      if (!state) return undefined;
      this.parts.propose += (performance.now() - started) / 1000;
      const candidates = this.candidatesOf(state);
      if (candidates.length === 0) {
        state.exhausted = true;
        continue;
      }
      state.issued += candidates.length;
      this.issued += candidates.length;
      return { state, candidates };
    }
  }

  private candidatesOf(state: State): Candidate[] {
    // What a task weighs shows its default; until all are known, no other trial is spent.
    const batch = state.trials === 0 && state.defaultPending ? 1 : this.batch;
    const count = Math.min(batch, this.total - this.issued);
    const candidates: Candidate[] = [];
    if (state.defaultPending) {
      state.defaultPending = false;
      candidates.push(this.candidate(state, state.space.default));
      // The strategy must know that this point is taken.
      state.searcher.observe([{ config: state.space.default, cost: undefined }]);
    }
    for (let round = 0; round < PROPOSALS && candidates.length < count; round++) {
      const proposing = performance.now();
      const configs = state.searcher.propose(count - candidates.length);
      this.parts.propose += (performance.now() - proposing) / 1000;
      if (configs.length === 0) break;
      for (const config of configs) {
        const candidate = this.candidate(state, config);
        const { kernel } = candidate;
        if (!kernel.ok || scratchBytes(kernel.value) <= state.scratch) candidates.push(candidate);
        else state.searcher.observe([{ config, cost: undefined }]);
      }
    }
    return candidates;
  }

  private candidate(state: State, config: ScheduleConfig): Candidate {
    const lowering = performance.now();
    const kernel = this.lower(state, config);
    this.parts.lower += (performance.now() - lowering) / 1000;
    return { config, kernel, shared: state.weight > 1 };
  }

  private lower(state: State, config: ScheduleConfig): Candidate['kernel'] {
    try {
      return this.options.scheduler.lower(state.task.fused, this.options.target, config);
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      // A point that the templates cannot lower is a failed trial, not the end of a session of hours.
      return fail('cannot-lower', error instanceof Error ? error.message : String(error));
    }
  }

  private async prepare(state: State, candidates: readonly Candidate[]): Promise<Prepared | undefined> {
    const prepared = await this.measurer.prepare(state.task, candidates, this.parts, this.token);
    if (prepared.ok) return prepared.value;
    if (prepared.error.code !== 'cancelled') this.failure = prepared.error;
    return undefined;
  }

  /** Runs a batch, records and learns; false when the session cannot go on. */
  private async finish(state: State, prepared: Prepared): Promise<boolean> {
    const done = await prepared.run(this.token, (trial) => {
      this.take(state, trial);
    });
    if (!done.ok && done.error.code !== 'cancelled') this.failure ??= done.error;
    return done.ok && this.failure === undefined;
  }

  private take(state: State, trial: Trial): void {
    this.trials++;
    state.trials++;
    if (trial.verdict !== 'ok') this.failures[trial.verdict] = (this.failures[trial.verdict] ?? 0) + 1;
    const appended = this.options.records?.append([this.record(state, trial, new Date().toISOString())]);
    if (appended && !appended.ok) this.failure ??= appended.error;
    this.learn(state, trial.config, trial);
    this.report(state, trial);
  }

  private record(state: State, trial: Trial, time: string): TuningRecord {
    const { board, compiler, clock } = this.measurer;
    const { config, cost, cycles, bytes, verdict, kernel, flags, detail } = trial;
    return {
      version: recordVersion,
      task: state.task.key,
      template: state.space.template,
      config,
      board,
      compiler,
      flags,
      clock,
      cost,
      ...(cycles === undefined ? {} : { cycles }),
      ...(bytes === undefined ? {} : { bytes }),
      verdict,
      ...(detail === undefined ? {} : { detail }),
      kernel,
      seed: this.seed,
      time,
    };
  }

  private report(state: State, trial: Trial): void {
    const seconds = this.seconds();
    const byTrials = this.trials > 0 ? (seconds / this.trials) * (this.total - this.trials) : undefined;
    const byTime = this.options.seconds === undefined ? undefined : Math.max(0, this.options.seconds - seconds);
    const left = [byTrials, byTime].filter((value) => value !== undefined);
    this.options.onProgress?.({
      task: state.task.key,
      description: state.task.description,
      trials: this.trials,
      total: Number.isFinite(this.total)
        ? this.total
        : Math.round(this.trials * Math.max(1, (this.options.seconds ?? 0) / seconds)),
      last: { verdict: trial.verdict, cost: costOf(trial, this.objective.cost) },
      bestOfTask: state.bestCost,
      defaultTotal: this.totalOf((one) => one.defaultCost),
      bestTotal: this.totalOf((one) => one.bestCost),
      complete: this.states.every((one) => one.bestCost !== null),
      seconds,
      secondsLeft: left.length > 0 ? Math.min(...left) : undefined,
    });
  }

  private totalOf(cost: (state: State) => Cost | null): number {
    return this.states.reduce((sum, state) => sum + state.weight * (cost(state)?.value ?? 0), 0);
  }

  private summary(): TuneSummary {
    const seconds = this.seconds();
    return {
      tasks: this.states.map((state) => ({
        key: state.task.key,
        description: state.task.description,
        weight: state.weight,
        template: state.space.template,
        defaultCost: state.defaultCost,
        bestCost: state.bestCost,
        bestConfig: state.bestConfig,
        trials: state.trials,
        resumed: state.resumed,
      })),
      trials: this.trials,
      failures: this.failures,
      seconds,
      parts: this.parts,
      trialsPerSecond: seconds > 0 ? this.trials / seconds : 0,
      stopped: this.stop() ?? 'space',
      ...(this.failure ? { failure: this.failure } : {}),
    };
  }
}

/** Tasks with equal keys are one task with the sum of their weights. */
function merge(tasks: readonly WeightedTask[]): WeightedTask[] {
  const byKey = new Map<string, WeightedTask>();
  for (const one of tasks) {
    const known = byKey.get(one.task.key);
    const scratch = Math.min(known?.scratch ?? Infinity, one.scratch ?? Infinity);
    byKey.set(one.task.key, known ? { ...known, weight: known.weight + one.weight, scratch } : one);
  }
  // The ones with most work first: they come first when the budget is short.
  return [...byKey.values()].sort((a, b) => b.weight * b.task.macs - a.weight * a.task.macs);
}
