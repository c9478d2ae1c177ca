import type { Diagnostic, Fix } from '../../../compiler/src/base/diagnostic.ts';
import type { Failure } from '../../../compiler/src/base/result.ts';
import { resolveSpan, type Span } from '../../../compiler/src/base/span.ts';
import { catalogueCodes, catalogueEntry } from '../../../compiler/src/check/catalogue.ts';
import { callsOf } from '../../../compiler/src/check/calls.ts';
import { nearest } from '../../../compiler/src/base/nearest.ts';
import { printTvmType } from '../../../compiler/src/types/print-tvm.ts';
import { checkParameters } from '../parameters.ts';
import { answerLines, noFilesWithLines } from '../jsonl.ts';
import { exit, type CommandIO, type ExitCode } from '../io.ts';
import { fixAll } from '../fixing.ts';
import { unifiedDiff } from '../line-diff.ts';
import { finish } from '../model.ts';
import { counted } from '../../../compiler/src/base/text.ts';
import { printable, renderFailure, renderFinding } from '../render.ts';
import { programFiles } from '../program-files.ts';
import { replaceFile } from '../replace-file.ts';
import { loadParams, loadSource, loadText, printDiagnostics, repairsOf, type LoadedSource } from '../source.ts';
import { differencesOf, withExpectations } from '../verifying.ts';
import type { ParsedArguments, Verb } from '../verb.ts';
import { explainAt } from '../explain.ts';

/** Diagnostics as the JSON that scripts read: LSP positions, zero-based. Keys are only ever added. */
function diagnosticsJson(source: LoadedSource, repairs: (diagnostic: Diagnostic) => readonly Fix[]): readonly object[] {
  const place = (span: Span): object => {
    const range = resolveSpan(source.view.anchors, span);
    return { start: source.view.lines.position(range.start), end: source.view.lines.position(range.end) };
  };
  return source.diagnostics.map((d) => {
    const fixes = [...(d.fixes ?? []), ...repairs(d)].map(({ title, edits }) => ({
      title,
      edits: edits.map(({ span, newText }) => ({ ...place(span), newText })),
    }));
    return {
      code: d.code,
      severity: d.severity,
      message: d.message,
      ...(d.remedy ? { remedy: d.remedy } : {}),
      ...place(d.span),
      ...(d.related && d.related.length > 0
        ? { related: d.related.map(({ span, message }) => ({ message, ...place(span) })) }
        : {}),
      ...(fixes.length > 0 ? { fixes } : {}),
    };
  });
}

function resultJson(source: LoadedSource, repairs: (diagnostic: Diagnostic) => readonly Fix[] = () => []): object {
  const globals = Object.fromEntries([...source.check.globals].map(([name, type]) => [name, printTvmType(type)]));
  return {
    ok: !source.hasErrors,
    diagnostics: diagnosticsJson(source, repairs),
    globals,
    calls: callsOf(source.check),
  };
}

async function checkLines(args: ParsedArguments, io: CommandIO): Promise<ExitCode> {
  await answerLines(io, (request) => {
    if (typeof request.text !== 'string') return { id: request.id ?? null, error: 'no "text"' };
    return { id: request.id ?? null, ...resultJson(loadText('input', request.text, io.token, !args.flag('lenient'))) };
  });
  return exit.ok;
}

/** What is counted over all files of a command. */
interface Tally {
  errors: number;
  warnings: number;
  /** Files that could not be read or written. */
  unreadable: number;
  fixed: number;
  differences: number;
}

type Complain = (failure: Failure) => void;

/** Applies fixes, or expectations with `--verify`, and gives the file as it is then; undefined after a failure. */
function fixFile(
  file: string,
  source: LoadedSource,
  args: ParsedArguments,
  io: CommandIO,
  tally: Tally,
  complain: Complain,
): LoadedSource | undefined {
  const { text } = source.view;
  const { text: after, applied } = args.flag('verify')
    ? { text: withExpectations(source), applied: [] }
    : fixAll({ text, check: source.check }, source.options, args.flag('repair'));
  if (after === text) return source;
  const quiet = args.flag('json');
  for (const { code, title, position } of quiet ? [] : applied)
    io.out(`${source.view.name}:${position.line + 1}:${position.character + 1}: fixed[${code}]: ${printable(title)}`);
  tally.fixed += applied.length;
  if (args.flag('dry-run') || file === '-') {
    if (!quiet) io.out(unifiedDiff(source.view.name, text, after));
  } else {
    const written = replaceFile(file, after);
    if (!written.ok) {
      tally.unreadable++;
      complain(written.error);
      return undefined;
    }
  }
  return loadText(source.view.name, after, io.token, args.flag('strict'), file);
}

function verifyFile(source: LoadedSource, io: CommandIO, tally: Tally): void {
  for (const { kind, range, message } of differencesOf(source)) {
    tally.differences++;
    io.out(renderFinding(source.view, range, kind, message, io.colour));
  }
}

function checkFiles(args: ParsedArguments, io: CommandIO): ExitCode {
  const json: object[] = [];
  const tally: Tally = { errors: 0, warnings: 0, unreadable: 0, fixed: 0, differences: 0 };
  const complain: Complain = (failure) => {
    tally.errors++;
    io.err(renderFailure(failure, io.colour));
  };
  const at = args.text('explain');
  const { files, problems } = programFiles(args.positionals);
  for (const problem of problems) {
    tally.unreadable++;
    complain(problem);
    json.push({ ok: false, error: problem });
  }
  for (const file of files) {
    const loaded = loadSource(file, io.token, args.flag('strict'));
    if (!loaded.ok) {
      tally.unreadable++;
      complain(loaded.error);
      json.push({ file, ok: false, error: loaded.error });
      continue;
    }
    const fixing = args.flag('fix') || args.flag('repair');
    const source = fixing ? fixFile(file, loaded.value, args, io, tally, complain) : loaded.value;
    if (!source) continue;
    if (args.flag('verify')) {
      verifyFile(source, io, tally);
      continue;
    }
    tally.errors += source.diagnostics.filter((d) => d.severity === 'error').length;
    tally.warnings += source.diagnostics.filter((d) => d.severity === 'warning').length;
    const paramsPath = args.text('params');
    const params = paramsPath === undefined ? undefined : loadParams(paramsPath);
    const misfits =
      params === undefined ? [] : params.ok ? checkParameters(source.check, params.value) : [params.error];
    misfits.forEach(complain);
    if (at !== undefined) {
      const explained = explainAt(source, at);
      if (explained.ok) io.out(explained.value);
      else complain(explained.error);
    } else if (args.flag('json')) {
      const result = resultJson(source, (diagnostic) => repairsOf(source, diagnostic));
      json.push({ file, ...result, ...(misfits.length > 0 ? { ok: false, params: misfits } : {}) });
    } else {
      printDiagnostics(source, io, io.out);
    }
  }
  if (args.flag('verify')) return verdictOfVerification(files.length, io, tally);
  if (args.flag('json')) io.out(JSON.stringify(json.length === 1 ? json[0] : { ok: tally.errors === 0, files: json }));
  else if (at === undefined) io.out(summary(files.length, args.flag('dry-run'), tally));
  if (tally.errors === 0) return exit.ok;
  return tally.unreadable === tally.errors ? exit.usage : exit.failed;
}

function summary(files: number, dry: boolean, tally: Tally): string {
  const fixed = tally.fixed === 0 ? '' : `; ${counted(tally.fixed, 'fix')} ${dry ? 'to apply' : 'applied'}`;
  return `${counted(files, 'file')} checked: ${counted(tally.errors, 'error')}, ${counted(tally.warnings, 'warning')}${fixed}`;
}

function verdictOfVerification(count: number, io: CommandIO, tally: Tally): ExitCode {
  const files = counted(count, 'file');
  io.out(
    tally.differences === 0
      ? `${files} verified: what is expected is what is found`
      : `${files} verified: ${counted(tally.differences, 'difference')} between what is expected and what is found`,
  );
  if (tally.unreadable > 0) return exit.usage;
  return tally.differences === 0 ? exit.ok : exit.failed;
}

/** What the catalogue says of a code. */
function explainCode(code: string, args: ParsedArguments, io: CommandIO): ExitCode {
  const entry = catalogueEntry(code);
  if (!entry) {
    const message = `There is no diagnostic with the code '${code}'.`;
    const close = nearest(code, catalogueCodes());
    const remedy = close === undefined ? 'Codes stand in brackets behind messages.' : `Did you mean '${close}'?`;
    return finish({ failure: { code: 'usage', message, remedy }, code: 2 }, args, io);
  }
  const { title, explanation, wrong, right, files } = entry;
  const others = Object.entries(files ?? {}).map(([name, text]) => `\n\nWith ${name}:\n${text}`);
  io.out(`${code}: ${title}\n\n${explanation}${others.join('')}\n\nWrong:\n${wrong}\n\nRight:\n${right}`);
  return exit.ok;
}

export const checkVerb: Verb = {
  name: 'check',
  summary: 'Check syntax, types and shapes of .relay files.',
  usage: 'FILE|FOLDER… [--params P] [--fix] [--verify] [--json] | --jsonl | --explain CODE; - is standard input',
  options: {
    params: { type: 'string', value: 'P', summary: 'a parameter file that main must be able to take' },
    explain: {
      type: 'string',
      value: 'WHAT',
      summary: 'LINE:COL: how each dimension of the expression there came to be; CODE: about a diagnostic',
    },
    fix: { type: 'boolean', summary: 'apply the fixes of slips that have one remedy, and tell of each' },
    repair: { type: 'boolean', summary: 'also apply shape repairs where a single one fits (implies --fix)' },
    'dry-run': { type: 'boolean', summary: 'with --fix: show what would change and write nothing' },
    verify: {
      type: 'boolean',
      summary: 'compare with `expected-error {{code}}` comments; with --fix add those that are missing',
    },
    strict: { type: 'boolean', summary: 'accept only what TVM 0.12 accepts: extensions are errors' },
    lenient: { type: 'boolean', summary: 'with --jsonl: admit the extensions, which strict TVM text has not' },
    code: { type: 'string', value: 'CODE', summary: 'the same as --explain CODE' },
    json: { type: 'boolean', summary: 'print one JSON object' },
    jsonl: { type: 'boolean', summary: 'read {"id","text"} lines from standard input, answer each with a line' },
  },
  positionals: { min: 0, max: 10000 },
  run(args, io) {
    if (args.flag('jsonl') && args.positionals.length === 0) return checkLines(args, io);
    if (args.flag('jsonl')) return finish({ failure: noFilesWithLines('check'), code: 2 }, args, io);
    const asked = args.text('explain');
    const code = args.text('code') ?? (asked !== undefined && /^[a-z]/.test(asked) ? asked : undefined);
    if (code !== undefined) return explainCode(code, args, io);
    if (args.positionals.length === 0) {
      const remedy = 'relay check FILE…, or --jsonl for lines on standard input.';
      return finish({ failure: { code: 'usage', message: 'No file to check.', remedy }, code: 2 }, args, io);
    }
    return checkFiles(args, io);
  },
};
