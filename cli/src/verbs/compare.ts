import { ok, type Failure, type Result } from '../../../compiler/src/base/result.ts';
import { LineIndex, resolveSpan } from '../../../compiler/src/base/span.ts';
import {
  compareFunctions,
  embeddingOfFunction,
  type Comparison,
  type Departure,
} from '../../../compiler/src/compare/compare.ts';
import { embeddingDistance, type Embedding } from '../../../compiler/src/compare/embedding.ts';
import { comparisonHeadline } from '../../../compiler/src/compare/headline.ts';
import { elaborate } from '../../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../../compiler/src/ir/expr.ts';
import { bindParams } from '../../../compiler/src/passes/bind-params.ts';
import { exit, type CommandIO, type ExitCode } from '../io.ts';
import { finish } from '../model.ts';
import { renderTable } from '../render.ts';
import { loadParams, loadSource, printDiagnostics, type LoadedSource } from '../source.ts';
import type { ParsedArguments, Verb } from '../verb.ts';

/** One program of a comparison. */
interface Side {
  readonly path: string;
  readonly name: string;
  readonly source: LoadedSource;
  readonly module: IRModule;
}

type Loaded = Result<Side, { readonly failure: Failure; readonly code: 1 | 2 }>;

/** `FILE` or `FILE@function`: the function behind the last `@` when it looks like a name. */
function splitName(text: string, fallback: string): { readonly path: string; readonly name: string } {
  const at = /^(.+)@([A-Za-z_][\w.]*)$/.exec(text);
  return at ? { path: at[1] ?? text, name: at[2] ?? fallback } : { path: text, name: fallback };
}

function load(text: string, params: string | undefined, args: ParsedArguments, io: CommandIO): Loaded {
  const { path, name } = splitName(text, args.text('function') ?? 'main');
  const stop = (failure: Failure, code: 1 | 2 = 1): Loaded => ({ ok: false, error: { failure, code } });
  const source = loadSource(path, io.token);
  if (!source.ok) return stop(source.error, 2);
  if (source.value.hasErrors) {
    printDiagnostics(source.value, io, io.err);
    return stop({
      code: 'program-has-errors',
      message: `${path} has errors.`,
      remedy: 'Correct the program first; `relay check` shows the same errors.',
    });
  }
  const elaborated = elaborate(source.value.check);
  if (!elaborated.ok) return stop(elaborated.error);
  if (params === undefined) return ok({ path, name, source: source.value, module: elaborated.value });
  const values = loadParams(params);
  if (!values.ok) return stop(values.error);
  const module = bindParams(elaborated.value, values.value, name);
  return module.ok ? ok({ path, name, source: source.value, module: module.value }) : stop(module.error);
}

interface Place {
  readonly line: number;
  readonly character: number;
}

function placeOf(side: Side, departure: Departure): Place | undefined {
  const [first] = departure.origin;
  if (first === undefined) return undefined;
  const { anchors, text } = side.source.view;
  return new LineIndex(text).position(resolveSpan(anchors, first).start);
}

const shownDepartures = 8;

function departureLines(title: string, side: Side, list: readonly Departure[]): readonly string[] {
  if (list.length === 0) return [];
  const rows = list.slice(0, shownDepartures).map((d) => {
    const at = placeOf(side, d);
    return `  ${at ? `${side.path}:${at.line + 1}:${at.character + 1}` : side.path}  ${d.what}`;
  });
  const more = list.length > shownDepartures ? [`  … and ${list.length - shownDepartures} more`] : [];
  return [title, ...rows, ...more];
}

function report(a: Side, b: Side, found: Comparison, args: ParsedArguments, io: CommandIO): ExitCode {
  const agreed = !['differ', 'unlike', 'unknown'].includes(found.verdict);
  if (args.flag('json')) {
    const places = (side: Side, list: readonly Departure[]) =>
      list.map((d) => ({ what: d.what, start: placeOf(side, d) ?? null }));
    const { verdict, distance, behaviour, reason } = found;
    const only = { onlyLeft: places(a, found.onlyLeft), onlyRight: places(b, found.onlyRight) };
    io.out(JSON.stringify({ verdict, distance, ...(behaviour && { behaviour }), ...(reason && { reason }), ...only }));
    return agreed ? exit.ok : exit.failed;
  }
  io.out(comparisonHeadline(found));
  io.out(`distance ${found.distance.toFixed(3)}`);
  for (const line of departureLines(`only in ${a.path}:`, a, found.onlyLeft)) io.out(line);
  for (const line of departureLines(`only in ${b.path}:`, b, found.onlyRight)) io.out(line);
  return agreed ? exit.ok : exit.failed;
}

/** Distances of each to each. */
function matrix(sides: readonly Side[], args: ParsedArguments, io: CommandIO): ExitCode {
  const points: Embedding[] = [];
  for (const side of sides) {
    const point = embeddingOfFunction(side.module, side.name, io.token);
    if (!point.ok) return finish({ failure: point.error, code: 2 }, args, io);
    points.push(point.value);
  }
  const distances = points.map((p) => points.map((q) => embeddingDistance(p, q)));
  const names = sides.map((s) => (s.name === 'main' ? s.path : `${s.path}@${s.name}`));
  if (args.flag('json')) io.out(JSON.stringify({ programs: names, distances }));
  else {
    const header = ['', ...names.map((_, i) => String(i + 1))];
    const rows = names.map((name, i) => [`${i + 1}  ${name}`, ...(distances[i] ?? []).map((d) => d.toFixed(3))]);
    io.out(renderTable(header, rows, io.columns));
  }
  return exit.ok;
}

export const compareVerb: Verb = {
  name: 'compare',
  summary: 'Tell whether programs mean the same, and how far apart they are.',
  usage: 'FILE[@NAME] FILE[@NAME]… [--params P]… [--inputs N] [--seed K] [--json]',
  options: {
    function: { type: 'string', value: 'NAME', summary: 'the function to compare (default main)' },
    params: {
      type: 'string',
      multiple: true,
      value: 'P',
      summary: 'the parameter file of the programs; given twice, one for each in order',
    },
    inputs: { type: 'string', value: 'N', summary: 'inputs to try where there is no proof (default 4; 0 for none)' },
    seed: { type: 'string', value: 'K', summary: 'seed of the inputs (default 1)' },
    json: { type: 'boolean', summary: 'print one JSON object' },
  },
  positionals: { min: 2, max: 1000 },
  run(args, io) {
    const samples = args.integer('inputs', { min: 0, max: 10_000 });
    if (!samples.ok) return finish({ failure: samples.error, code: 2 }, args, io);
    const seed = args.integer('seed', { min: 0, max: 2 ** 31 - 1 });
    if (!seed.ok) return finish({ failure: seed.error, code: 2 }, args, io);
    const params = args.texts('params');
    const sides: Side[] = [];
    for (const [i, file] of args.positionals.entries()) {
      const side = load(file, params.length > 1 ? params[i] : params[0], args, io);
      if (!side.ok) return finish(side.error, args, io);
      sides.push(side.value);
    }
    const [a, b] = sides;
    if (a === undefined || b === undefined || sides.length > 2) return matrix(sides, args, io);
    const found = compareFunctions(a, b, { samples: samples.value ?? 4, seed: seed.value ?? 1, token: io.token });
    return found.ok ? report(a, b, found.value, args, io) : finish({ failure: found.error, code: 2 }, args, io);
  },
};
