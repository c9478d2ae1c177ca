import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'mocha';
import type { BoardProfile } from '../../boards/src/board.ts';
import { runningChildren } from '../../boards/src/child.ts';
import { connectBoard } from '../../boards/src/connect.ts';
import { deployModel, saveBuild, type ModelProgram } from '../../boards/src/deploy.ts';
import { readElf } from '../../boards/src/elf.ts';
import { runJob, type Job } from '../../boards/src/runner.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';
import { FakeStub } from './fake-stub.ts';
import { emulatorIds, must, needTools, profileOf, withProgram } from './support.ts';

const program = `#include "relay_harness.h"
int8_t values[1024];
int32_t sums[2];
static int initialised = 41;
static int deep(int n) { volatile int a[256]; a[0] = n; return n ? deep(n - 1) + a[0] : 0; }
void relay_run_job(uint32_t job) {
  if (job == 1) for (;;) __asm volatile("");
  if (job == 2) *(volatile int *)(uintptr_t)0x70000000u = 1;
  if (job == 3) { sums[0] = deep(10000000); return; }
  if (job == 4) __builtin_trap();
  relay_begin();
  int sum = 0;
  for (int i = 0; i < 1024; i++) sum += values[i];
  sums[0] = sum;
  relay_end();
  sums[1] = ++initialised;
}`;
const job = (index: number): Job => ({
  index,
  writes: [{ symbol: 'values', bytes: new Uint8Array(1024).fill(3) }],
  reads: [{ symbol: 'sums', bytes: 8 }],
  limitMs: index === 1 ? 150 : 20_000,
});

for (const name of ['mps2-an386', 'host']) {
  describe(`the board ${name}`, function () {
    this.timeout(60_000);
    const profile = profileOf(name);

    it('runs a program, gives its outputs and counts, and survives programs that hang or fault', async function () {
      needTools(this, profile);
      await withProgram(profile, program, async (board, image) => {
        const first = must(await runJob(board, image, job(0)));
        assert.deepEqual([...new Int32Array(Uint8Array.from(first.reads[0] ?? []).buffer)], [3072, 42]);
        for (const [index, expected] of [
          [1, 'board-timeout'],
          [2, 'board-fault'],
          [3, 'board-fault'],
          [4, 'board-fault'],
        ] as const) {
          const broken = await runJob(board, image, job(index));
          assert.ok(!broken.ok);
          assert.equal(broken.error.code, expected, broken.error.message);
          const next = must(await runJob(board, image, job(0)));
          assert.equal(new Int32Array(Uint8Array.from(next.reads[0] ?? []).buffer)[0], 3072);
          if (profile.timer.unit === 'instructions') assert.equal(next.cost, first.cost);
        }
        if (profile.timer.unit === 'instructions') {
          const fault = await runJob(board, image, job(2));
          assert.ok(!fault.ok && /0x70000000 at relay_run_job/.test(fault.error.message), 'names address and place');
          const overflow = await runJob(board, image, job(3));
          assert.ok(!overflow.ok && /stack overflow/.test(overflow.error.message), 'names the stack');
        }
      });
      assert.equal(runningChildren().length, 0);
    });

    it('stops when the user cancels', async function () {
      needTools(this, profile);
      await withProgram(profile, program, async (board, image) => {
        const token = { isCancellationRequested: false };
        setTimeout(() => (token.isCancellationRequested = true), 30);
        const result = await runJob(board, image, { ...job(1), limitMs: 60_000 }, token);
        assert.equal(result.ok ? '' : result.error.code, 'cancelled');
      });
      assert.equal(runningChildren().length, 0);
    });

    it('deploys a model: outputs, cost of each layer, files on disk', async function () {
      needTools(this, profile);
      const model: ModelProgram = {
        module: {
          stem: 'twice',
          functions: ['add', 'triple'],
          constantBytes: 0,
          files: [
            {
              name: 'twice.h',
              text: '#include <stdint.h>\nextern uint8_t twice_arena[64];\n#define twice_input_0 ((int8_t *)twice_arena)\n#define twice_output_0 ((int8_t *)(twice_arena + 32))\nvoid twice_run(void);\n',
            },
            {
              name: 'twice.c',
              text: `#include "twice.h"
#ifndef RELAY_LAYER
#define RELAY_LAYER(i)
#endif
uint8_t twice_arena[64];
void twice_run(void) {
  RELAY_LAYER(0);
  for (int i = 0; i < 32; i++) twice_output_0[i] = twice_input_0[i] + 1;
  RELAY_LAYER(1);
  for (int i = 0; i < 32; i++) twice_output_0[i] *= 3;
  RELAY_LAYER(2);
}
`,
            },
          ],
        },
        inputs: [{ name: 'x', dtype: 'int8', shape: [32], offset: 0 }],
        outputs: [{ name: 'y', dtype: 'int8', shape: [4, 8], offset: 32 }],
      };
      const toolchain = must(await Toolchain.open(profile));
      const board = must(await connectBoard(profile));
      const folder = mkdtempSync(path.join(tmpdir(), 'relay-deploy-'));
      try {
        const inputs = [new Uint8Array(32).fill(4)];
        const run = must(await deployModel({ toolchain, board, program: model, inputs }));
        assert.deepEqual(run.outputs, [new Uint8Array(32).fill(15)]);
        assert.equal(run.layers?.length, 2);
        assert.equal(run.provenance, profile.provenance);
        if (profile.timer.unit === 'instructions') assert.ok(run.cost > 32 && (run.layers?.[0] ?? 0) > 16);
        must(await saveBuild(path.join(folder, 'out'), toolchain, model, run.image));
        assert.ok(readdirSync(path.join(folder, 'out')).includes('twice.elf'));
        const few = await deployModel({ toolchain, board, program: model, inputs: [new Uint8Array(3)] });
        assert.ok(!few.ok && few.error.message.includes('needs 32 bytes, found 3'));
        writeFileSync(path.join(folder, 'file'), '');
        const refused = await saveBuild(path.join(folder, 'file', 'x'), toolchain, model, run.image);
        assert.equal(refused.ok ? '' : refused.error.code, 'cannot-write');
      } finally {
        rmSync(folder, { recursive: true, force: true });
        await board.close();
        await toolchain.close();
      }
    });
  });
}

describe('the toolchain', function () {
  this.timeout(60_000);
  const profile = profileOf('mps2-an386');

  it('says by how much a program does not fit and which parts are largest', async function () {
    needTools(this, profile);
    const toolchain = must(await Toolchain.open(profile));
    const text =
      '#include "relay_harness.h"\nint8_t arena[5000000]; const int8_t weights[4500000] = {1};\nvoid relay_run_job(uint32_t j) { arena[j] = weights[j]; }';
    const built = await toolchain.build([{ name: 'big.c', text }]);
    await toolchain.close();
    assert.ok(!built.ok);
    assert.equal(built.error.code, 'does-not-fit');
    assert.match(
      built.error.message,
      /FLASH of 4,194,304 bytes is exceeded by 30\d,\d+ bytes; the largest parts are weights 4,500,000/,
    );
    assert.match(
      built.error.message,
      /RAM of 4,194,304 bytes is exceeded by 81\d,\d+ bytes; the largest parts are arena 5,000,000/,
    );
  });

  it('shows the compiler’s first errors', async function () {
    needTools(this, profile);
    const toolchain = must(await Toolchain.open(profile));
    const built = await toolchain.build([{ name: 'bad.c', text: 'int x = ;\n' }]);
    await toolchain.close();
    assert.ok(!built.ok && built.error.code === 'compile-error');
    assert.match(built.error.message, /^bad\.c does not compile: line:1:9: error: expected expression/);
  });

  it('names the package of a missing compiler or emulator', async () => {
    const away: BoardProfile = {
      ...profile,
      compiler: { command: 'no-such-gcc', flags: [], package: 'gcc-arm-none-eabi' },
    };
    const opened = await Toolchain.open(away);
    assert.ok(!opened.ok && opened.error.code === 'missing-tool');
    assert.match(opened.error.remedy ?? '', /apt-get install gcc-arm-none-eabi/);
    const board = await connectBoard(profile, { emulator: '/no/such/qemu' });
    assert.ok(!board.ok && board.error.code === 'missing-tool');
    assert.match(board.error.remedy ?? '', /apt-get install qemu-system-arm/);
  });

  it('reads any cut of an ELF file without failing', async function () {
    needTools(this, profile);
    await withProgram(profile, program, async (_board, image) => {
      const { readFile } = await import('node:fs/promises');
      const bytes = new Uint8Array(await readFile(image.path));
      const elf = must(readElf(bytes));
      assert.equal(elf.bits, 32);
      assert.ok(elf.symbols.some((symbol) => symbol.name === 'values' && symbol.bytes === 1024));
      for (let length = 0; length < bytes.length; length += 97) readElf(bytes.subarray(0, length));
      const text = readElf(new TextEncoder().encode('not an elf at all, but long enough to look into for a header'));
      assert.equal(text.ok ? '' : text.error.code, 'not-an-elf');
    });
  });
});

describe('the emulator', function () {
  this.timeout(60_000);
  const profile = profileOf('mps2-an386');

  it('says why it did not start', async function () {
    needTools(this, profile);
    if (profile.transport.kind !== 'qemu') assert.fail();
    const transport = { ...profile.transport, args: ['-M', 'no-such-machine'] };
    const board = await connectBoard({ ...profile, transport });
    assert.ok(!board.ok);
    assert.equal(board.error.code, 'board-lost');
    assert.match(board.error.message, /unsupported machine type/);
    assert.equal(runningChildren().length, 0);
  });

  it('says so when a port it needs is in use', async function () {
    needTools(this, profile);
    if (profile.transport.kind !== 'qemu') assert.fail();
    const stub = await new FakeStub().listen();
    const args = [
      ...profile.transport.args,
      '-chardev',
      `socket,id=taken,host=127.0.0.1,port=${stub.port},server=on,wait=off`,
    ];
    const board = await connectBoard({ ...profile, transport: { ...profile.transport, args } });
    await stub.close();
    assert.ok(!board.ok && board.error.code === 'board-lost');
    assert.match(board.error.message, /The emulator stopped: .*Address already in use/);
  });

  it('says that a debug server does not answer, and how to start one', async () => {
    const real = profileOf('nrf52840dk');
    if (real.transport.kind !== 'gdb') assert.fail();
    const { server: _, ...transport } = { ...real.transport, port: 1 };
    const board = await connectBoard({ ...real, transport });
    assert.ok(!board.ok && board.error.code === 'board-lost');
    assert.match(board.error.message, /No debug server answers at 127\.0\.0\.1:1/);
    assert.match(board.error.remedy ?? '', /OpenOCD/);
  });

  it('is started again after it was killed in the middle of a run', async function () {
    needTools(this, profile);
    if (process.platform !== 'linux') this.skip();
    await withProgram(profile, program, async (board, image) => {
      must(await runJob(board, image, job(0)));
      setTimeout(() => {
        for (const id of emulatorIds()) process.kill(id, 'SIGKILL');
      }, 50);
      const lost = await runJob(board, image, { ...job(1), limitMs: 20_000 });
      assert.equal(lost.ok ? '' : lost.error.code, 'board-lost');
      assert.equal(must(await runJob(board, image, job(0))).reads.length, 1);
    });
  });

  it('does not outlive a process that is killed', async function () {
    needTools(this, profile);
    if (process.platform !== 'linux') this.skip();
    const source = path.join(path.dirname(fileURLToPath(import.meta.url)), 'hold-board.ts');
    const holder = spawn(process.execPath, ['--import', 'tsx', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    const id = await new Promise<number>((resolve) => {
      holder.stdout.once('data', (text: Buffer) => {
        resolve(Number(text.toString()));
      });
    });
    assert.ok(id > 0);
    process.kill(id, 0);
    holder.kill('SIGKILL');
    const end = Date.now() + 10_000;
    let gone = false;
    while (!gone && Date.now() < end) {
      try {
        process.kill(id, 0);
        await new Promise((done) => setTimeout(done, 10));
      } catch {
        gone = true;
      }
    }
    assert.ok(gone, 'the emulator is still running');
  });
});
