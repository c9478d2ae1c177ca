/** The table that `relay tune` ends in, for a person who sees it for the first time. */
import type { CommandIO } from './io.ts';
import { renderTable, thousands } from './render.ts';
import type { TuningJson } from './verbs/tune.ts';

function ratio(before: number | undefined, after: number | undefined): string {
  return before === undefined || after === undefined || after === 0 ? '' : `${(before / after).toFixed(2)}×`;
}

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
