import { resolveSpan } from '../../../compiler/src/base/span.ts';
import { catalogueEntry } from '../../../compiler/src/check/catalogue.ts';
import { callsOf } from '../../../compiler/src/check/calls.ts';
import { printTvmType } from '../../../compiler/src/types/print-tvm.ts';
import { checkParameters } from '../parameters.ts';
import { answerLines } from '../jsonl.ts';
import { exit, type CommandIO, type ExitCode } from '../io.ts';
import { renderFailure } from '../render.ts';
import { loadParams, loadSource, loadText, printDiagnostics, type LoadedSource } from '../source.ts';
import type { ParsedArguments, Verb } from '../verb.ts';
import { explainAt } from '../explain.ts';

/** Diagnostics as the JSON that scripts read: LSP positions, zero-based. */
function diagnosticsJson(source: LoadedSource): readonly object[] {
  return source.diagnostics.map((d) => {
    const range = resolveSpan(source.view.anchors, d.span);
    return {
      code: d.code,
      severity: d.severity,
      message: d.message,
      ...(d.remedy ? { remedy: d.remedy } : {}),
      start: source.view.lines.position(range.start),
      end: source.view.lines.position(range.end),
    };
  });
}

function resultJson(source: LoadedSource): object {
  const globals = Object.fromEntries([...source.check.globals].map(([name, type]) => [name, printTvmType(type)]));
  return { ok: !source.hasErrors, diagnostics: diagnosticsJson(source), globals, calls: callsOf(source.check) };
}

async function checkLines(args: ParsedArguments, io: CommandIO): Promise<ExitCode> {
  await answerLines(io, (request) => {
    if (typeof request.text !== 'string') return { id: request.id ?? null, error: 'no "text"' };
    return { id: request.id ?? null, ...resultJson(loadText('input', request.text, io.token, !args.flag('lenient'))) };
  });
  return exit.ok;
}

function checkFiles(args: ParsedArguments, io: CommandIO): ExitCode {
  const json: object[] = [];
  let errors = 0;
  let warnings = 0;
  let unreadable = 0;
  const complain = (failure: Parameters<typeof renderFailure>[0]): void => {
    errors++;
    io.err(renderFailure(failure, io.colour));
  };
  for (const path of args.positionals) {
    const loaded = loadSource(path, io.token, args.flag('strict'));
    if (!loaded.ok) {
      unreadable++;
      complain(loaded.error);
      json.push({ file: path, ok: false, error: loaded.error });
      continue;
    }
    const source = loaded.value;
    errors += source.diagnostics.filter((d) => d.severity === 'error').length;
    warnings += source.diagnostics.filter((d) => d.severity === 'warning').length;
    const paramsPath = args.text('params');
    const params = paramsPath === undefined ? undefined : loadParams(paramsPath);
    const problems =
      params === undefined ? [] : params.ok ? checkParameters(source.check, params.value) : [params.error];
    problems.forEach(complain);
    const at = args.text('explain');
    if (at !== undefined) {
      const explained = explainAt(source, at);
      if (explained.ok) io.out(explained.value);
      else complain(explained.error);
    } else if (args.flag('json')) {
      json.push({ file: path, ...resultJson(source), ...(problems.length > 0 ? { ok: false, params: problems } : {}) });
    } else {
      printDiagnostics(source, io, io.out);
    }
  }
  if (args.flag('json')) io.out(JSON.stringify(json.length === 1 ? json[0] : { ok: errors === 0, files: json }));
  else if (args.text('explain') === undefined) {
    const count = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;
    io.out(
      `${count(args.positionals.length, 'file')} checked: ${count(errors, 'error')}, ${count(warnings, 'warning')}`,
    );
  }
  if (errors === 0) return exit.ok;
  return unreadable === errors ? exit.usage : exit.failed;
}

/** What the catalogue says of a code. */
function explainCode(code: string, io: CommandIO): ExitCode {
  const entry = catalogueEntry(code);
  if (!entry) {
    const message = `There is no diagnostic with the code '${code}'.`;
    io.err(renderFailure({ code: 'usage', message, remedy: 'Codes stand in brackets behind messages.' }, io.colour));
    return exit.usage;
  }
  const { title, explanation, wrong, right } = entry;
  io.out(`${code}: ${title}\n\n${explanation}\n\nWrong:\n${wrong}\n\nRight:\n${right}`);
  return exit.ok;
}

export const checkVerb: Verb = {
  name: 'check',
  summary: 'Check syntax, types and shapes of .relay files.',
  usage: 'FILE… [--params P] [--json] | --jsonl | --code CODE',
  options: {
    params: { type: 'string', value: 'P', summary: 'a parameter file that main must be able to take' },
    explain: {
      type: 'string',
      value: 'LINE:COL',
      summary: 'tell how each dimension of the expression there came to be',
    },
    strict: { type: 'boolean', summary: 'accept only what TVM 0.12 accepts: extensions are errors' },
    lenient: { type: 'boolean', summary: 'with --jsonl: admit the extensions, which strict TVM text has not' },
    code: { type: 'string', value: 'CODE', summary: 'tell about a diagnostic, with a wrong and a right program' },
    json: { type: 'boolean', summary: 'print one JSON object' },
    jsonl: { type: 'boolean', summary: 'read {"id","text"} lines from standard input, answer each with a line' },
  },
  positionals: { min: 0, max: 10000 },
  run(args, io) {
    if (args.flag('jsonl')) return checkLines(args, io);
    const code = args.text('code');
    if (code !== undefined) return explainCode(code, io);
    if (args.positionals.length === 0) {
      io.err(
        renderFailure(
          {
            code: 'usage',
            message: 'No file to check.',
            remedy: 'relay check FILE…, or --jsonl for lines on standard input.',
          },
          io.colour,
        ),
      );
      return exit.usage;
    }
    return checkFiles(args, io);
  },
};
