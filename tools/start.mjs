/**
 * `npm start`: sets the machine up, then does the main job once: checks the example, tunes it on the emulated board,
 * runs the tuned model there, compares its output, and shows the table. Options go to `relay tune` (`npm start -- --trials 200`).
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root, setUp } from './setup.mjs';

setUp(['board']);

const example = path.join('examples', 'keyword_spotting', 'keyword_spotting');
const model = `${example}.relay`;
const params = `${example}.params`;

function relay(...args) {
  console.log(`\n$ bin/relay ${args.join(' ')}`);
  const { status, signal } = spawnSync(process.execPath, [path.join('bin', 'relay'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (signal || status !== 0) process.exit(status ?? 1);
}

console.log(`A small keyword-spotting network (int8), from Relay text to a tuned Cortex-M4 image in QEMU.`);
relay('check', model, '--params', params);
relay('tune', model, '--params', params, '--board', 'mps2-an386', '--trials', '96', ...process.argv.slice(2));
console.log(`
What you saw: every kernel ran on the emulated board before and after tuning, each candidate's output was compared with
the reference, and the numbers are exact instruction counts of the emulator, not of silicon.
Next: open the folder in VS Code with the extension (README.md), or try
  bin/relay lower ${model} --params ${params} --stage c
  bin/relay deploy ${model} --params ${params} --board mps2-an386`);
