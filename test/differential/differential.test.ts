import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { connectBoard, findProfile, Toolchain } from '../../boards/src/index.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { runNatively, runOnBoard, warnings } from './batch.ts';
import { generate } from './generate.ts';
import { textOf } from './graph.ts';
import { checkInProcess, type Mismatch, type Prepared } from './oracle.ts';

const target = targetNamed('cortex-m4f');
const sanitizers = ['-O0', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g'];
const processors: readonly (readonly string[])[] = [
  ['-mcpu=cortex-m0plus'],
  ['-mcpu=cortex-m3'],
  ['-mcpu=cortex-m4', '-mfloat-abi=hard', '-mfpu=fpv4-sp-d16'],
  ['-mcpu=cortex-m7', '-mfloat-abi=hard', '-mfpu=fpv5-sp-d16'],
  ['-mcpu=cortex-m33', '-mfloat-abi=hard', '-mfpu=fpv5-sp-d16'],
];

function prepared(first: number, count: number): Prepared[] {
  assert.ok(target.ok);
  const wrong: string[] = [];
  const out: Prepared[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const program = generate(seed);
    const result = checkInProcess(program, { target: target.value, randomSchedules: seed % 2 === 1 });
    if ('where' in result) wrong.push(`seed ${seed}, ${result.where}: ${result.detail}\n${textOf(program)}`);
    else out.push(result);
  }
  assert.deepEqual(wrong, []);
  return out;
}

function assertClean(programs: readonly Prepared[], verdicts: readonly (Mismatch | undefined)[]): void {
  const wrong = verdicts.flatMap((v, i) => (v ? [`seed ${programs[i]?.program.seed}, ${v.where}: ${v.detail}`] : []));
  assert.deepEqual(wrong, []);
}

function installed(command: string): boolean {
  if (spawnSync(command, ['--version']).status === 0) return true;
  console.log(`      ${command} is not installed here`);
  return false;
}

describe('random programs give what the evaluator says', function () {
  this.timeout(120_000);

  it('after every pass, and as kernels on one arena', () => {
    prepared(1, 150);
  });

  it('as C on this machine, under sanitizers', function () {
    if (!installed('gcc')) return this.skip();
    const programs = prepared(1001, 60);
    assertClean(programs, runNatively(programs, { compiler: 'gcc', flags: sanitizers }));
  });

  it('as C on an emulated board', async function () {
    if (!installed('arm-none-eabi-gcc') || !installed('qemu-system-arm')) return this.skip();
    const profile = findProfile('mps2-an386');
    assert.ok(profile.ok);
    const toolchain = await Toolchain.open(profile.value);
    const board = await connectBoard(profile.value);
    assert.ok(toolchain.ok && board.ok);
    try {
      const programs = prepared(2001, 40);
      assertClean(programs, await runOnBoard(programs, toolchain.value, board.value));
    } finally {
      await board.value.close();
      await toolchain.value.close();
    }
  });

  it('and their C compiles without warnings for every processor', function () {
    const compilers = [
      { command: 'arm-none-eabi-gcc', flags: ['-mthumb'] },
      { command: 'clang', flags: ['--target=arm-none-eabi', '-mthumb', '-isystem', armHeaders()] },
    ].filter((c) => installed(c.command));
    if (armHeaders() === '') {
      console.log('      no C library headers for ARM are installed here');
      return this.skip();
    }
    const programs = prepared(3001, 16);
    for (const { command, flags } of compilers)
      for (const processor of processors)
        assert.equal(warnings(programs, command, ['-O1', ...flags, ...processor]), '', `${command} ${processor[0]}`);
  });
});

/** Where arm-none-eabi-gcc keeps its C library's headers; empty without it. */
function armHeaders(): string {
  const root = spawnSync('arm-none-eabi-gcc', ['-print-file-name=libc.a'], { encoding: 'utf8' });
  if (root.status !== 0 || !root.stdout.includes('/')) return '';
  const found = spawnSync('arm-none-eabi-gcc', ['-xc', '-E', '-v', '-'], { input: '', encoding: 'utf8' });
  return /^ (\S*arm-none-eabi\/include)$/m.exec(found.stderr)?.[1] ?? '';
}
