/** What `relay tune` ends in: JSON for programs, and a table for a person who sees it for the first time. */
import type { CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { counted } from '../../compiler/src/base/text.ts';
import type { TuneSummary } from '../../tuner/src/index.ts';
import type { CostKind } from '../../compiler/src/records/objective.ts';
import type { RecordDigest } from '../../compiler/src/records/best.ts';
import { concessionsOf } from './concessions.ts';
import { costFigure, memoryJson, type Deployment, type Figure } from './deployment.ts';
import type { CommandIO } from './io.ts';
import type { Bench, BuildOptions, Model } from './model.ts';
import { renderTable, thousands } from './render.ts';

/** How a tuned build was chosen. */
export interface Choosing {
  readonly cost: CostKind;
  readonly best: RecordDigest;
  readonly options: BuildOptions;
  /** What was said of records that do not apply. */
  readonly notices: readonly string[];
}

/** A build with its run on the board. */
export type Measured = { readonly compiled: CompiledModel; readonly deployment: Deployment };

/** What a build takes of the board. */
function memoryOf({ compiled, deployment }: Measured): Readonly<Record<'arena' | 'code' | 'flash', number>> {
  const { code, flash } = deployment.image.size;
  return { arena: compiled.report.arena.bytes, code, flash };
}

/** The cost of a run, of the kind that was tuned for. Fails with `no-cycle-model` where its cycles are not known. */
export function totalOf({ run, cycles }: Deployment, kind: CostKind): Result<Figure> {
  if (kind === 'timer') return ok(costFigure(run));
  if (cycles === undefined) return fail('no-cycle-model', 'The cycles of the run are not known.');
  return cycles.ok ? ok({ value: cycles.value.cycles, unit: 'cycles', provenance: 'emulated' }) : cycles;
}

/** Modelled cycles of each kernel. */
function cyclesOf({ cycles }: Deployment): readonly number[] | undefined {
  return cycles?.ok === true ? cycles.value.layers?.map((layer) => layer.cycles) : undefined;
}

/** What `relay tune --json` prints. */
export function summaryJson(
  model: Model,
  bench: Bench,
  records: string,
  before: Measured,
  after: Measured,
  summary: TuneSummary,
  { cost, best, options, notices }: Choosing,
) {
  const { profile } = bench;
  const unit = cost === 'cycles' ? 'cycles' : profile.timer.unit;
  const { provenance } = profile;
  const figure = (value: number | undefined) => (value === undefined ? null : { value, unit, provenance });
  const layersOf = ({ deployment }: Measured): readonly number[] =>
    (cost === 'cycles' ? cyclesOf(deployment) : deployment.run.layers) ?? [];
  const total = ({ deployment }: Measured): Figure | null => {
    const found = totalOf(deployment, cost);
    return found.ok ? found.value : null;
  };
  const untuned = layersOf(before);
  const tuned = layersOf(after);
  return {
    ok: after.deployment.matches && !summary.failure,
    model: model.name,
    board: profile.name,
    unit,
    provenance,
    total: { before: total(before), after: total(after) },
    memory: { before: memoryOf(before), after: memoryOf(after) },
    limits: { arena: options.arenaBudget ?? null, flash: options.flashBudget ?? null },
    givenUp: concessionsOf(after.compiled.kernels, best),
    layers: after.compiled.kernels.map((kernel, i) => ({
      name: kernel.step.fused.name,
      description: kernel.task.description,
      task: kernel.task.key,
      macs: kernel.task.macs,
      before: figure(untuned[i]),
      after: figure(tuned[i]),
      config: kernel.config,
    })),
    matches: after.deployment.matches,
    ...(after.deployment.difference === undefined ? {} : { difference: after.deployment.difference }),
    trials: summary.trials,
    seconds: summary.seconds,
    trialsPerSecond: summary.trialsPerSecond,
    parts: summary.parts,
    failures: summary.failures,
    stopped: summary.stopped,
    ...(summary.failure ? { failure: summary.failure } : {}),
    tasks: summary.tasks,
    records,
    ...(notices.length === 0 ? {} : { notices }),
    ...memoryJson(profile, after.deployment.image.size, after.compiled, after.deployment.run),
  };
}

export type TuningJson = ReturnType<typeof summaryJson>;

function ratio(before: number | undefined, after: number | undefined): string {
  return before === undefined || after === undefined || after === 0 ? '' : `${(before / after).toFixed(2)}×`;
}

/** What was asked of memory, and what it costs. */
function givenUpText({ givenUp, limits, layers, total, unit }: TuningJson): string[] {
  const asked = [
    ...(limits.arena === null ? [] : [`arena ≤ ${thousands(Number(limits.arena))} B`]),
    ...(limits.flash === null ? [] : [`flash ≤ ${thousands(limits.flash)} B`]),
  ];
  const kept = asked.length > 0 ? [`limits kept: ${asked.join(', ')}`] : [];
  if (givenUp.kernels === 0) return kept;
  const part =
    total.after && total.after.value > 0 ? ` (${((100 * givenUp.cost) / total.after.value).toFixed(1)} %)` : '';
  const flash = `${thousands(Math.abs(givenUp.flash))} B ${givenUp.flash < 0 ? 'more' : 'less'} flash`;
  return [
    ...kept,
    `given up for memory: ${givenUp.kernels} of ${layers.length} kernels are not the fastest measured, ${thousands(givenUp.cost)} ${unit}${part} for ${flash}`,
  ];
}

/** Prints the table. */
export function printTuning(json: TuningJson, io: CommandIO): void {
  const { before, after } = json.total;
  const rows = json.layers.map((layer) => [
    layer.description,
    layer.before ? thousands(layer.before.value) : '',
    layer.after ? thousands(layer.after.value) : '',
    ratio(layer.before?.value, layer.after?.value),
  ]);
  rows.push([
    'whole model',
    before ? thousands(before.value) : '',
    after ? thousands(after.value) : '',
    ratio(before?.value, after?.value),
  ]);
  const how = json.unit === 'cycles' && json.provenance === 'emulated' ? 'emulated, by a model' : json.provenance;
  io.out(`\n${json.model} on ${json.board}: ${json.unit} for one inference (${how})\n`);
  io.out(renderTable(['kernel', 'untuned', 'tuned', 'speed-up'], rows, io.columns));
  const failed = Object.entries(json.failures).map(([kind, n]) => `${n} ${kind}`);
  const rate = `${json.trialsPerSecond.toFixed(1)} a second`;
  io.out(
    `\n${counted(json.trials, 'trial')} in ${json.seconds.toFixed(1)} s (${rate})${failed.length > 0 ? `; not counted: ${failed.join(', ')}` : ''}`,
  );
  if (json.stopped === 'cancelled') io.out('Stopped early; everything measured so far is in the records.');
  const ram = json.ram as { readonly used: number; readonly arena: number };
  const flash = json.flash as { readonly used: number; readonly constants: number };
  io.out(
    `RAM ${thousands(ram.used)} B (arena ${thousands(ram.arena)}), flash ${thousands(flash.used)} B (constants ${thousands(flash.constants)})`,
  );
  const { before: first, after: last } = json.memory;
  io.out(
    `untuned → tuned: arena ${thousands(first.arena)} → ${thousands(last.arena)} B, code ${thousands(first.code)} → ${thousands(last.code)} B`,
  );
  for (const line of givenUpText(json)) io.out(line);
  io.out(`records: ${json.records}`);
  io.out(
    json.matches
      ? '✓ The output on the board matches the reference.'
      : `✗ The output on the board DIFFERS: ${json.difference ?? ''}.`,
  );
}
