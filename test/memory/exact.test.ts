import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { loadSolver } from '../../cli/src/exact-solver.ts';
import { integerProgram, isPlan } from '../../compiler/src/memory/integer-program.ts';
import type { IntegerSolver } from '../../compiler/src/memory/integer-program.ts';
import { planMemory } from '../../compiler/src/memory/plan.ts';
import type { MemoryProblem } from '../../compiler/src/memory/problem.ts';
import { random } from '../schedule/functions.ts';

/** Up to twelve buffers with short lives, some of which may take the place of one that ends. */
function randomProblem(seed: number): MemoryProblem {
  const next = random(seed * 31_337 + 5);
  for (let i = 0; i < 20; i++) next(2);
  const buffers = Array.from({ length: 6 + next(7) }, (_, i) => {
    const first = next(7);
    const align = next(2) === 0 ? 1 : 4;
    return { name: `b${i}`, bytes: 4 * (1 + next(24)), align, first, last: first + next(4) };
  });
  const overlaps = buffers.flatMap((input, i) =>
    buffers.flatMap((output, j) =>
      i !== j && input.last === output.first && input.first < output.first && next(3) === 0
        ? [{ input: i, output: j, leadBytes: 4 * next(3), ...(next(4) === 0 ? { exact: true } : {}) }]
        : [],
    ),
  );
  return { buffers, overlaps };
}

describe('the arena as an integer program', function () {
  this.timeout(120_000);
  let solver: IntegerSolver | undefined;
  before(async function () {
    solver = await loadSolver();
    if (solver === undefined) this.skip();
  });

  it('proves how near to the best the search alone comes', () => {
    const gaps: number[] = [];
    let [unproved, solved] = [0, 0];
    for (let seed = 0; seed < 40; seed++) {
      const problem = randomProblem(seed);
      const searched = planMemory(problem, { exhaustiveLimit: 0 });
      const exact = planMemory(problem, { exhaustiveLimit: 0, solver });
      assert.ok(isPlan(problem, exact.offsets), `seed ${seed}`);
      assert.ok(exact.arenaBytes <= searched.arenaBytes && exact.arenaBytes >= searched.lowerBound);
      if (!searched.optimal) solved++;
      if (!exact.optimal) unproved++;
      gaps.push(searched.arenaBytes / exact.arenaBytes - 1);
      // The search that tries all orders must agree with what the solver proves.
      const exhaustive = planMemory(problem, { exhaustiveLimit: 300_000 });
      if (exhaustive.optimal && exact.optimal) assert.equal(exact.arenaBytes, exhaustive.arenaBytes, `seed ${seed}`);
    }
    const optimal = gaps.filter((g) => g === 0).length;
    const worst = Math.max(...gaps);
    assert.equal(unproved, 0);
    assert.ok(solved > 0, 'some problems are left to the solver');
    assert.ok(optimal >= 0.9 * gaps.length && worst < 0.1, `${optimal} of ${gaps.length} optimal, worst ${worst}`);
  });

  it('finds the plan that placing one after another cannot reach', () => {
    // Exact distances tie three buffers together; the search places them one by one.
    const problem: MemoryProblem = {
      buffers: [
        { name: 'a', bytes: 8, align: 4, first: 0, last: 1 },
        { name: 'b', bytes: 8, align: 4, first: 1, last: 2 },
        { name: 'c', bytes: 12, align: 4, first: 0, last: 2 },
      ],
      overlaps: [{ input: 0, output: 1, leadBytes: 4, exact: true }],
    };
    const plan = planMemory(problem, { exhaustiveLimit: 0, solver });
    assert.ok(isPlan(problem, plan.offsets) && plan.optimal);
  });

  it('leaves out problems of too many pairs, and keeps the plan that is known', () => {
    const buffers = Array.from({ length: 90 }, (_, i) => ({ name: `b${i}`, bytes: 4, align: 4, first: 0, last: 1 }));
    assert.equal(integerProgram({ buffers, overlaps: [] }, 0, 360), undefined);
    const silly: IntegerSolver = () => ({ optimal: true, values: new Map() });
    const problem = randomProblem(3);
    assert.ok(isPlan(problem, planMemory(problem, { exhaustiveLimit: 0, effort: 0, solver: silly }).offsets));
  });
});
