/** What build, deploy and tune share: a model's files, the board, the records, and compilation with the best records. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { connectBoard, memoryOf, Toolchain, type Board, type BoardProfile } from '../../boards/src/index.ts';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import { LineIndex } from '../../compiler/src/base/span.ts';
import { inlineImports, type ImportingProgram } from '../../compiler/src/check/inline-imports.ts';
import type { CompileFailure } from '../../compiler/src/passes/fuse.ts';
import type { IntegerSolver } from '../../compiler/src/memory/integer-program.ts';
import { lowerForBoard, type ProgramRequest } from '../../compiler/src/pipeline/board-build.ts';
import { codePriceOf } from '../../compiler/src/pipeline/light-kernels.ts';
import { modelOf, type CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import type { RecordDigest } from '../../compiler/src/records/best.ts';
import { loadSolver } from './exact-solver.ts';
import { readInput, shownPath, type CommandIO, type ExitCode } from './io.ts';
import { checkParameters } from './parameters.ts';
import { chooseProfile } from './profiles.ts';
import { ProgramReference } from './reference.ts';
import { peakText } from './memory-text.ts';
import { counted } from '../../compiler/src/base/text.ts';
import { renderFailure, thousands } from './render.ts';
import { loadParams, loadText, printDiagnostics, type LoadedSource } from './source.ts';
import type { OptionSpec, ParsedArguments } from './verb.ts';

/** Options that build, deploy and tune have in common. */
export const modelOptions = {
  params: { type: 'string', value: 'P', summary: 'the parameter file that holds the weights' },
  board: { type: 'string', value: 'B', summary: 'a board of `relay boards`, or a profile file (default mps2-an386)' },
  records: { type: 'string', value: 'FILE', summary: 'tuning records (default .relay/records.jsonl)' },
  json: { type: 'boolean', summary: 'print one JSON object' },
  name: { type: 'string', value: 'NAME', summary: 'the program’s name in C (default: the stem of FILE)' },
  progress: { type: 'string', value: 'FORM', summary: 'progress on stderr: text (default), json, none' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** A failure that ends a verb, with the exit code it deserves. */
export type Ending = { readonly failure: Failure; readonly code: 1 | 2 };

/** Failures that are about the command, not the program: wrong usage, whatever verb finds them. */
const usageCodes = new Set(['usage', 'cannot-read', 'cannot-write', 'not-text']);

/** Prints an ending: as JSON on stdout when asked for, and for people on stderr. */
export function finish(ending: Ending, args: ParsedArguments, io: CommandIO): 1 | 2 {
  if (args.flag('json')) io.out(JSON.stringify({ ok: false, error: ending.failure }));
  io.err(renderFailure(ending.failure, io.colour));
  return usageCodes.has(ending.failure.code) ? 2 : ending.code;
}

export interface Model {
  readonly path: string;
  /** The file's stem. */
  readonly name: string;
  readonly text: string;
  readonly source: LoadedSource;
  readonly params: ReadonlyMap<string, NDArray>;
}

function importing(source: LoadedSource): ImportingProgram {
  return {
    tree: source.check.tree,
    text: source.view.text,
    imports: (name, from) => source.options.imports?.(name, from),
    textOf: (tree) => source.imported.get(tree),
  };
}

/** Weights that lie beside the program are easily forgotten: without them they are inputs. */
function noteParams(file: string, io: CommandIO): void {
  const beside = file === '-' ? undefined : path.join(path.dirname(file), `${path.parse(file).name}.params`);
  if (beside !== undefined && existsSync(beside))
    io.err(`relay: ${beside} is not used: its tensors are inputs of @main. Bind them with --params ${beside}`);
}

/** What the program is called: `--name`, else the stem of its file; standard input has none. */
export function modelName(args: ParsedArguments): string {
  const file = args.positionals[0] ?? '-';
  return args.text('name') ?? (file === '-' ? 'model' : path.parse(file).name);
}

/** Reads (`-`: standard input) and checks the model and its parameters; prints the diagnostics when there are errors. */
export function loadModel(
  args: ParsedArguments,
  io: CommandIO,
): { readonly ok: true; readonly value: Model } | { readonly ok: false; readonly error: Ending } {
  const file = args.positionals[0] ?? '';
  const stop = (failure: Failure, code: 1 | 2 = 1) => ({ ok: false, error: { failure, code } }) as const;
  const text = readInput(file);
  if (!text.ok) return stop(text.error, 2);
  const own = loadText(shownPath(file), text.value, io.token, false, file);
  const whole = own.hasErrors ? ok(text.value) : inlineImports(importing(own));
  if (!whole.ok) return stop(whole.error);
  const source = whole.value === text.value ? own : loadText(shownPath(file), whole.value, io.token);
  if (source.hasErrors) {
    printDiagnostics(source, io, io.err);
    const count = source.diagnostics.filter((d) => d.severity === 'error').length;
    return stop({
      code: 'program-has-errors',
      message: `${shownPath(file)} has ${counted(count, 'error')}.`,
      remedy: 'Correct the program first; `relay check` shows the same errors.',
    });
  }
  const paramsPath = args.text('params');
  if (args.takes('params') && paramsPath === undefined) noteParams(file, io);
  const params = paramsPath === undefined ? ok(new Map<string, NDArray>()) : loadParams(paramsPath);
  if (!params.ok) return stop(params.error);
  const problems = checkParameters(source.check, params.value);
  const [first] = problems;
  if (first && problems.length === 1) return stop(first);
  if (first) {
    const shown = problems.slice(0, 3).map((p) => p.message);
    const more = problems.length > shown.length ? ` … and ${problems.length - shown.length} more.` : '';
    return stop({
      code: first.code,
      message: `${problems.length} of the ${params.value.size} tensors in ${paramsPath ?? ''} do not fit @main: ${shown.join(' ')}${more}`,
      remedy: 'Use the parameter file that was saved with this model.',
    });
  }
  return {
    ok: true,
    value: {
      path: file,
      name: modelName(args),
      text: whole.value,
      source,
      params: params.value,
    },
  };
}

/** Compiles with the given configs, for the memory that the board has. Fails when a budget is not met. */
export async function compile(...args: Parameters<typeof compileOnce>): Promise<Result<CompiledModel>> {
  const [model, , , , given = {}] = args;
  return limited(model, given, await compileNear(...args));
}

/**
 * The same with an arena as near to its budget as there is one. Where it is not proved to be the smallest, once more with
 * an exact solver.
 */
export async function compileNear(...args: Parameters<typeof compileOnce>): Promise<Result<CompiledModel>> {
  const [model, profile, records, token, options] = args;
  const compiled = compileOnce(...args);
  // Whether the program fits the board is for the linker to say.
  if (!compiled.ok || compiled.value.report.arena.optimal) return compiled;
  const solver = await loadSolver();
  return solver === undefined ? compiled : compileOnce(model, profile, records, token, options, solver);
}

/** A failure when the arena is larger than what is allowed. */
function limited(
  model: Model,
  { arenaBudget }: CompileOptions,
  compiled: Result<CompiledModel>,
): Result<CompiledModel> {
  if (!compiled.ok || typeof arenaBudget !== 'number') return compiled;
  const { arena } = compiled.value.report;
  if (arena.bytes <= arenaBudget) return compiled;
  const [bytes, allowed, over] = [arena.bytes, arenaBudget, arena.bytes - arenaBudget].map(thousands);
  return fail(
    'arena-too-large',
    `The arena of ${model.name} takes ${bytes ?? ''} bytes, ${over ?? ''} more than the ${allowed ?? ''} that are allowed, under the schedules with least memory. Tightest is ${arena.peak.kernel}: ${peakText(arena)}.`,
    `Allow ${bytes ?? ''} bytes (--arena ${arena.bytes}), or make the tensors there smaller.`,
  );
}

/** The place of a failure is put in front of its message. */
function compileOnce(
  model: Model,
  profile: BoardProfile,
  records: RecordDigest,
  token: CommandIO['token'],
  options: CompileOptions = {},
  solver?: IntegerSolver,
): Result<CompiledModel> {
  const target = targetNamed(profile.target);
  if (!target.ok) return target;
  const { text, params, name } = model;
  const request = { text, params, target: target.value, name, token, ...options };
  const lowered = lowerForBoard(request, { records, memory: memoryOf(profile), solver }, 'c');
  return lowered.ok ? ok(modelOf(lowered.value, request)) : { ok: false, error: placed(model, lowered.error) };
}

/** What a command may ask of compilation. */
export type CompileOptions = Pick<
  ProgramRequest,
  'preset' | 'lineFile' | 'arenaBudget' | 'codePrice' | 'inTurns' | 'withoutPasses'
>;

/** With limits that only the linked program shows. */
export interface BuildOptions extends CompileOptions {
  readonly flashBudget?: number;
}

/** Options of build, deploy and tune about how a model is compiled. */
export const compileOptions = {
  arena: { type: 'string', value: 'N', summary: 'bytes that activations and scratch memory may take at most' },
  flash: { type: 'string', value: 'N', summary: 'bytes that code and constants may take at most' },
  size: { type: 'boolean', summary: 'least code: smaller schedules, -Os' },
  'code-price': {
    type: 'string',
    value: 'PERCENT',
    summary: 'time that a kilobyte of code has to save (default 0.25; 0: the fastest code)',
  },
  cost: {
    type: 'string',
    value: 'UNIT',
    summary: 'what records are compared by: the timer’s unit, or modelled `cycles`',
  },
  'no-turns': { type: 'boolean', summary: 'kernels run one behind the other: somewhat faster, more memory' },
  'without-pass': { type: 'string', multiple: true, value: 'NAME', summary: 'leave a pass out (`constant-channels`)' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** Reads them. */
export function readCompileOptions(args: ParsedArguments): Result<BuildOptions> {
  const arena = args.integer('arena', { min: 1, max: 2 ** 31 - 1 });
  if (!arena.ok) return arena;
  const flash = args.integer('flash', { min: 1, max: 2 ** 31 - 1 });
  if (!flash.ok) return flash;
  const percent = args.text('code-price');
  const price = percent === undefined ? undefined : Number(percent);
  if (price !== undefined && !(percent?.trim() !== '' && price >= 0 && price <= 100))
    return fail('usage', `--code-price is a number of percent from 0 to 100, not \`${percent}\`.`);
  return ok({
    ...(arena.value === undefined ? {} : { arenaBudget: arena.value }),
    ...(flash.value === undefined ? {} : { flashBudget: flash.value }),
    ...(price === undefined ? {} : { codePrice: codePriceOf(price) }),
    ...(args.flag('size') ? { preset: 'size' as const } : {}),
    ...(args.flag('no-turns') ? { inTurns: false } : {}),
    withoutPasses: args.texts('without-pass'),
  });
}

/** A compile failure with its place in the source in front of the message. */
export function placed(model: Model, failure: CompileFailure): Failure {
  const { code, message, remedy, range } = failure;
  const plain = remedy === undefined ? { code, message } : { code, message, remedy };
  if (!range) return plain;
  const at = new LineIndex(model.text).position(range.start);
  return { ...plain, message: `${model.path}:${at.line + 1}:${at.character + 1}: ${message}` };
}

export interface Bench {
  readonly profile: BoardProfile;
  readonly toolchain: Toolchain;
}

/** The chosen board's profile and compiler. */
async function openBench(
  args: ParsedArguments,
): Promise<{ readonly ok: true; readonly value: Bench } | { readonly ok: false; readonly error: Ending }> {
  const profile = chooseProfile(args.text('board'));
  if (!profile.ok) return { ok: false, error: { failure: profile.error, code: 2 } };
  const toolchain = await Toolchain.open(profile.value);
  if (!toolchain.ok) return { ok: false, error: { failure: toolchain.error, code: 2 } };
  return { ok: true, value: { profile: profile.value, toolchain: toolchain.value } };
}

/** Runs `work` with the bench that the arguments name, and closes it. */
export async function withBench(
  args: ParsedArguments,
  io: CommandIO,
  work: (bench: Bench) => Promise<ExitCode>,
): Promise<ExitCode> {
  const bench = await openBench(args);
  if (!bench.ok) return finish(bench.error, args, io);
  try {
    return await work(bench.value);
  } finally {
    await bench.value.toolchain.close();
  }
}

/** The reference of a model whose kernels are a board's. Close it. */
export function referenceFor(
  { text, params }: Model,
  { profile }: Bench,
  options: CompileOptions = {},
): ProgramReference {
  return new ProgramReference({ text, params, target: profile.target, withoutPasses: options.withoutPasses ?? [] });
}

/** Connects to the board; a missing emulator is wrong set-up (2), a lost board a failure (1). */
export async function openBoard(
  profile: BoardProfile,
): Promise<{ readonly ok: true; readonly value: Board } | { readonly ok: false; readonly error: Ending }> {
  const board = await connectBoard(profile);
  if (board.ok) return board;
  return { ok: false, error: { failure: board.error, code: board.error.code === 'missing-tool' ? 2 : 1 } };
}
