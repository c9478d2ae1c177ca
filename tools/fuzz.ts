/**
 * Random edits, parsed and checked again and afresh: nothing may throw, hang or differ. Prints what failed; exit code 1.
 *
 *     npx tsx tools/fuzz.ts [--edits 10000] [--seed 1]
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { corpusPrograms, fuzz } from '../bench/support/edits.ts';

const { values } = parseArgs({
  options: { edits: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const programs = corpusPrograms(fileURLToPath(new URL('../', import.meta.url)));
if (programs.length === 0) console.log('../shared/conformance is absent; nothing to edit.');
else {
  const { edits, slowest, failures } = fuzz(programs, Number(values.edits), Number(values.seed));
  for (const failure of failures) console.log(JSON.stringify(failure));
  const heap = (process.memoryUsage().heapUsed / 2 ** 20).toFixed(0);
  console.log(
    `${edits} edits, seed ${values.seed}: ${failures.length} failures, slowest ${slowest.toFixed(0)} ms, heap ${heap} MB`,
  );
  process.exitCode = failures.length > 0 ? 1 : 0;
}
