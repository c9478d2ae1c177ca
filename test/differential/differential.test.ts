import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';
import { connectBoard, findProfile, Toolchain } from '../../boards/src/index.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { runNatively, runOnBoard, warnings } from './batch.ts';
import { installedCompilers } from './compilers.ts';
import { generate } from './generate.ts';
import { textOf } from './graph.ts';
import { checkInProcess, type Mismatch, type Prepared } from './oracle.ts';
import { variationOf } from './variation.ts';

const target = targetNamed('cortex-m4f');
const sanitizers = ['-O0', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g'];
function prepared(first: number, count: number): Prepared[] {
  assert.ok(target.ok);
  const wrong: string[] = [];
  const out: Prepared[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const program = generate(seed);
    const result = checkInProcess(program, variationOf(seed, target.value));
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
  this.timeout(400_000);

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

  it('and their C compiles without warnings for every processor, with gcc and with clang', function () {
    const compilers = installedCompilers();
    if (compilers.length === 0) return this.skip();
    const programs = prepared(3001, 12);
    for (const [i, { name, command, flags }] of compilers.entries()) {
      const standard = i % 2 === 0 ? '-std=c99' : '-std=c11';
      assert.equal(warnings(programs, command, [standard, '-O1', ...flags]), '', name);
    }
  });
});
