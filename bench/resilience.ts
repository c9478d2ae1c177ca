/**
 * Hovers that stay as they were when one token elsewhere is deleted, inserted or changed.
 *
 *   npx tsx bench/resilience.ts [--edits 2000] [--seed 1]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { corpusPrograms, unchangedHovers } from './support/edits.ts';
import { table } from './support/measure.ts';

const { values } = parseArgs({
  options: { edits: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});
const programs = corpusPrograms(fileURLToPath(new URL('../', import.meta.url)));
const shares = unchangedHovers(programs, Number(values.edits), Number(values.seed));
const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
if (programs.length === 0) console.log('../shared/conformance is absent; nothing to edit.');
else
  console.log(
    table([{ section: 'resilience', name: 'hovers unchanged', value: mean, unit: '%', goal: 95, atLeast: true }]),
  );
