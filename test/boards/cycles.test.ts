import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'mocha';
import { findCommand } from '../../boards/src/child.ts';
import { buildCyclePlugin, modelCycles, parseCycleReport, type CycleReport } from '../../boards/src/cycles.ts';
import { buildModel, type ModelProgram } from '../../boards/src/deploy.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';
import { must, needTools, profileOf } from './support.ts';

/** `second` is the body of a second layer; the first is a loop of ten. */
function program(second: string): ModelProgram {
  const asm = (lines: string): string =>
    lines
      .trim()
      .split('\n')
      .map((line) => `  ${JSON.stringify(`${line.trim()}\n`)}`)
      .join('\n');
  const text = `#include "t.h"
#ifndef RELAY_LAYER
#define RELAY_LAYER(i)
#endif
__attribute__((naked, aligned(4))) static void first(void) { __asm volatile(
${asm(`movs r0, #10
1: subs r0, #1
bne 1b
bx lr`)}); }
__attribute__((naked, aligned(4))) static void second(void) { __asm volatile(
${asm(`${second}
bx lr`)}); }
__attribute__((naked, aligned(4))) void t_run(void) { __asm volatile(
${asm(`push {r4, lr}
nop
bl first
bl second
nop
pop {r4, pc}`)}); }
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
      functions: ['first', 'second'],
    },
    inputs: [],
    outputs: [{ name: 'cell', dtype: 'int8', shape: [1], offset: 0 }],
  };
}

const profile = profileOf('mps2-an386');

async function cyclesOf(body: string): Promise<CycleReport> {
  const toolchain = must(await Toolchain.open(profile));
  try {
    const model = program(body);
    const image = must(await buildModel(toolchain, model));
    return must(await modelCycles(profile, image, model, []));
  } finally {
    await toolchain.close();
  }
}

describe('modelled cycles', function () {
  this.timeout(60_000);
  /** What each line takes by the processor's manual, at zero wait states. */
  const cases: readonly (readonly [string, string, number])[] = [
    ['arithmetic', 'adds r0, r1\nadd.w r0, r1, r2, lsl #3\nmovs r1, #3\nsxtb16 r2, r3\nssat r1, #8, r2, asr #3', 5],
    ['multiplication', 'muls r0, r1\nsmlad r0, r1, r2, r3\nsmull r0, r1, r2, r3\nsmmla r0, r1, r2, r3', 4],
    ['loads that follow each other', 'ldr r0, [sp]\nldr r1, [sp]\nldrb.w r2, [sp, #1]\nadds r0, r1\nldr r0, [sp]', 7],
    ['stores', 'str r0, [sp, #-8]\nstrb.w r1, [sp, #-4]\nnop', 3],
    [
      'several words',
      'ldmia.w sp, {r0, r1, r2}\nldrd r0, r1, [sp]\nstrd r0, r1, [sp, #-8]\npush {r0, r1}\npop {r0, r1}',
      16,
    ],
    ['division', 'movs r1, #3\nudiv r0, r0, r1\nsdiv r0, r0, r1', 15],
    [
      'floating point',
      'vmul.f32 s0, s1, s2\nvadd.f32 s0, s1, s2\nvfma.f32 s0, s1, s2\nvdiv.f32 s0, s1, s2\nvldr s0, [sp]\nvsqrt.f32 s0, s1',
      1 + 1 + 3 + 14 + 2 + 14,
    ],
    ['a branch that is not taken', 'movs r0, #1\ncmp r0, #1\nbne 1f\n1: nop', 4],
    ['a branch that is taken', 'movs r0, #1\ncbnz r0, 1f\nnop\n.balign 4\n1: nop', 5],
  ];
  for (const [name, body, wanted] of cases)
    it(`count ${name} as the manual says`, async function () {
      needTools(this, profile);
      if (findCommand('gcc') === undefined) return this.skip();
      const report = await cyclesOf(body);
      const [first, second] = report.layers ?? [];
      assert.ok(first && second && report.layers?.length === 2, 'two layers');
      // push 3, nop 1, bl 1+2; movs 1, ten times two, nine refills; bx 1+2.
      assert.equal(first.cycles, 3 + 1 + 3 + 1 + 20 + 9 * 2 + 3);
      // bl 1+2, the body, bx 1+2, nop 1, pop 3, and the refill behind it, which the caller's alignment decides.
      const around = 3 + 3 + 1 + 3;
      assert.ok(
        [2, 3].includes(second.cycles - around - wanted),
        `${second.cycles - around}, not ${wanted} and a refill`,
      );
      assert.equal(report.cycles, first.cycles + second.cycles);
      assert.ok(report.least <= report.cycles && report.cycles <= report.most);
      assert.equal(
        Object.values(report.kinds).reduce((n, k) => n + k, 0),
        report.instructions,
      );
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
    const refused = await modelCycles(profileOf('host'), {} as never, program('nop'), []);
    assert.ok(!refused.ok && refused.error.code === 'no-cycle-model' && refused.error.remedy);
  });

  it('leave the layers out when they do not fit the program', () => {
    const text = '{"cycles":5,"least":4,"most":6,"instructions":3,"taken":0,"runs":1,"kinds":{},"layers":[]}';
    assert.equal(parseCycleReport(text, 2)?.layers, undefined);
    assert.equal(parseCycleReport('no JSON', 2), undefined);
  });
});
