/** Starts an emulator, prints its process id and waits to be killed. */
import { spawnSync } from 'node:child_process';
import { connectBoard } from '../../boards/src/connect.ts';
import { must, profileOf } from './support.ts';

must(await connectBoard(profileOf('mps2-an386')));
const mine = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'qemu-system-arm'], { encoding: 'utf8' });
console.log(mine.stdout.trim());
setInterval(() => undefined, 1000);
