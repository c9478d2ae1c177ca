import path from 'node:path';
import { Cancelled } from '../../../compiler/src/base/cancellation.ts';
import { ok, type Result } from '../../../compiler/src/base/result.ts';
import { counted } from '../../../compiler/src/base/text.ts';
import type { CompiledModel } from '../../../compiler/src/pipeline/compile.ts';
import { digestRecords, noRecords, type RecordDigest } from '../../../compiler/src/records/best.ts';
import type { CostKind, Objective } from '../../../compiler/src/records/objective.ts';
import { backend } from '../../../compiler/src/pipeline/backend.ts';
import { codePriceIn } from '../../../compiler/src/pipeline/light-kernels.ts';
import { configKey } from '../../../compiler/src/schedule/task.ts';
import { scratchAllowances } from '../../../compiler/src/pipeline/scratch-allowance.ts';
import { RecordStore, strategies, tune, type TuneSummary } from '../../../tuner/src/index.ts';
import { targetNamed } from '../../../compiler/src/targets/targets.ts';
import { deployCompiled } from '../deployment.ts';
import { compileWithin } from '../flash-budget.ts';
import { inputsOrRandom } from '../inputs.ts';
import { ensureFolder, exit, type CommandIO, type ExitCode } from '../io.ts';
import {
  compileOptions,
  finish,
  loadModel,
  modelOptions,
  openBoard,
  readCompileOptions,
  type Bench,
  type BuildOptions,
  type Model,
  referenceFor,
  withBench,
} from '../model.ts';
import { costKindOf, noteUnused, recordsPath } from '../records.ts';
import { createProgress, type Progress } from '../progress.ts';
import type { ProgramReference } from '../reference.ts';
import { renderFailure } from '../render.ts';
import { printTuning, summaryJson, totalOf, type Measured } from '../tune-report.ts';
import type { ParsedArguments, Verb } from '../verb.ts';

interface Limits {
  readonly trials: number | undefined;
  readonly seconds: number | undefined;
  readonly seed: number;
  readonly batch: number | undefined;
}

function limitsOf(args: ParsedArguments): Result<Limits> {
  const trials = args.integer('trials', { min: 0, max: 1_000_000 });
  if (!trials.ok) return trials;
  const seconds = args.integer('seconds', { min: 1, max: 10_000_000 });
  if (!seconds.ok) return seconds;
  const seed = args.integer('seed', { min: 0, max: 2 ** 31 - 1 });
  if (!seed.ok) return seed;
  const batch = args.integer('batch', { min: 1, max: 256 });
  if (!batch.ok) return batch;
  return ok({ trials: trials.value, seconds: seconds.value, seed: seed.value ?? 0, batch: batch.value });
}

function openRecords(args: ParsedArguments, io: CommandIO): Result<RecordStore> {
  const file = recordsPath(args);
  const made = ensureFolder(path.dirname(file));
  if (!made.ok) return made;
  const store = RecordStore.open(file);
  if (store.ok) for (const notice of store.value.notices) io.err(`relay: ${file}:${notice.line}: ${notice.message}`);
  return store;
}

/** Compiles with `best` and runs on the board. */
async function measure(
  bench: Bench,
  model: Model,
  inputs: Parameters<typeof deployCompiled>[3],
  best: RecordDigest,
  options: BuildOptions,
  cost: CostKind,
  reference: ProgramReference,
  token: CommandIO['token'],
): Promise<Result<Measured>> {
  const compiled = await compileWithin(bench, model, best, token, options);
  if (!compiled.ok) return compiled;
  const board = await openBoard(bench.profile);
  if (!board.ok) return { ok: false, error: board.error.failure };
  try {
    const deployment = await deployCompiled(bench, board.value, compiled.value, inputs, {
      reference,
      layers: true,
      cycles: cost === 'cycles',
      token,
    });
    return deployment.ok ? ok({ compiled: compiled.value, deployment: deployment.value }) : deployment;
  } finally {
    await board.value.close();
  }
}

/** What a byte of flash is worth to a search. */
function priceOf(options: BuildOptions): number {
  const { codePrice, preset, flashBudget } = options;
  // With a limit, kernels that take less than the fastest are wanted beside them.
  const pressed = flashBudget !== undefined && codePrice === undefined && preset !== 'size';
  return (pressed ? pressedPrice : 1) * codePriceIn(options);
}

/** The price of a byte in a search with a limit of flash, in multiples of the default. */
const pressedPrice = 4;

async function search(
  args: ParsedArguments,
  bench: Bench,
  compiled: CompiledModel,
  objective: Objective,
  arenaBudget: number | undefined,
  records: RecordStore,
  limits: Limits,
  reference: ProgramReference,
  progress: Progress,
  io: CommandIO,
): Promise<Result<TuneSummary>> {
  const target = targetNamed(bench.profile.target);
  if (!target.ok) return target;
  const strategy = args.text('strategy');
  const scratch = scratchAllowances(compiled, arenaBudget);
  const unit = objective.cost === 'cycles' ? 'cycles' : bench.profile.timer.unit;
  const summary = await tune({
    tasks: compiled.kernels.map(({ task, config }, k) => ({ task, weight: 1, start: config, scratch: scratch[k] })),
    objective,
    board: bench.profile,
    target: target.value,
    scheduler: backend,
    records,
    reference: reference.ofKernel,
    seed: limits.seed,
    token: io.token,
    ...(strategy === undefined ? {} : { strategy }),
    ...(limits.trials === undefined ? {} : { trials: limits.trials }),
    ...(limits.seconds === undefined ? {} : { seconds: limits.seconds }),
    ...(limits.batch === undefined ? {} : { batch: limits.batch }),
    onProgress: (p) =>
      progress.show({
        event: 'trial',
        trial: p.trials,
        trials: p.total,
        task: p.description,
        // Until every kernel was measured once, the total is of a part of the program.
        ...(p.complete ? { best: { value: p.bestTotal, unit } } : {}),
        ...(p.secondsLeft === undefined ? {} : { secondsLeft: p.secondsLeft }),
      }),
  });
  progress.end();
  return summary;
}

async function runTune(args: ParsedArguments, io: CommandIO, bench: Bench): Promise<ExitCode> {
  const stop = (failure: Parameters<typeof renderFailure>[0], code: 1 | 2 = 1): ExitCode =>
    finish({ failure, code }, args, io);
  const limits = limitsOf(args);
  if (!limits.ok) return stop(limits.error, 2);
  const options = readCompileOptions(args);
  if (!options.ok) return stop(options.error, 2);
  // Limits of memory hold for the tuned build alone: before, its schedules may not be known.
  const { arenaBudget, flashBudget: _flash, ...unlimited } = options.value;
  const cost = costKindOf(args, bench.profile);
  if (!cost.ok) return stop(cost.error, 2);
  const progress = createProgress(args, io);
  const model = loadModel(args, io);
  if (!model.ok) return finish(model.error, args, io);
  const inputs = inputsOrRandom(model.value, args, limits.value.seed + 1);
  if (!inputs.ok) return stop(inputs.error);
  const records = openRecords(args, io);
  if (!records.ok) return stop(records.error);
  const reference = referenceFor(model.value, bench, options.value);
  try {
    const { profile, toolchain } = bench;
    progress.show({ event: 'phase', message: `Running ${model.value.name} untuned on ${profile.name}` });
    const before = await measure(
      bench,
      model.value,
      inputs.value.inputs,
      noRecords,
      unlimited,
      cost.value,
      reference,
      io.token,
    );
    if (!before.ok) return stop(before.error, before.error.code === 'missing-tool' ? 2 : 1);
    const filter = { board: profile.name, compiler: toolchain.version, cost: cost.value };
    const { kernels } = before.value.compiled;
    const known = digestRecords(records.value.records, filter);
    const notice = noteUnused(args, known, kernels, profile, io, 'They are measured now.');
    progress.show({ event: 'phase', message: `Tuning ${kernels.length} kernels` });
    const total = totalOf(before.value.deployment, cost.value);
    if (!total.ok) return stop(total.error);
    const objective = { cost: cost.value, bytePrice: priceOf(options.value) * total.value.value };
    const { compiled } = before.value;
    const summary = await search(
      args,
      bench,
      compiled,
      objective,
      typeof arenaBudget === 'number' ? arenaBudget : undefined,
      records.value,
      limits.value,
      reference,
      progress,
      io,
    );
    if (!summary.ok) return stop(summary.error, summary.error.code === 'missing-tool' ? 2 : 1);
    if (summary.value.failure) io.err(renderFailure(summary.value.failure, io.colour));
    const best = digestRecords(records.value.records, filter);
    // A cancelled search still ends in a verified run of the best that was found, if something was.
    if (summary.value.stopped === 'cancelled' && Object.keys(best.best).length === 0) throw new Cancelled();
    progress.show({ event: 'phase', message: 'Running the tuned model' });
    const after = await measure(bench, model.value, inputs.value.inputs, best, options.value, cost.value, reference, {
      isCancellationRequested: false,
    });
    if (!after.ok) return stop(after.error);
    const json = summaryJson(model.value, bench, records.value.path, before.value, after.value, summary.value, {
      cost: cost.value,
      best,
      options: options.value,
      notices: notice === undefined ? [] : [notice],
    });
    if (args.flag('json')) io.out(JSON.stringify(json));
    else printTuning(json, io);
    tellUnwritten(records.value, best, io);
    return after.value.deployment.matches && !summary.value.failure ? exit.ok : exit.failed;
  } finally {
    await reference.close();
    records.value.close();
  }
}

/** Prints the records of what was chosen that are not in the file, so that nothing found is lost. */
function tellUnwritten(records: RecordStore, { best }: RecordDigest, io: CommandIO): void {
  if (records.unwritten.length === 0) return;
  const chosen = records.unwritten.filter(({ task, config }) => {
    const found = best[task];
    return found !== undefined && configKey(found.config) === configKey(config);
  });
  io.err(`relay: ${counted(records.unwritten.length, 'trial')} could not be recorded in ${records.path}.`);
  if (chosen.length === 0) return;
  io.err('relay: Builds take the best of them when these lines are appended to it:');
  for (const record of chosen) io.err(JSON.stringify(record));
}

export const tuneVerb: Verb = {
  name: 'tune',
  summary: 'Time candidate kernels on the board, record every trial, and run the best build.',
  usage: 'FILE --params P --board B [--trials N] [--seconds S] [--seed K] [--records FILE] [--json]',
  options: {
    ...modelOptions,
    ...compileOptions,
    trials: { type: 'string', value: 'N', summary: 'new trials over all kernels (default 256)' },
    seconds: { type: 'string', value: 'S', summary: 'stop searching after so many seconds' },
    seed: { type: 'string', value: 'K', summary: 'seed of the search and of random inputs (default 0)' },
    strategy: {
      type: 'string',
      value: 'NAME',
      summary: `one of ${strategies.map((s) => s.name).join(', ')} (default model)`,
    },
    batch: { type: 'string', value: 'N', summary: 'trials of one image (default by the budget)' },
    input: { type: 'string', multiple: true, value: 'NAME=FILE', summary: 'an input for the runs before and after' },
  },
  positionals: { min: 1, max: 1 },
  stopsInOrder: true,
  run: (args, io) => withBench(args, io, (bench) => runTune(args, io, bench)),
};
