/**
 * Differential testing: random programs through the evaluator, the passes one by one, kernels in JavaScript, and C.
 *
 *     npx tsx tools/differential.ts --programs 1000 --seed 1 --backends js,host,mps2-an386
 *
 * `--sanitize` builds the host's C under the address and undefined-behaviour sanitizers, `--family` takes one kind of
 * program, `--batch` programs share an executable, `--keep-going` lists all failures, `--jobs` processes share the
 * programs. Exit code 1 when any program fails; each failure is shrunk and printed as Relay text with its seed. `--coverage` runs nothing and tells which of
 * the operators that can be lowered the programs use.
 */
import { fork, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connectBoard, findProfile, Toolchain, type Board } from '../boards/src/index.ts';
import { nestOf } from '../compiler/src/loops/imperative/index.ts';
import { operatorRegistry } from '../compiler/src/operators/registry.ts';
import { targets } from '../compiler/src/targets/targets.ts';
import { runNatively, runOnBoard, type HostOptions } from '../test/differential/batch.ts';
import { families, generate, type Family } from '../test/differential/generate.ts';
import { paramsOf, textOf, type Program } from '../test/differential/graph.ts';
import { checkInProcess, type Mismatch, type Prepared } from '../test/differential/oracle.ts';
import { shrink } from '../test/differential/shrink.ts';
import { variationOf } from '../test/differential/variation.ts';

const { values: args } = parseArgs({
  options: {
    programs: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    backends: { type: 'string', default: 'js' },
    family: { type: 'string' },
    batch: { type: 'string', default: '40' },
    jobs: { type: 'string', default: '1' },
    compiler: { type: 'string', default: 'gcc' },
    sanitize: { type: 'boolean', default: false },
    // Kernels that are unrolled whole take an optimiser minutes; the board's compiler optimises in any case.
    optimise: { type: 'string', default: '-O0' },
    'keep-going': { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    'first-failure': { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    coverage: { type: 'boolean', default: false },
  },
});

const backends = args.backends.split(',');
const count = Number(args.programs);
const first = Number(args.seed);
const batchSize = Number(args.batch);
const only = families.find((f) => f === args.family);
const target = targets.find((t) => t.name === 'cortex-m4f');
if (!target || (args.family !== undefined && !only)) throw new Error(`families: ${families.join(', ')}`);

if (args.coverage) {
  const used = new Set<string>();
  for (let i = 0; i < count; i++)
    for (const node of generate(first + i, only).nodes) if (node.kind === 'call') used.add(node.op);
  const lowerable = operatorRegistry.all().filter((o) => o.compute !== undefined || nestOf(o.name) !== undefined).map((o) => o.name); // prettier-ignore
  const missing = lowerable.filter((name) => !used.has(name));
  console.log(`${lowerable.length - missing.length} of ${lowerable.length} operators; not used: ${missing.join(', ')}`);
  process.exit();
}

/** What a run found: programs without a failure, by family, and failures. */
interface Totals {
  readonly clean: Readonly<Record<string, number>>;
  readonly failures: number;
}

const started = Date.now();

function finish({ clean, failures }: Totals): void {
  const total = Object.values(clean).reduce((x, y) => x + y, 0);
  const kinds = Object.entries(clean).sort().map(([k, v]) => `${v} ${k}`); // prettier-ignore
  console.log(
    `${total} programs clean (${kinds.join(', ')}), ${failures} failed; seeds ${first}–${first + count - 1}; backends ${backends.join(', ')}; ${Math.round((Date.now() - started) / 1000)} s`,
  );
  process.exitCode = failures > 0 || total + failures < count ? 1 : 0;
}

/** Runs a part of the seeds in a process of its own. */
function share(from: number, programs: number): Promise<Totals> {
  const options = process.argv.slice(2);
  const child = fork(fileURLToPath(import.meta.url), [...options, '--jobs', '1', '--seed', `${from}`, '--programs', `${programs}`]); // prettier-ignore
  return new Promise((resolve) => {
    let totals: Totals = { clean: {}, failures: 0 };
    child.on('message', (message) => (totals = message as Totals));
    child.on('exit', () => {
      resolve(totals);
    });
  });
}

const jobs = Number(args.jobs);
if (jobs > 1) {
  const from = (job: number): number => first + Math.floor((count * job) / jobs);
  const parts = await Promise.all(Array.from({ length: jobs }, (_, j) => share(from(j), from(j + 1) - from(j))));
  const clean: Record<string, number> = {};
  for (const part of parts) for (const [k, v] of Object.entries(part.clean)) clean[k] = (clean[k] ?? 0) + v;
  finish({ clean, failures: parts.reduce((sum, p) => sum + p.failures, 0) });
  process.exit();
}

/** A backend beyond JavaScript: judges a batch. */
type Judge = (programs: readonly Prepared[]) => Promise<readonly (Mismatch | undefined)[]>;

const judges: Judge[] = [];
const closers: (() => Promise<void>)[] = [];
for (const name of backends) {
  if (name === 'js') continue;
  if (name === 'host') {
    if (spawnSync(args.compiler, ['--version']).status !== 0) throw new Error(`${args.compiler} is not installed`);
    const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g'];
    const options: HostOptions = {
      compiler: args.compiler,
      flags: [args.optimise, ...(args.sanitize ? sanitizers : [])],
    };
    judges.push((programs) => Promise.resolve(runNatively(programs, options)));
    continue;
  }
  judges.push(await boardJudge(name));
}

async function boardJudge(name: string): Promise<Judge> {
  const profile = findProfile(name);
  if (!profile.ok) throw new Error(profile.error.message);
  const opened = await Toolchain.open(profile.value);
  if (!opened.ok) throw new Error(`${opened.error.message} ${opened.error.remedy ?? ''}`);
  const toolchain = opened.value;
  const connected = await connectBoard(profile.value);
  if (!connected.ok) throw new Error(connected.error.message);
  const board: Board = connected.value;
  closers.push(
    () => board.close(),
    () => toolchain.close(),
  );
  return (programs) => runOnBoard(programs, toolchain, board);
}

let failures = 0;
const clean: Record<string, number> = {};

async function report(
  program: Program,
  mismatch: Mismatch,
  again: (p: Program) => Promise<Mismatch | undefined>,
): Promise<void> {
  failures++;
  console.log(`\nFAILED seed ${program.seed} (${program.family}), ${mismatch.where}: ${mismatch.detail}`);
  if (args['no-shrink']) return;
  const kind = mismatch.detail.split(':')[0]?.replace(/\d+/g, '');
  const small = await shrink(program, async (candidate) => {
    const found = await again(candidate);
    return found?.where === mismatch.where && (found.where !== 'refused' || found.detail.startsWith(kind ?? ''));
  });
  const last = await again(small);
  console.log(`Shrunk to ${small.nodes.filter((n) => n.kind === 'call').length} operators: ${last?.detail ?? ''}`);
  console.log(textOf(small));
  for (const [name, array] of paramsOf(small))
    console.log(`// %${name} = [${[...array.data.slice(0, 24)].join(', ')}${array.data.length > 24 ? ', …' : ''}]`);
}

const inProcess = (program: Program): Prepared | Mismatch => checkInProcess(program, variationOf(program.seed, target));

let pending: Prepared[] = [];

async function flush(): Promise<void> {
  const batch = pending;
  pending = [];
  const wrong = new Set<Prepared>();
  for (const judge of judges) {
    if (batch.length === 0) break;
    const verdicts = await judge(batch);
    for (const [i, mismatch] of verdicts.entries()) {
      const prepared = batch[i];
      if (!mismatch || !prepared || wrong.has(prepared)) continue;
      wrong.add(prepared);
      await report(prepared.program, mismatch, async (p) => {
        const again = inProcess(p);
        return 'where' in again ? undefined : (await judge([again]))[0];
      });
    }
  }
  for (const p of batch) if (!wrong.has(p)) clean[p.program.family] = (clean[p.program.family] ?? 0) + 1;
}

for (let i = 0; i < count; i++) {
  const program = generate(first + i, only as Family | undefined);
  const checked = inProcess(program);
  if ('where' in checked)
    await report(program, checked, (p) => {
      const again = inProcess(p);
      return Promise.resolve('where' in again ? again : undefined);
    });
  else pending.push(checked);
  if (pending.length >= batchSize) await flush();
  if (!args.quiet && (i + 1) % 500 === 0)
    console.error(`${i + 1} programs, ${failures} failures, ${Math.round((Date.now() - started) / 1000)} s`);
  if (failures >= (args['first-failure'] ? 1 : args['keep-going'] ? Infinity : 5)) break;
}
await flush();
for (const close of closers) await close();
if (process.send) process.send({ clean, failures });
else finish({ clean, failures });
