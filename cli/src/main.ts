/** The `relay` command: a table of verbs, help, and the mapping of failures to exit codes. */
import { Cancelled } from '../../compiler/src/base/cancellation.ts';
import { exit, type CommandIO } from './io.ts';
import { renderFailure } from './render.ts';
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

/** A token cancelled by the first Ctrl-C; the second ends the process at once. */
function interruptible(): CommandIO['token'] {
  const token = { isCancellationRequested: false };
  const onSignal = (): void => {
    if (token.isCancellationRequested) process.exit(130);
    token.isCancellationRequested = true;
    process.stderr.write('\nrelay: stopping; press Ctrl-C again to stop at once\n');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return token;
}

/** Runs one command and sets the process's exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that closes the pipe early (`relay … | head`) is no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const io: CommandIO = {
    out: (text) => void process.stdout.write(`${text}\n`),
    err: (text) => void process.stderr.write(`${text}\n`),
    token: interruptible(),
    colour: process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '',
  };
  process.exitCode = await dispatch(argv, io);
}

/** Chooses the verb and runs it; the seam for tests. */
export async function dispatch(argv: readonly string[], io: CommandIO): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.out(help());
    return name === undefined ? exit.usage : exit.ok;
  }
  if (name === '--version') {
    io.out(version);
    return exit.ok;
  }
  const verb = verbs.find((v) => v.name === name);
  if (!verb) {
    io.err(
      renderFailure(
        {
          code: 'usage',
          message: `There is no verb '${name}'.`,
          remedy: `Verbs: ${verbs.map((v) => v.name).join(', ')}`,
        },
        io.colour,
      ),
    );
    return exit.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(usageOf(verb));
    return exit.ok;
  }
  const parsed = parseVerb(verb, rest);
  if (!parsed.ok) {
    io.err(renderFailure(parsed.error, io.colour));
    return exit.usage;
  }
  try {
    const code = await verb.run(parsed.value, io);
    // As a shell reports an interrupted program, whatever could still be finished.
    return io.token.isCancellationRequested ? 130 : code;
  } catch (error) {
    if (error instanceof Cancelled || io.token.isCancellationRequested) {
      io.err('relay: cancelled');
      return 130;
    }
    throw error;
  }
}
