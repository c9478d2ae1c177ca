import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, it } from 'mocha';
import { findCommand } from '../../boards/src/child.ts';
import { buildCyclePlugin, modelCycles, parseCycleReport, type CycleReport } from '../../boards/src/cycles.ts';
import type { BoardProfile, FlashTiming } from '../../boards/src/board.ts';
import { buildModel, type ModelProgram } from '../../boards/src/deploy.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';
import { must, needTools, profileOf } from './support.ts';

/** Calls a function with each body, the first of them at once. */
function program(bodies: readonly string[]): ModelProgram {
  const asm = (lines: string): string =>
    lines
      .trim()
      .split('\n')
      .map((line) => `  ${JSON.stringify(`${line.trim()}\n`)}`)
      .join('\n');
  const functions = bodies.map((_, i) => `body_${i}`);
  const text = `#include "t.h"
#ifndef RELAY_LAYER
#define RELAY_LAYER(i)
#endif
${bodies.map((body, i) => `__attribute__((naked, aligned(4))) static void body_${i}(void) { __asm volatile(\n${asm(`${body}\nbx lr`)}); }`).join('\n')}
__attribute__((naked, aligned(4))) void t_run(void) { __asm volatile(
${asm(['push {r4, lr}', 'nop', ...functions.map((name) => `bl ${name}`), 'nop', 'pop {r4, pc}'].join('\n'))}); }
int8_t t_cell;`;
  return {
    module: {
      stem: 't',
      files: [
        {
          name: 't.h',
          text: '#include <stdint.h>\nvoid t_run(void);\nextern int8_t t_cell;\n#define t_output_0 (&t_cell)\n',
        },
        { name: 't.c', text, flags: ['-O2', '-fno-toplevel-reorder'] },
      ],
      constantBytes: 0,
      functions,
    },
    inputs: [],
    outputs: [{ name: 'cell', dtype: 'int8', shape: [1], offset: 0 }],
  };
}

const profile = profileOf('mps2-an386');

async function cyclesOf(bodies: readonly string[], on: BoardProfile = profile): Promise<CycleReport> {
  const toolchain = must(await Toolchain.open(on));
  try {
    const model = program(bodies);
    const image = must(await buildModel(toolchain, model));
    return must(await modelCycles(on, image, model, []));
  } finally {
    await toolchain.close();
  }
}

describe('modelled cycles', function () {
  this.timeout(60_000);
  /** What each line takes by the processor's manual and published measurements, at zero wait states. */
  const cases: readonly (readonly [string, string, number])[] = [
    ['a loop of ten', 'movs r0, #10\n1: subs r0, #1\nbne 1b', 1 + 20 + 9],
    ['arithmetic', 'adds r0, r1\nadd.w r0, r1, r2, lsl #3\nmovs r1, #3\nsxtb16 r2, r3\nssat r1, #8, r2, asr #3', 5],
    ['multiplication', 'muls r0, r1\nsmlad r0, r1, r2, r3\nsmull r0, r1, r2, r3\nsmmla r0, r1, r2, r3', 4],
    ['loads that follow each other', 'ldr r0, [sp]\nldr r1, [sp]\nldrb.w r2, [sp, #1]\nadds r0, r1\nldr r0, [sp]', 7],
    ['loads from different memories', 'ldr r0, 2f\nldr r1, [sp]\nb 3f\n.balign 4\n2: .word 0\n3: nop', 2 + 2 + 2 + 1],
    [
      'a load through a loaded address',
      'mov r0, sp\nstr r0, [sp, #-8]\nnop\nldr r0, [sp, #-8]\nldr r0, [r0]',
      1 + 1 + 1 + 4,
    ],
    ['a load through a computed address', 'mov r1, sp\nldr r0, [r1]\nmov r1, sp\nnop\nldr r0, [r1]', 1 + 3 + 1 + 1 + 2],
    [
      'a load behind a store',
      'str r0, [sp, #-8]\nldr r1, [sp]\nstr r0, [sp, #-8]\nnop\nldr r1, [sp]',
      1 + 3 + 1 + 1 + 2,
    ],
    [
      'loads that are not aligned',
      'ldr.w r0, [sp, #1]\nnop\nldr.w r0, [sp, #2]\nnop\nldrh.w r0, [sp, #1]',
      4 + 1 + 3 + 1 + 3,
    ],
    ['stores', 'str r0, [sp, #-8]\nstrb.w r1, [sp, #-4]\nnop', 3],
    ['a store at a register offset', 'mvn r1, #7\nnop\nstr.w r0, [sp, r1]', 4],
    [
      'several words',
      'ldmia.w sp, {r0, r1, r2}\nldrd r0, r1, [sp]\nstrd r0, r1, [sp, #-8]\npush {r0, r1}\nnop\npop {r0, r1}',
      4 + 3 + 3 + 3 + 1 + 3,
    ],
    ['division', 'movs r1, #3\nudiv r0, r0, r1\nsdiv r0, r0, r1', 15],
    [
      'floating point',
      'vmul.f32 s0, s1, s2\nvadd.f32 s0, s1, s2\nvfma.f32 s0, s1, s2\nvdiv.f32 s0, s1, s2\nvldr s0, [sp]\nvsqrt.f32 s0, s1',
      1 + 1 + 3 + 14 + 2 + 14,
    ],
    ['what IT skips', 'movs r0, #1\ncmp r0, #0\nitt eq\nldreq r1, [sp]\nldreq r2, [sp]', 1 + 1 + 0 + 1 + 1],
    ['a branch that is not taken', 'movs r0, #1\ncmp r0, #1\nbne 1f\n1: nop', 4],
    ['a branch that is taken', 'movs r0, #1\ncbnz r0, 1f\nnop\n.balign 4\n1: nop', 1 + 2 + 1],
    [
      'a branch into the middle of a word',
      'movs r0, #1\ncbnz r0, 1f\n.balign 4\nnop\n1: add.w r0, r1, r2, lsl #3',
      1 + 3 + 1,
    ],
  ];
  let report: CycleReport;
  before(async function () {
    needTools(this, profile);
    if (findCommand('gcc') === undefined) return this.skip();
    report = await cyclesOf([...cases.map(([, body]) => body), 'nop']);
  });
  for (const [index, [name, , wanted]] of cases.entries())
    it(`count ${name} as the manual says`, () => {
      // bl 1+1, the body, bx 1+2; the first one with push 3, nop 1.
      const around = 2 + 3 + (index === 0 ? 4 : 0);
      assert.equal(report.layers?.[index]?.cycles, around + wanted);
    });

  it('add up to those of the run, within the bounds', () => {
    const layers = report.layers ?? [];
    assert.equal(layers.length, cases.length + 1);
    assert.equal(
      layers.reduce((n, layer) => n + layer.cycles, 0),
      report.cycles,
    );
    for (const { least, cycles, most } of [report, ...layers]) assert.ok(least < cycles && cycles < most);
    assert.equal(
      Object.values(report.kinds).reduce((n, k) => n + k, 0),
      report.instructions,
    );
  });

  describe('with a flash that has to be waited for', () => {
    const code = [
      'movs r0, #40\n1: ldr r1, 2f\nldr r2, [sp]\nsubs r0, #1\nbne 1b\nb 3f\n.balign 4\n2: .word 0\n3: nop',
    ];
    const withTiming = (timing: FlashTiming): BoardProfile => ({
      ...profile,
      memory: profile.memory.map((region) => (region.kind === 'flash' ? { ...region, timing } : region)),
    });
    const { timing } = profileOf('mps2-an386-l4r5').memory[0] ?? {};

    it('are the same at zero wait states, whatever the caches', async function () {
      needTools(this, profile);
      if (findCommand('gcc') === undefined) return this.skip();
      assert.ok(timing);
      assert.deepEqual(await cyclesOf(code, withTiming({ ...timing, waitStates: 0 })), await cyclesOf(code));
    });

    it('wait for the first pass of a loop that the caches hold, and for each without them', async function () {
      needTools(this, profile);
      if (findCommand('gcc') === undefined) return this.skip();
      assert.ok(timing);
      const plain = await cyclesOf(code);
      const cached = await cyclesOf(code, withTiming(timing));
      const bare = await cyclesOf(code, withTiming({ waitStates: timing.waitStates, readBytes: timing.readBytes }));
      assert.ok(cached.cycles > plain.cycles && cached.cycles < plain.cycles + 100, `${cached.cycles}`);
      // The word in flash stays in the buffer of the last data; every branch reads its code anew.
      assert.ok(bare.cycles > plain.cycles + 40 * 2, `${bare.cycles}`);
      assert.equal(bare.instructions, plain.instructions);
    });
  });

  it('build their plugin once, into the cache folder', async function () {
    if (findCommand('gcc') === undefined) return this.skip();
    const folder = mkdtempSync(path.join(tmpdir(), 'relay-cache-'));
    const before = process.env['RELAY_CACHE'];
    process.env['RELAY_CACHE'] = folder;
    try {
      const [a, b] = await Promise.all([buildCyclePlugin(), buildCyclePlugin()]);
      assert.deepEqual(must(a), must(b));
      assert.deepEqual(readdirSync(folder), [path.basename(must(a))]);
    } finally {
      if (before === undefined) delete process.env['RELAY_CACHE'];
      else process.env['RELAY_CACHE'] = before;
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('are refused for a board without a model, with a remedy', async () => {
    const refused = await modelCycles(profileOf('host'), {} as never, program(['nop']), []);
    assert.ok(!refused.ok && refused.error.code === 'no-cycle-model' && refused.error.remedy);
  });

  it('leave the layers out when they do not fit the program', () => {
    const text =
      '{"cycles":5,"least":4,"most":6,"instructions":3,"taken":0,"runs":1,"kinds":{},"stalls":{},"layers":[]}';
    assert.equal(parseCycleReport(text, 2)?.layers, undefined);
    assert.equal(parseCycleReport('no JSON', 2), undefined);
  });
});
