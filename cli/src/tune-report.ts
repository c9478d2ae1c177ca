/** What `relay tune` ends in: JSON for programs, and a table for a person who sees it for the first time. */
import type { CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import type { TuneSummary } from '../../tuner/src/index.ts';
import { memoryJson, type Deployment } from './deployment.ts';
import type { CommandIO } from './io.ts';
import type { Bench, Model } from './model.ts';
import { renderTable, thousands } from './render.ts';

/** A build with its run on the board. */
export type Measured = { readonly compiled: CompiledModel; readonly deployment: Deployment };

/** What a build takes of the board. */
function memoryOf({ compiled, deployment }: Measured): { readonly arena: number; readonly code: number } {
  return { arena: compiled.report.arena.bytes, code: deployment.image.size.code };
}

/** What `relay tune --json` prints. */
export function summaryJson(
  model: Model,
  bench: Bench,
  records: string,
  before: Measured,
  after: Measured,
  summary: TuneSummary,
) {
  const { profile } = bench;
  const { unit } = profile.timer;
  const { provenance } = profile;
  const figure = (value: number | undefined) => (value === undefined ? null : { value, unit, provenance });
  const untuned = before.deployment.run.layers ?? [];
  const tuned = after.deployment.run.layers ?? [];
  return {
    ok: after.deployment.matches && !summary.failure,
    model: model.name,
    board: profile.name,
    unit,
    provenance,
    total: { before: figure(before.deployment.run.cost), after: figure(after.deployment.run.cost) },
    memory: { before: memoryOf(before), after: memoryOf(after) },
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
    ...memoryJson(profile, after.deployment.image.size, after.compiled, after.deployment.run),
  };
}

export type TuningJson = ReturnType<typeof summaryJson>;

function ratio(before: number | undefined, after: number | undefined): string {
  return before === undefined || after === undefined || after === 0 ? '' : `${(before / after).toFixed(2)}×`;
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
  io.out(`\n${json.model} on ${json.board}: ${json.unit} for one inference (${json.provenance})\n`);
  io.out(renderTable(['kernel', 'untuned', 'tuned', 'speed-up'], rows));
  const failed = Object.entries(json.failures).map(([kind, n]) => `${n} ${kind}`);
  const rate = `${json.trialsPerSecond.toFixed(1)} a second`;
  io.out(
    `\n${json.trials} trials in ${json.seconds.toFixed(1)} s (${rate})${failed.length > 0 ? `; not counted: ${failed.join(', ')}` : ''}`,
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
  io.out(`records: ${json.records}`);
  io.out(
    json.matches
      ? '✓ The output on the board matches the reference.'
      : `✗ The output on the board DIFFERS: ${json.difference ?? ''}.`,
  );
}
