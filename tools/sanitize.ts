/**
 * Compiles the programs of the conformance corpora that can run, and the reference models, to C under the address and
 * undefined-behaviour sanitizers, runs them on small inputs and compares the results with the evaluator's.
 *
 *     npx tsx tools/sanitize.ts --corpus values --compiler clang [--from 0] [--count 500]
 *     npx tsx tools/sanitize.ts --models
 *
 * Exit code 1 when a sanitizer reports, a result differs, or the C does not compile without warnings. What cannot run
 * is counted by the reason; programs with inputs of more than `--elements` elements are left out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { check } from '../compiler/src/check/check.ts';
import { elaborate } from '../compiler/src/ir/elaborate.ts';
import { parseSource } from '../compiler/src/syntax/parser.ts';
import { targetNamed } from '../compiler/src/targets/targets.ts';
import { elementCount, type NDArray } from '../compiler/src/tensor/ndarray.ts';
import { staticShape } from '../compiler/src/types/type.ts';
import { runNatively } from '../test/differential/batch.ts';
import { contents } from '../test/differential/graph.ts';
import { prepareText, type Prepared } from '../test/differential/oracle.ts';
import { Random } from '../test/differential/random.ts';
import { inputOf, referenceModels } from '../test/models.ts';

const { values: args } = parseArgs({
  options: {
    corpus: { type: 'string', default: 'values' },
    models: { type: 'boolean', default: false },
    compiler: { type: 'string', default: 'gcc' },
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '100000' },
    elements: { type: 'string', default: '200000' },
    batch: { type: 'string', default: '60' },
  },
});

if (spawnSync(args.compiler, ['--version'], { stdio: 'ignore' }).error) {
  const wanted = args.compiler.startsWith('clang') ? 'clang libclang-rt-dev' : args.compiler;
  console.error(`${args.compiler} is not there. Install it and run this again:\n  sudo apt-get install ${wanted}`);
  process.exit(2);
}

const flags = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const target = targetNamed('host');
if (!target.ok) throw new Error(target.error.message);
const host = target.value;

interface Case {
  readonly id: string;
  readonly text: string;
  readonly ok?: boolean;
}

function cases(corpus: string): readonly Case[] {
  const file = fileURLToPath(new URL(`../../shared/conformance/${corpus}.jsonl`, import.meta.url));
  if (!existsSync(file)) throw new Error(`put the corpus into ../shared/conformance: ${corpus}.jsonl is not there`);
  const lines = readFileSync(file, 'utf8').split('\n').filter((l) => l !== ''); // prettier-ignore
  return lines.map((line) => JSON.parse(line) as Case).filter((c) => c.ok !== false);
}

/** Inputs of `@main`, small integers that may be positions; a text says why there are none. */
function inputsFor(text: string, seed: number): Map<string, NDArray> | string {
  const module = elaborate(check(parseSource(text)));
  if (!module.ok) return module.error.code;
  const main = module.value.functions.get('main');
  if (!main) return 'no-main';
  if (new Set(main.params.map((p) => p.name)).size < main.params.length) return 'equal-names';
  const random = new Random(seed);
  const inputs = new Map<string, NDArray>();
  for (const p of main.params) {
    const shape = p.type.kind === 'tensor' ? staticShape(p.type) : undefined;
    if (p.type.kind !== 'tensor' || !shape) return 'no-static-inputs';
    if (elementCount(shape) > Number(args.elements)) return 'too-large';
    const { dtype } = p.type;
    const bytes = dtype === 'int8' || dtype === 'uint8';
    const range = dtype.startsWith('float') ? { low: 0.1, high: 0.9 } : bytes ? undefined : { low: 0, high: 1 };
    try {
      inputs.set(p.name, contents(shape, dtype, range, random));
    } catch {
      return `no-values-of-${dtype}`;
    }
  }
  return inputs;
}

const reasons = new Map<string, number>();
const problems: string[] = [];
let clean = 0;

function count(reason: string): void {
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
}

function run(batch: readonly { readonly id: string; readonly prepared: Prepared }[]): void {
  const verdicts = runNatively(
    batch.map((b) => b.prepared),
    { compiler: args.compiler, flags },
  );
  for (const [i, verdict] of verdicts.entries())
    if (verdict) problems.push(`${batch[i]?.id ?? ''}: ${verdict.detail}`);
    else clean++;
}

if (args.models) {
  for (const model of referenceModels()) {
    const [c] = model.cases;
    if (!c) continue;
    const inputs = new Map([[model.input.name, inputOf(model, c)]]);
    const prepared = prepareText(model.text, inputs, { target: host }, undefined, model.params);
    if ('where' in prepared) problems.push(`${model.name}: ${prepared.where}, ${prepared.detail}`);
    else run([{ id: model.name, prepared }]);
  }
} else {
  const chosen = cases(args.corpus).slice(Number(args.from), Number(args.from) + Number(args.count));
  let batch: { id: string; prepared: Prepared }[] = [];
  for (const [i, { id, text }] of chosen.entries()) {
    const inputs = inputsFor(text, i + 1);
    if (typeof inputs === 'string') {
      count(inputs);
      continue;
    }
    try {
      const prepared = prepareText(text, inputs, { target: host, name: 'program' });
      if ('where' in prepared) {
        if (prepared.where === 'refused') count(prepared.detail.split(':')[0] ?? '');
        else problems.push(`${id}: ${prepared.where}, ${prepared.detail}`);
      } else batch.push({ id, prepared });
    } catch (error) {
      problems.push(`${id}: crash, ${(error as Error).stack ?? String(error)}`);
    }
    if (batch.length >= Number(args.batch)) {
      run(batch);
      batch = [];
      console.error(`${i + 1} of ${chosen.length} looked at, ${clean} clean, ${problems.length} failed`);
    }
  }
  if (batch.length > 0) run(batch);
}

for (const problem of problems) console.log(`FAILED ${problem}`);
const left = [...reasons].sort(([, a], [, b]) => b - a).map(([reason, n]) => `${n} ${reason}`); // prettier-ignore
console.log(`${args.models ? 'models' : args.corpus}, ${args.compiler}: ${clean} programs clean, ${problems.length} failed; not run: ${left.join(', ') || 'none'}`); // prettier-ignore
process.exitCode = problems.length > 0 ? 1 : 0;
