import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compareFunctions, embeddingOfFunction, type Comparison } from '../../compiler/src/compare/compare.ts';
import { compareBehaviour } from '../../compiler/src/compare/behaviour.ts';
import { embeddingDistance } from '../../compiler/src/compare/embedding.ts';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { check } from '../../compiler/src/check/check.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { generate } from '../differential/generate.ts';
import { textOf } from '../differential/graph.ts';
import { Random } from '../differential/random.ts';
import { equalPrograms, unequalPrograms } from './programs.ts';

function moduleOf(text: string): IRModule | undefined {
  const tree = parseSource(text);
  const result = check(tree);
  if ([...tree.errors, ...result.diagnostics].some((d) => d.severity === 'error')) return undefined;
  const module = elaborate(result);
  return module.ok ? module.value : undefined;
}

function program(text: string): IRModule {
  const module = moduleOf(`#[version = "0.0.5"]\n${text}`);
  assert.ok(module, text);
  return module;
}

function compared(a: IRModule, b: IRModule, samples = 4): Comparison {
  const found = compareFunctions({ module: a, name: 'main' }, { module: b, name: 'main' }, { samples });
  assert.ok(found.ok, found.ok ? '' : found.error.message);
  return found.value;
}

const proofs = ['identical', 'same', 'same-real'];

describe('comparing programs', () => {
  for (const { title, left, right, verdict } of equalPrograms)
    it(`proves: ${title}`, () => {
      const [a, b] = [program(left), program(right)];
      const found = compared(a, b);
      assert.equal(found.verdict, verdict);
      assert.equal(found.distance, 0);
      assert.equal(compared(b, a).verdict, verdict);
    });

  for (const { title, left, right, verdict } of unequalPrograms)
    it(`tells apart: ${title}`, () => {
      const found = compared(program(left), program(right));
      assert.equal(found.verdict, verdict);
      assert.ok(found.distance > 0);
      assert.ok(found.onlyLeft.length + found.onlyRight.length > 0, 'says where they part');
    });

  it('proves nothing that inputs contradict', () => {
    let proved = 0;
    let differing = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const text = textOf(generate(seed));
      const original = moduleOf(text);
      const other = moduleOf(mutate(text, new Random(seed)));
      if (original === undefined || other === undefined) continue;
      const verdict = compared(original, other, 0).verdict;
      if (!proofs.includes(verdict)) {
        differing++;
        continue;
      }
      proved++;
      const [f, g] = [original.functions.get('main'), other.functions.get('main')];
      assert.ok(f && g);
      const entries = [
        { module: original, name: 'main', func: f },
        { module: other, name: 'main', func: g },
      ] as const;
      const pairing = f.params.map((_, i) => i);
      const tried = compareBehaviour(...entries, pairing, { samples: 3, seed: 100, token: neverCancelled });
      if (tried.ok) assert.equal(tried.value.kind, 'agree', `seed ${seed}\n${text}`);
    }
    // Both kinds have to occur for this to say anything.
    assert.ok(proved >= 5 && differing >= 5, `${proved} proved, ${differing} not`);
  });

  it('measures distances that are a metric', () => {
    const points = Array.from({ length: 12 }, (_, i) => {
      const module = moduleOf(textOf(generate(i + 1)));
      assert.ok(module);
      const point = embeddingOfFunction(module, 'main');
      assert.ok(point.ok);
      return point.value;
    });
    for (const a of points)
      for (const b of points) {
        assert.equal(embeddingDistance(a, b), embeddingDistance(b, a));
        assert.equal(embeddingDistance(a, b) === 0, a === b);
        for (const c of points)
          assert.ok(embeddingDistance(a, c) <= embeddingDistance(a, b) + embeddingDistance(b, c) + 1e-12);
      }
  });

  it('puts a small change nearer than another program', () => {
    let nearer = 0;
    let tried = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const text = textOf(generate(seed));
      const [a, b, c] = [text, mutate(text, new Random(seed)), textOf(generate(seed + 1000))].map(moduleOf);
      if (a === undefined || b === undefined || c === undefined) continue;
      const [x, y, z] = [a, b, c].map((m) => embeddingOfFunction(m, 'main'));
      if (!x?.ok || !y?.ok || !z?.ok) continue;
      tried++;
      if (embeddingDistance(x.value, y.value) < embeddingDistance(x.value, z.value)) nearer++;
    }
    assert.ok(tried >= 15 && nearer >= 0.95 * tried, `${nearer} of ${tried}`);
  });
});

/** One operator or number of the text changed; the result need not check. */
function mutate(annotated: string, random: Random): string {
  const text = annotated.replace(/\s*\/\/.*/g, '');
  const swaps: Readonly<Record<string, string>> = {
    'add(': 'subtract(',
    'multiply(': 'add(',
    'maximum(': 'minimum(',
    'nn.relu(': 'abs(',
    'exp(': 'tanh(',
    'nn.max_pool2d(': 'nn.avg_pool2d(',
  };
  const places = [
    ...text.matchAll(/\b(?:add|multiply|maximum|nn\.relu|exp|nn\.max_pool2d)\(|(?<=[[ =])\d+(?=[\],f])/g),
  ];
  const body = places.filter((m) => m.index > text.indexOf('{'));
  if (body.length === 0) return text;
  const place = random.pick(body);
  const [old] = place;
  const now = swaps[old] ?? String(Number(old) + 1);
  return text.slice(0, place.index) + now + text.slice(place.index + old.length);
}
