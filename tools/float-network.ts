/**
 * Writes the image-classification network in float32 with seeded weights, to try on a board:
 *
 *   npx tsx tools/float-network.ts /tmp/float
 *   bin/relay deploy /tmp/float/residual_network.relay --params /tmp/float/residual_network.params --board mps2-an386 --json
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeParams } from '../compiler/src/tensor/params.ts';
import { paramsOf, textOf } from '../test/differential/graph.ts';
import { residualNetwork } from '../test/models/residual-network.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: npx tsx tools/float-network.ts FOLDER');
  process.exitCode = 2;
} else {
  const program = residualNetwork();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'residual_network.relay'), textOf(program));
  writeFileSync(join(folder, 'residual_network.params'), encodeParams(paramsOf(program)));
  console.log(`${folder}/residual_network.relay and .params`);
}
