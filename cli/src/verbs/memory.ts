import type { CompiledModel } from '../../../compiler/src/pipeline/compile.ts';
import { costFigure, deployCompiled } from '../deployment.ts';
import { inputsOrRandom } from '../inputs.ts';
import { exit, type CommandIO, type ExitCode } from '../io.ts';
import { peakText } from '../memory-text.ts';
import {
  compileNear,
  finish,
  loadModel,
  modelOptions,
  openBoard,
  type Bench,
  withBench,
  referenceFor,
} from '../model.ts';
import { createProgress } from '../progress.ts';
import { noteUnused, readRecords } from '../records.ts';
import { renderTable, thousands } from '../render.ts';
import type { ParsedArguments, Verb } from '../verb.ts';

/** From one plan to the next, at least this part of the arena is asked for less. */
const step = 1 / 16;

/** Larger than any arena: the fastest plan, whatever it takes. */
const unlimited = 2 ** 31 - 1;

async function memory(args: ParsedArguments, io: CommandIO, bench: Bench): Promise<ExitCode> {
  const progress = createProgress(args, io);
  const model = loadModel(args, io);
  if (!model.ok) return finish(model.error, args, io);
  const inputs = inputsOrRandom(model.value, args, 1);
  if (!inputs.ok) return finish({ failure: inputs.error, code: 1 }, args, io);
  const { profile, toolchain } = bench;
  const records = readRecords(args, profile, toolchain.version, io);
  if (!records.ok) return finish({ failure: records.error, code: 1 }, args, io);
  const plans = new Map<number, CompiledModel>();
  const byDefault = await compileNear(model.value, profile, records.value, io.token);
  if (!byDefault.ok) return finish({ failure: byDefault.error, code: 1 }, args, io);
  noteUnused(args, records.value, byDefault.value.kernels, profile, io);
  for (let budget = unlimited; ;) {
    const asked = budget === unlimited ? 'without a limit' : `within ${thousands(budget)} bytes`;
    progress.show({ event: 'phase', message: `Compiling ${model.value.name} ${asked}` });
    const compiled = await compileNear(model.value, profile, records.value, io.token, { arenaBudget: budget });
    if (!compiled.ok) return finish({ failure: compiled.error, code: 1 }, args, io);
    const { bytes } = compiled.value.report.arena;
    if (!plans.has(bytes)) plans.set(bytes, compiled.value);
    if (bytes > budget || bytes === 0) break;
    budget = Math.max(1, Math.floor(bytes * (1 - step)));
  }
  // What a build does when nothing is asked for is one of the points.
  const usual = byDefault.value.report.arena.bytes;
  plans.set(usual, byDefault.value);
  const board = await openBoard(profile);
  if (!board.ok) return finish(board.error, args, io);
  const points = [];
  const reference = referenceFor(model.value, bench);
  try {
    for (const [bytes, compiled] of [...plans].sort(([a], [b]) => b - a)) {
      progress.show({ event: 'phase', message: `Running with ${thousands(bytes)} bytes on ${profile.name}` });
      const deployed = await deployCompiled(bench, board.value, compiled, inputs.value.inputs, {
        reference,
        layers: false,
        token: io.token,
      });
      const { arena } = compiled.report;
      const turns = arena.streams.reduce((sum, s) => sum + s.kernels.length, 0);
      points.push({ bytes, usual: bytes === usual, turns, arena, deployed });
    }
  } finally {
    progress.end();
    await reference.close();
    await board.value.close();
  }
  const json = points.map(({ bytes, usual: isDefault, turns, arena, deployed }) => ({
    arena: bytes,
    default: isDefault,
    kernelsInTurns: turns,
    lowerBound: arena.lowerBound,
    peak: arena.peak,
    ...(deployed.ok
      ? { total: costFigure(deployed.value.run), matches: deployed.value.matches }
      : { total: null, failure: deployed.error }),
  }));
  const matches = points.every((p) => !p.deployed.ok || p.deployed.value.matches);
  if (args.flag('json')) {
    io.out(JSON.stringify({ ok: matches, model: model.value.name, board: profile.name, points: json }));
    return matches ? exit.ok : exit.failed;
  }
  const costs = json.flatMap((p) => (p.total === null ? [] : [p.total.value]));
  const [first] = json.flatMap((p) => (p.total === null ? [] : [p.total]));
  const fastest = Math.min(...costs);
  const rows = json.map((p) => [
    thousands(p.arena),
    p.total === null ? '–' : thousands(p.total.value),
    p.total === null ? '' : `+${((100 * p.total.value) / fastest - 100).toFixed(1)} %`,
    p.kernelsInTurns === 0 ? '' : String(p.kernelsInTurns),
    p.default ? 'default' : '',
    p.total === null ? (p.failure.code === 'does-not-fit' ? `does not fit ${profile.name}` : p.failure.message) : '',
  ]);
  const unit = first === undefined ? 'cost' : `${first.unit} (${first.provenance})`;
  io.out(`${model.value.name} on ${profile.name}: memory of activations and scratch against time`);
  io.out(renderTable(['arena B', unit, 'more', 'kernels in turns', '', ''], rows, io.columns));
  const last = points.at(-1);
  if (last !== undefined)
    io.out(`least: ${last.arena.peak.kernel} needs ${thousands(last.arena.lowerBound)} B: ${peakText(last.arena)}`);
  return matches ? exit.ok : exit.failed;
}

export const memoryVerb: Verb = {
  name: 'memory',
  summary: 'Print how little memory a model can do with on a board, and what less memory costs.',
  usage: 'FILE --params P --board B [--input NAME=FILE]… [--json]',
  options: {
    ...modelOptions,
    input: {
      type: 'string',
      multiple: true,
      value: 'NAME=FILE',
      summary: 'an input: .npy, or raw little-endian elements',
    },
  },
  positionals: { min: 1, max: 1 },
  run: (args, io) => withBench(args, io, (bench) => memory(args, io, bench)),
};
