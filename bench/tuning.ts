/**
 * How fast and how well the tuner searches: `node --import tsx bench/tuning.ts [MODEL.relay MODEL.params] [--trials N]
 * [--board B] [--strategies model,random] [--seeds K]`. Prints one row a strategy and seed: instructions with default
 * and best schedules, trials a second, and the seconds of each part. Without a model: `kws_int8` and `ad_int8` of the
 * models folder beside the project, when it is there.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findProfile, type BoardProfile } from '../boards/src/index.ts';
import { backend } from '../compiler/src/pipeline/backend.ts';
import { compileModel } from '../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../compiler/src/targets/targets.ts';
import { tune } from '../tuner/src/index.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    trials: { type: 'string', default: '128' },
    board: { type: 'string', default: 'mps2-an386' },
    strategies: { type: 'string', default: 'model,random' },
    seeds: { type: 'string', default: '1' },
  },
});

interface Model {
  readonly name: string;
  readonly text: string;
  readonly params: Uint8Array;
}

function models(): Model[] {
  const [relay, params] = positionals;
  const folder = path.resolve(root, '../shared/models');
  const files =
    relay !== undefined && params !== undefined
      ? [[relay, params] as const]
      : ['kws_int8', 'ad_int8'].map(
          (name) => [path.join(folder, `${name}.relay`), path.join(folder, `${name}.params`)] as const,
        );
  return files.flatMap(([text, weights]) => {
    if (!existsSync(text) || !existsSync(weights)) {
      console.error(`skipped: ${text} or its parameter file is not there`);
      return [];
    }
    const name = path.basename(text, '.relay');
    return [{ name, text: readFileSync(text, 'utf8'), params: new Uint8Array(readFileSync(weights)) }];
  });
}

async function row(model: Model, board: BoardProfile, strategy: string, seed: number): Promise<void> {
  const target = targetNamed(board.target);
  if (!target.ok) throw new Error(target.error.message);
  const compiled = compileModel({ text: model.text, params: model.params, target: target.value, name: model.name });
  if (!compiled.ok) throw new Error(`${model.name}: ${compiled.error.message}`);
  const tasks = compiled.value.kernels.map(({ task }) => ({ task, weight: 1 }));
  const trials = Number(values.trials);
  const tuned = await tune({ tasks, board, target: target.value, scheduler: backend, strategy, seed, trials });
  if (!tuned.ok) throw new Error(tuned.error.message);
  const { parts, ...summary } = tuned.value;
  const total = (pick: 'defaultCost' | 'bestCost'): number =>
    summary.tasks.reduce((sum, task) => sum + task.weight * (task[pick]?.value ?? 0), 0);
  const cells = [
    model.name.padEnd(10),
    strategy.padEnd(7),
    `seed ${seed}`,
    `${total('defaultCost').toLocaleString('en-US')} → ${total('bestCost').toLocaleString('en-US')} ${board.timer.unit} (${board.provenance})`,
    `${summary.trials} trials in ${summary.seconds.toFixed(1)} s = ${summary.trialsPerSecond.toFixed(1)}/s`,
    Object.entries(parts)
      .map(([part, seconds]) => `${part} ${seconds.toFixed(2)} s`)
      .join(', '),
    `failures ${JSON.stringify(summary.failures)}`,
  ];
  console.log(cells.join(' | '));
}

const board = findProfile(values.board);
if (!board.ok) throw new Error(board.error.message);
for (const model of models()) {
  for (const strategy of values.strategies.split(',')) {
    for (let seed = 0; seed < Number(values.seeds); seed++) await row(model, board.value, strategy, seed);
  }
}
