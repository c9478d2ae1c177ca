import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  connectBoard,
  deployModel,
  findProfile,
  memoryOf,
  Toolchain,
  type BoardProfile,
} from '../../boards/src/index.ts';
import { programOf } from '../../cli/src/deployment.ts';
import { arenaRegions } from '../../compiler/src/memory/regions.ts';
import { planMemory } from '../../compiler/src/memory/plan.ts';
import { compileModel, type CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { toBytes } from '../../compiler/src/tensor/bytes.ts';
import { inputOf, referenceModels } from '../models.ts';
import { cortexM4, random } from '../schedule/functions.ts';

const kws = referenceModels().find((m) => m.name === 'kws_int8');
const board = findProfile('mps2-an386');

/** The emulated board with two small SRAMs in the place of its large memory. */
function twoSrams(): BoardProfile | undefined {
  if (!board.ok) return undefined;
  const { stackBytes, memory } = board.value;
  const [flash] = memory;
  if (flash === undefined) return undefined;
  return {
    ...board.value,
    name: 'two-srams',
    memory: [
      flash,
      { name: 'SRAM1', kind: 'ram', start: 0x20000000, bytes: stackBytes + 4096 },
      { name: 'SRAM2', kind: 'ram', start: 0x20100000, bytes: 9216 },
    ],
  };
}

describe('several memory regions', () => {
  it('hold whole buffers each, in-place pairs too', () => {
    for (let seed = 0; seed < 100; seed++) {
      const next = random(seed * 977 + 1);
      const buffers = Array.from({ length: 4 + next(8) }, (_, i) => {
        const first = next(6);
        return { name: `b${i}`, bytes: 1 + next(40), align: 4, first, last: first + next(3) };
      });
      const overlaps = buffers.flatMap((a, i) =>
        buffers.flatMap((b, j) =>
          i !== j && a.last === b.first && a.first < b.first
            ? [{ input: i, output: j, leadBytes: 0, exact: next(2) === 0 }]
            : [],
        ),
      );
      const borders = [40, 96];
      const plan = planMemory({ buffers, overlaps, borders });
      buffers.forEach((b, i) => {
        const at = plan.offsets[i]!;
        for (const border of borders)
          assert.ok(at >= border || at + b.bytes <= border, `seed ${seed}: ${b.name} at ${at}`);
      });
    }
  });

  it('get the arena of a model in pieces, each in a section of its own; what fits the first stays there', function () {
    if (kws === undefined) this.skip();
    const compiled = (regions: readonly number[]): CompiledModel => {
      const result = compileModel({ text: kws.text, params: kws.params, target: cortexM4, arenaRegions: regions });
      assert.ok(result.ok, result.ok ? '' : result.error.message);
      return result.value;
    };
    const whole = compiled([100_000, 100_000]);
    assert.deepEqual(whole.report.arena.regions, [whole.report.arena.bytes]);
    const split = compiled([2048, 9216]);
    const [first = 0, second = 0, ...none] = split.report.arena.regions;
    assert.ok(first > 0 && first <= 2048 && second > 0 && second <= 9216 && none.length === 0);
    assert.ok(split.emitted.files.some((f) => f.text.includes('section(".bss.arena_2")')));
  });

  it('work on a board: the same outputs from two small SRAMs', async function () {
    this.timeout(60_000);
    const profile = twoSrams();
    if (kws === undefined || profile === undefined) this.skip();
    const toolchain = await Toolchain.open(profile);
    if (!toolchain.ok) this.skip();
    const connected = await connectBoard(profile);
    if (!connected.ok) this.skip();
    try {
      const regions = arenaRegions(memoryOf(profile));
      const result = compileModel({ text: kws.text, params: kws.params, target: cortexM4, arenaRegions: regions });
      assert.ok(result.ok);
      assert.equal(result.value.report.arena.regions.length, 2);
      const [one] = kws.cases;
      assert.ok(one);
      const inputs = [toBytes(inputOf(kws, one))];
      const deployed = await deployModel({
        toolchain: toolchain.value,
        board: connected.value,
        program: programOf(result.value),
        inputs,
        layers: false,
      });
      assert.ok(deployed.ok, deployed.ok ? '' : deployed.error.message);
      assert.deepEqual([...new Int8Array(deployed.value.outputs[0]!.slice().buffer)], one.output);
    } finally {
      await connected.value.close();
      toolchain.value.close();
    }
  });
});
