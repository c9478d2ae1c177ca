import { resolveSpan, LineIndex } from '../../../compiler/src/base/span.ts';
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import { format } from '../../../compiler/src/format/format.ts';
import { parseSource } from '../../../compiler/src/syntax/parser.ts';
import { exit, readInput, shownPath, type CommandIO, type ExitCode } from '../io.ts';
import { unifiedDiff } from '../line-diff.ts';
import { programFiles } from '../program-files.ts';
import { replaceFile } from '../replace-file.ts';
import { renderFailure } from '../render.ts';
import type { ParsedArguments, Verb } from '../verb.ts';

/** The text before and after; a text with syntax errors is refused as a whole. */
function formatFile(file: string): Result<{ readonly before: string; readonly after: string }> {
  const text = readInput(file);
  if (!text.ok) return text;
  const tree = parseSource(text.value);
  const error = tree.errors.find((x) => x.severity === 'error' && x.code !== 'missing-version');
  if (error) {
    const { line, character } = new LineIndex(text.value).position(resolveSpan(tree.anchors, error.span).start);
    return fail(
      'syntax-errors',
      `${shownPath(file)} is not formatted because of an error at ${line + 1}:${character + 1}: ${error.message}`,
      `See: relay check ${file}`,
    );
  }
  const formatted = format(text.value, { tree });
  return formatted.ok ? ok({ before: text.value, after: formatted.value.text }) : formatted;
}

function run(args: ParsedArguments, io: CommandIO): ExitCode {
  let code: ExitCode = exit.ok;
  let changed = 0;
  let printed = false;
  const complain = (failure: Parameters<typeof renderFailure>[0]): void => {
    // A program that is wrong weighs more than a file that cannot be read.
    const unreadable = ['cannot-read', 'cannot-write', 'not-text'].includes(failure.code);
    code = unreadable && code !== exit.failed ? exit.usage : exit.failed;
    io.err(renderFailure(failure, io.colour));
  };
  const { files, problems } = programFiles(args.positionals);
  problems.forEach(complain);
  for (const file of files) {
    if (io.token.isCancellationRequested) break;
    const result = formatFile(file);
    if (!result.ok) {
      complain(result.error);
      continue;
    }
    const { before, after } = result.value;
    if (args.flag('stdout') || (file === '-' && !args.flag('check') && !args.flag('diff'))) {
      printed = true;
      // `out` ends the line itself.
      io.out(after.replace(/\n$/, ''));
      continue;
    }
    if (before === after) continue;
    changed++;
    if (args.flag('check')) {
      code = exit.failed;
      io.out(shownPath(file));
      continue;
    }
    if (args.flag('diff')) {
      io.out(unifiedDiff(shownPath(file), before, after));
      continue;
    }
    const written = replaceFile(file, after);
    if (written.ok) io.out(`formatted ${file}`);
    else complain(written.error);
  }
  if (!printed && changed === 0 && code === exit.ok) io.out('nothing to change');
  return code;
}

export const fmtVerb: Verb = {
  name: 'fmt',
  summary: 'Format .relay files; comments and tokens stay as they are.',
  usage: 'FILE|FOLDER… [--check | --diff | --stdout]; - is standard input',
  options: {
    check: { type: 'boolean', summary: 'list the files that would change and write nothing; exit status 1 if any' },
    diff: { type: 'boolean', summary: 'print what would change and write nothing' },
    stdout: { type: 'boolean', summary: 'print the formatted text and write nothing' },
  },
  positionals: { min: 1, max: 10000 },
  run,
};
