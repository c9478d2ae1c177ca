import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { planMemory } from '../../compiler/src/memory/plan.ts';
import type { MemoryPlan } from '../../compiler/src/memory/plan.ts';
import { liveBytes, type MemoryProblem } from '../../compiler/src/memory/problem.ts';

function check(problem: MemoryProblem, plan: MemoryPlan): void {
  const { buffers, overlaps } = problem;
  buffers.forEach((b, i) => {
    const at = plan.offsets[i]!;
    assert.ok(at >= 0 && at % b.align === 0 && at + b.bytes <= plan.arenaBytes, `${b.name} at ${at}`);
  });
  for (let i = 0; i < buffers.length; i++)
    for (let j = i + 1; j < buffers.length; j++) {
      const [a, b] = [buffers[i]!, buffers[j]!];
      if (a.first > b.last || b.first > a.last) continue;
      const [x, y] = [plan.offsets[i]!, plan.offsets[j]!];
      const apart = x + a.bytes <= y || y + b.bytes <= x;
      const shared = overlaps.some((o) => {
        const [input, output] = [buffers[o.input]!, buffers[o.output]!];
        const pair = (o.input === i && o.output === j) || (o.input === j && o.output === i);
        const lead = plan.offsets[o.input]! - plan.offsets[o.output]!;
        return pair && input.last === output.first && (o.exact ? lead === o.leadBytes : lead >= o.leadBytes);
      });
      assert.ok(apart || shared, `${a.name} and ${b.name} overlap`);
    }
  assert.ok(plan.arenaBytes >= plan.lowerBound);
  if (plan.optimal) assert.equal(plan.arenaBytes, plan.lowerBound);
}

const problems = fc
  .array(
    fc.record({
      bytes: fc.integer({ min: 0, max: 64 }),
      align: fc.constantFrom(1, 4),
      first: fc.nat(8),
      length: fc.nat(3),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .chain((raw) => {
    const buffers = raw.map((r, i) => ({
      name: `b${i}`,
      bytes: r.bytes,
      align: r.align,
      first: r.first,
      last: r.first + r.length,
    }));
    const overlap = fc.record({
      input: fc.nat(raw.length - 1),
      output: fc.nat(raw.length - 1),
      leadBytes: fc.constantFrom(0, 4, 16),
      exact: fc.boolean(),
    });
    return fc
      .uniqueArray(overlap, { selector: (o) => `${Math.min(o.input, o.output)},${Math.max(o.input, o.output)}` })
      .map((all): MemoryProblem => ({ buffers, overlaps: all.filter((o) => o.input !== o.output) }));
  });

describe('arena planner', () => {
  it('never lets two live buffers overlap unless the kernel allows it', () => {
    fc.assert(
      fc.property(problems, (p) => check(p, planMemory(p, { effort: 200, exhaustiveLimit: 3000 }))),
      { numRuns: 300 },
    );
  });

  it('finds the smallest arena of small problems', () => {
    fc.assert(
      fc.property(problems, (raw) => {
        const problem = {
          buffers: raw.buffers.slice(0, 5).map((b) => ({ ...b, bytes: b.bytes % 13 })),
          overlaps: raw.overlaps.filter((o) => o.input < 5 && o.output < 5),
        };
        const plan = planMemory(problem, { effort: 0 });
        check(problem, plan);
        assert.ok(plan.optimal || problem.overlaps.some((o) => o.exact));
        // Every order, without the search's own pruning.
        const again = planMemory(problem, { effort: 3000, exhaustiveLimit: 0 });
        // Buffers at an exact distance have to move together: placing one after another claims nothing for them.
        assert.ok(!plan.optimal || again.arenaBytes >= plan.arenaBytes);
      }),
      { numRuns: 200 },
    );
  });

  it('counts at each step what lives there, less what outputs may take of inputs', () => {
    fc.assert(
      fc.property(problems, ({ buffers, overlaps }) => {
        for (const { step, bytes } of liveBytes({ buffers, overlaps })) {
          const live = buffers.map((b) => b.first <= step && step <= b.last);
          const needed = buffers.map((b, i) => {
            const shared = overlaps
              .filter((o) => o.output === i && live[o.input] && buffers[o.input]!.last === b.first)
              .map((o) => Math.min(buffers[o.input]!.bytes, Math.max(0, b.bytes - o.leadBytes)));
            return live[i] ? Math.max(0, b.bytes - shared.reduce((sum, x) => sum + x, 0)) : 0;
          });
          assert.equal(bytes, needed.reduce((sum, x) => sum + x, 0)); // prettier-ignore
        }
      }),
    );
  });

  it('places buffers of long programs as it places those of short ones', () => {
    // A chain has few neighbours, its copies beside one long-lived buffer each have many: two ways through one search.
    const chain = (copies: number) =>
      Array.from({ length: 40 }, (_, k) => [
        { name: `t${k}`, bytes: 16 * (1 + ((k * 7) % 5)), align: 4, first: k, last: k + 1 },
        ...Array.from({ length: copies }, (_, c) => ({ name: `s${k}${c}`, bytes: 4, align: 4, first: 0, last: 41 })),
      ]).flat();
    const [alone, beside] = [chain(0), chain(2)].map((buffers) => {
      const problem = { buffers, overlaps: [] };
      const plan = planMemory(problem);
      check(problem, plan);
      return plan.arenaBytes;
    });
    assert.equal(beside! - alone!, 40 * 2 * 4);
  });

  it('shares one buffer along a chain of in-place kernels', () => {
    const buffers = [0, 1, 2, 3].map((k) => ({ name: `t${k}`, bytes: 100, align: 4, first: k, last: k + 1 }));
    const overlaps = [0, 1, 2].map((k) => ({ input: k, output: k + 1, leadBytes: 0 }));
    const plan = planMemory({ buffers, overlaps });
    assert.equal(plan.arenaBytes, 100);
    assert.ok(plan.optimal);
    assert.equal(planMemory({ buffers, overlaps: [] }).arenaBytes, 200);
  });

  it('keeps the distance that an in-place kernel asks for', () => {
    const buffers = [
      { name: 'in', bytes: 100, align: 4, first: 0, last: 1 },
      { name: 'out', bytes: 100, align: 4, first: 1, last: 2 },
    ];
    const plan = planMemory({ buffers, overlaps: [{ input: 0, output: 1, leadBytes: 20 }] });
    assert.equal(plan.arenaBytes, 120);
    assert.deepEqual(plan.offsets, [20, 0]);
  });

  it('says at which step memory is tightest', () => {
    const plan = planMemory({
      buffers: [
        { name: 'a', bytes: 10, align: 1, first: 0, last: 1 },
        { name: 'b', bytes: 30, align: 1, first: 1, last: 2 },
        { name: 'c', bytes: 20, align: 1, first: 2, last: 3 },
      ],
      overlaps: [],
    });
    assert.deepEqual(plan.peak, { step: 2, bytes: 50, buffers: [1, 2] });
  });

  it('gives the same plan every time', () => {
    const buffers = Array.from({ length: 30 }, (_, i) => ({
      name: `b${i}`,
      bytes: ((i * 37) % 23) * 16,
      align: 4,
      first: i,
      last: i + (i % 4) + 1,
    }));
    assert.deepEqual(planMemory({ buffers, overlaps: [] }), planMemory({ buffers, overlaps: [] }));
  });
});
