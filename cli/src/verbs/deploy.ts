import type { CycleFigure, CycleReport } from '../../../boards/src/index.ts';
import { costFigure, deployCompiled, memoryJson, type Deployment } from '../deployment.ts';
import { compileWithin } from '../flash-budget.ts';
import { inputsOrRandom, randomNote } from '../inputs.ts';
import { exit, type CommandIO, type ExitCode } from '../io.ts';
import {
  compileOptions,
  finish,
  loadModel,
  modelOptions,
  openBoard,
  readCompileOptions,
  type Bench,
  withBench,
  referenceFor,
} from '../model.ts';
import { createProgress } from '../progress.ts';
import { noteUnused, readRecords } from '../records.ts';
import { renderTable, thousands } from '../render.ts';
import { renderTensor } from '../tensor-text.ts';
import { tensorJson } from '../tensors.ts';
import type { ParsedArguments, Verb } from '../verb.ts';

async function deploy(args: ParsedArguments, io: CommandIO, bench: Bench): Promise<ExitCode> {
  const progress = createProgress(args, io);
  const seed = args.integer('seed', { min: 0, max: 2 ** 31 - 1 });
  if (!seed.ok) return finish({ failure: seed.error, code: 2 }, args, io);
  const model = loadModel(args, io);
  if (!model.ok) return finish(model.error, args, io);
  const inputs = inputsOrRandom(model.value, args, seed.value ?? 1);
  if (!inputs.ok) return finish({ failure: inputs.error, code: 1 }, args, io);
  const { profile, toolchain } = bench;
  const records = readRecords(args, profile, toolchain.version, io);
  if (!records.ok) return finish({ failure: records.error, code: 1 }, args, io);
  progress.show({ event: 'phase', message: `Compiling ${model.value.name} for ${profile.name}` });
  const options = readCompileOptions(args);
  if (!options.ok) return finish({ failure: options.error, code: 2 }, args, io);
  const compiled = await compileWithin(bench, model.value, records.value, io.token, options.value);
  if (!compiled.ok) return finish({ failure: compiled.error, code: 1 }, args, io);
  const notice = noteUnused(args, records.value, compiled.value.kernels, profile, io);
  const board = await openBoard(profile);
  if (!board.ok) return finish(board.error, args, io);
  const reference = referenceFor(model.value, bench);
  let deployed;
  try {
    progress.show({ event: 'phase', message: `Loading and running on ${profile.name}` });
    deployed = await deployCompiled(bench, board.value, compiled.value, inputs.value.inputs, {
      reference,
      layers: !args.flag('no-layers'),
      cycles: args.flag('cycles'),
      token: io.token,
    });
  } finally {
    await reference.close();
    await board.value.close();
  }
  if (!deployed.ok) return finish({ failure: deployed.error, code: 1 }, args, io);
  const { run, outputs, matches, difference, image } = deployed.value;
  const modelled = modelledOf(deployed.value);
  const names = compiled.value.report.layers.map((l) => l.name);
  const json = {
    ok: matches,
    model: model.value.name,
    board: profile.name,
    outputs: outputs.map(({ name, array }) => ({ name, ...tensorJson(array) })),
    matches,
    ...(difference === undefined ? {} : { difference }),
    instructions: run.unit === 'instructions' ? run.cost : null,
    ...cyclesJson(deployed.value),
    ...noticesJson(deployed.value, notice),
    total: costFigure(run),
    unit: run.unit,
    provenance: run.provenance,
    randomInputs: inputs.value.random,
    tunedKernels: compiled.value.report.layers.filter((l) => l.choice === 'tuned').length,
    layers: (run.layers ?? []).map((value, i) => ({
      name: names[i] ?? `kernel ${i}`,
      after: { value, unit: run.unit, provenance: run.provenance },
      ...(modelled?.layers?.[i] === undefined ? {} : { cycles: cycleFigure(modelled.layers[i]) }),
    })),
    ...memoryJson(profile, image.size, compiled.value, run),
  };
  if (args.flag('json')) io.out(JSON.stringify(json));
  else printDeployment(deployed.value, json.layers, inputs.value.random, io);
  return matches ? exit.ok : exit.failed;
}

function modelledOf({ cycles }: Deployment): CycleReport | undefined {
  return cycles?.ok === true ? cycles.value : undefined;
}

/** A modelled figure as reports show it: never to be taken for a measurement. */
function cycleFigure({ cycles, least, most }: CycleFigure): object {
  return { value: cycles, least, most, unit: 'cycles', provenance: 'emulated', source: 'model' };
}

/** Measured cycles where the board counts them, else modelled ones where they were asked for. */
function cyclesJson(d: Deployment): {
  readonly cycles: number | null;
  readonly cycleModel?: object;
} {
  if (d.run.unit === 'cycles') return { cycles: d.run.cost };
  const modelled = modelledOf(d);
  if (modelled !== undefined)
    return {
      cycles: modelled.cycles,
      cycleModel: { ...cycleFigure(modelled), kinds: modelled.kinds, stalls: modelled.stalls },
    };
  return { cycles: null };
}

/** Why cycles were not modelled, and which records were not used. */
function noticesJson({ cycles }: Deployment, records: string | undefined): { readonly notices?: readonly string[] } {
  const notices = [
    ...(cycles?.ok === false ? [cycles.error.message] : []),
    ...(records === undefined ? [] : [records]),
  ];
  return notices.length === 0 ? {} : { notices };
}

function printDeployment(
  d: Deployment,
  layers: readonly { readonly name: string; readonly after: { readonly value: number } }[],
  random: readonly string[],
  io: CommandIO,
): void {
  const { run } = d;
  const modelled = modelledOf(d);
  if (layers.length > 0) {
    io.out(
      renderTable(
        ['kernel', run.unit, ...(modelled?.layers ? ['cycles (model)'] : [])],
        layers.map((l, i) => {
          const cycles = modelled?.layers?.[i]?.cycles;
          return [l.name, thousands(l.after.value), ...(cycles === undefined ? [] : [thousands(cycles)])];
        }),
        io.columns,
      ),
    );
    io.out('');
  }
  if (random.length > 0) io.out(`input: ${randomNote(random)}`);
  for (const { name, array } of d.outputs) io.out(`${name}: ${renderTensor(array)}`);
  io.out(`${thousands(run.cost)} ${run.unit} (${run.provenance})`);
  if (modelled !== undefined)
    io.out(
      `${thousands(modelled.cycles)} cycles (emulated, by the model of a Cortex-M4; on silicon expect between ${thousands(modelled.least)} and ${thousands(modelled.most)})`,
    );
  else if (d.cycles?.ok === false) io.err(`relay: no modelled cycles: ${d.cycles.error.message}`);
  io.out(d.matches ? 'The output matches the reference.' : `The output DIFFERS from the reference: ${d.difference}.`);
}

export const deployVerb: Verb = {
  name: 'deploy',
  summary: 'Build with the best records, load, run on the board, and compare with the evaluator.',
  usage: 'FILE --params P --board B [--input NAME=FILE]… [--cycles] [--json]',
  options: {
    ...modelOptions,
    ...compileOptions,
    input: {
      type: 'string',
      multiple: true,
      value: 'NAME=FILE',
      summary: 'an input: .npy, or raw little-endian elements',
    },
    seed: { type: 'string', value: 'N', summary: 'seed of the random values for inputs that are not given' },
    cycles: { type: 'boolean', summary: 'model the cycles of an emulated Cortex-M4 as well' },
    'no-layers': { type: 'boolean', summary: 'leave out the profiling run that counts each kernel' },
  },
  positionals: { min: 1, max: 1 },
  stopsInOrder: true,
  run: (args, io) => withBench(args, io, (bench) => deploy(args, io, bench)),
};
