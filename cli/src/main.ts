/** The `relay` command: a table of verbs, help, and the mapping of failures to exit codes. */
import { Cancelled, neverCancelled } from '../../compiler/src/base/cancellation.ts';
import type { Failure } from '../../compiler/src/base/result.ts';
import { nearest } from '../../compiler/src/base/nearest.ts';
import { exit, fileFailure, type CommandIO } from './io.ts';
import { renderFailure } from './render.ts';
import { stopInOrder } from './signals.ts';
import { parseVerb, usageOf, type Verb } from './verb.ts';
import { boardsVerb } from './verbs/boards.ts';
import { buildVerb } from './verbs/build.ts';
import { checkVerb } from './verbs/check.ts';
import { compareVerb } from './verbs/compare.ts';
import { deployVerb } from './verbs/deploy.ts';
import { doctorVerb } from './verbs/doctor.ts';
import { fmtVerb } from './verbs/fmt.ts';
import { gradVerb } from './verbs/grad.ts';
import { lowerVerb } from './verbs/lower.ts';
import { lspVerb } from './verbs/lsp.ts';
import { memoryVerb } from './verbs/memory.ts';
import { runVerb } from './verbs/run.ts';
import { stagesVerb } from './verbs/stages.ts';
import { tuneVerb } from './verbs/tune.ts';
import { version } from './version.ts';

export const verbs: readonly Verb[] = [
  checkVerb,
  fmtVerb,
  runVerb,
  compareVerb,
  gradVerb,
  lowerVerb,
  stagesVerb,
  buildVerb,
  deployVerb,
  tuneVerb,
  memoryVerb,
  boardsVerb,
  doctorVerb,
  lspVerb,
];

function help(): string {
  const rows = verbs.map((v) => `  ${v.name.padEnd(8)} ${v.summary}`);
  return [
    'usage: relay VERB [ARGUMENT…]',
    '',
    'Checks, runs, lowers, builds, tunes and deploys Relay programs.',
    '',
    ...rows,
    '',
    'relay VERB --help tells more. Exit status: 0 fine, 1 the program has errors or a comparison failed,',
    '2 wrong usage or a missing tool.',
  ].join('\n');
}

/** Runs one command and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const io: CommandIO = {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    token: verbNamed(argv[0])?.stopsInOrder === true ? stopInOrder() : neverCancelled,
    columns: process.stdout.isTTY ? process.stdout.columns || undefined : undefined,
    colour: process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '',
  };
  const onOutputError = (error: NodeJS.ErrnoException): never => {
    // A reader that closes the pipe early (`relay … | head`) is no error of ours.
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`${renderFailure(fileFailure('standard output', error, 'write').error, false)}\n`);
    process.exit(exit.usage);
  };
  process.stdout.on('error', onOutputError);
  try {
    process.exitCode = await dispatch(argv, io);
  } catch (error) {
    // Files are written at once: what goes wrong with standard output there is thrown.
    if (isOutputError(error)) onOutputError(error);
    process.exitCode = unexpected(error, io);
  }
}

function isOutputError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && error.syscall === 'write' && !('path' in error);
}

/** An exception is a fault of this program. Its trace is for those who mend it. */
function unexpected(error: unknown, io: CommandIO): number {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = 'Please report it with the program and the command; RELAY_TRACE=1 prints where it happened.';
  io.err(renderFailure({ code: 'internal', message: `This is a fault of relay: ${message}`, remedy }, false));
  if ((process.env.RELAY_TRACE ?? '') !== '' && error instanceof Error) io.err(error.stack ?? '');
  return exit.usage;
}

function verbNamed(name: string | undefined): Verb | undefined {
  return verbs.find((v) => v.name === name);
}

/** Wrong usage: said on standard error, and to scripts as the JSON object that they asked for. */
function refuse(failure: Failure, argv: readonly string[], io: CommandIO): number {
  if (argv.includes('--json')) io.out(JSON.stringify({ ok: false, error: failure }));
  io.err(renderFailure(failure, io.colour));
  return exit.usage;
}

function unknownVerb(name: string): Failure {
  const close = nearest(
    name,
    verbs.map((v) => v.name),
  );
  const list = `Verbs: ${verbs.map((v) => v.name).join(', ')}.`;
  const remedy = close === undefined ? list : `Did you mean 'relay ${close}'? ${list}`;
  return { code: 'usage', message: `There is no verb '${name}'.`, remedy };
}

const cancelled: Failure = { code: 'cancelled', message: 'Cancelled.' };

/** Chooses the verb and runs it; the seam for tests. */
export async function dispatch(argv: readonly string[], io: CommandIO): Promise<number> {
  const [name, ...rest] = argv;
  const helped = name === 'help' ? rest[0] : undefined;
  if (name === undefined || (name === 'help' && helped === undefined) || name === '--help' || name === '-h') {
    io.out(help());
    return name === undefined ? exit.usage : exit.ok;
  }
  if (name === '--version' || name === '-V') {
    io.out(version);
    return exit.ok;
  }
  const verb = verbNamed(helped ?? name);
  if (!verb) return refuse(unknownVerb(helped ?? name), rest, io);
  if (helped !== undefined || rest.includes('--help') || rest.includes('-h')) {
    io.out(usageOf(verb));
    return exit.ok;
  }
  const parsed = parseVerb(verb, rest);
  if (!parsed.ok) return refuse(parsed.error, rest, io);
  try {
    const code = await verb.run(parsed.value, io);
    // As a shell reports an interrupted program, whatever could still be finished.
    return io.token.isCancellationRequested ? 130 : code;
  } catch (error) {
    if (error instanceof Cancelled || io.token.isCancellationRequested) {
      // Whatever a failure says after a cancellation is about the cancellation.
      if (rest.includes('--json')) io.out(JSON.stringify({ ok: false, error: cancelled }));
      io.err('relay: cancelled');
      return 130;
    }
    throw error;
  }
}
