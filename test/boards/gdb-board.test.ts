import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { BoardProfile, Image } from '../../boards/src/board.ts';
import { connectBoard } from '../../boards/src/connect.ts';
import { runJob } from '../../boards/src/runner.ts';
import { FakeStub } from './fake-stub.ts';
import { must, profileOf } from './support.ts';

const flashStart = 0x08000000;
const ramStart = 0x20000000;
const symbols = {
  relay_ready: [flashStart + 0x101, 16],
  relay_exit: [flashStart + 0x201, 16],
  relay_fault: [flashStart + 0x301, 16],
  relay_fault_record: [ramStart + 0x100, 32],
  relay_job: [ramStart + 0x10, 4],
  relay_ticks: [ramStart + 0x18, 8],
  x: [ramStart + 0x200, 4],
  y: [ramStart + 0x300, 4],
  __stack_top: [ramStart + 0x80, 0],
} as const;

/** An image for flash; what it does is played by the fake server. */
const image: Image = {
  segments: [{ address: flashStart, bytes: Uint8Array.from({ length: 300 }, (_, i) => i & 0xff) }],
  entry: flashStart + 0x41,
  symbols: new Map(Object.entries(symbols).map(([name, [address, bytes]]) => [name, { address, bytes }])),
  path: '',
};

/** Starts at the entry: initialised. From `relay_ready`: y = x + job; job 7 hangs, job 8 faults. */
function program(stub: FakeStub): number | undefined {
  if (stub.registers[15] === flashStart + 0x40) return flashStart + 0x100;
  assert.equal(stub.registers[15], flashStart + 0x100);
  assert.equal(stub.registers[13], ramStart + 0x80);
  const job = stub.word(ramStart + 0x10);
  if (job === 7) return undefined;
  if (job === 8) {
    const record = new Uint32Array(8);
    record.set([flashStart + 0x104, 0, 0, 1 << 16, 0, 0, 0, 1]);
    stub.set(ramStart + 0x100, new Uint8Array(record.buffer));
    return flashStart + 0x300;
  }
  stub.set(ramStart + 0x300, Uint8Array.of(stub.word(ramStart + 0x200) + job, 0, 0, 0));
  stub.set(ramStart + 0x18, Uint8Array.of(123, 0, 0, 0, 0, 0, 0, 0));
  return flashStart + 0x200;
}

const profileAt = (port: number): BoardProfile => ({
  ...profileOf('stm32f4-discovery'),
  transport: { kind: 'gdb', host: '127.0.0.1', port, dialect: 'openocd' },
});
const job = (index: number, limitMs = 2000) => ({
  index,
  writes: [{ symbol: 'x', bytes: Uint8Array.of(40, 0, 0, 0) }],
  reads: [{ symbol: 'y', bytes: 4 }],
  limitMs,
});

describe('a board behind a debug server', () => {
  it('is flashed, run, halted when it hangs, and read after a fault', async () => {
    const stub = await new FakeStub({ program, unknown: ['Z0'] }).listen();
    const board = must(await connectBoard(profileAt(stub.port)));
    try {
      must(await board.load(image));
      const erase = stub.log.findIndex((line) => line.startsWith('vFlashErase:8000000,20000'));
      const done = stub.log.indexOf('vFlashDone');
      assert.ok(erase >= 0 && done > erase, 'erased, then written');
      assert.deepEqual(stub.bytes(flashStart, 300), image.segments[0]?.bytes);
      const result = must(await runJob(board, image, job(2)));
      assert.deepEqual([...(result.reads[0] ?? [])], [42, 0, 0, 0]);
      assert.deepEqual([result.ticks, result.cost], [123, 123]);
      const hung = await runJob(board, image, job(7, 40));
      assert.equal(hung.ok ? '' : hung.error.code, 'board-timeout');
      const fault = await runJob(board, image, job(8));
      assert.ok(!fault.ok && fault.error.code === 'board-fault');
      assert.match(fault.error.message, /undefined instruction at relay_ready\+0x4/);
      must(await runJob(board, image, job(1)));
      assert.equal(stub.log.filter((line) => line === 'vFlashDone').length, 1, 'flash is written once');
      assert.ok(
        [...stub.breakpoints.values()].every((kind) => kind === 'Z1'),
        'hardware breakpoints in flash',
      );
    } finally {
      await board.close();
      await stub.close();
    }
  });

  it('is opened again after the server went away, with its program', async () => {
    const first = await new FakeStub({ program }).listen();
    const { port } = first;
    const board = must(await connectBoard(profileAt(port)));
    must(await board.load(image));
    await first.close();
    const lost = await runJob(board, image, job(2));
    assert.equal(lost.ok ? '' : lost.error.code, 'board-lost');
    const second = await new FakeStub({ program }).listen(port);
    try {
      const again = must(await runJob(board, image, job(2)));
      assert.deepEqual([...(again.reads[0] ?? [])], [42, 0, 0, 0]);
    } finally {
      await board.close();
      await second.close();
    }
  });
});
