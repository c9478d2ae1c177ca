/** Starts an emulator, prints its process id and waits to be killed. */
import { connectBoard } from '../../boards/src/connect.ts';
import { emulatorIds, must, profileOf } from './support.ts';

must(await connectBoard(profileOf('mps2-an386')));
console.log(emulatorIds()[0]);
setInterval(() => undefined, 1000);
