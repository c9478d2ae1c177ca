/**
 * Instructions per multiply–accumulate of the kernel templates, on the emulated Cortex-M4, beside the goals: shapes of
 * the MLPerf Tiny models, shapes of no model, and layers in float32. `--odd N` takes N seeded random shapes instead
 * (`--seed S`) and tells how they lie to their goals. `--search` also tries other points of each space and reports the
 * best; `--cortex-m3` measures what a processor without the DSP extension gets (the goals are not for it);
 * `--other` measures programs of other operators, an instruction count for each element or multiply–accumulate, and
 * `--layers` layers in other layouts, orders of operators and element types;
 * `--only TEXT` takes the rows whose name has the text; `--json` prints data.
 */
import type { LoweredKernel } from '../compiler/src/loops/kernel.ts';
import { fitProblem } from '../compiler/src/schedule/conv-space.ts';
import { convMacs, normalise, type Residual } from '../compiler/src/schedule/problem.ts';
import type { ScheduleConfig, ScheduleSpace } from '../compiler/src/schedule/task.ts';
import { extractTask } from '../compiler/src/schedule/tasks.ts';
import { scheduler } from '../compiler/src/schedule/spaces.ts';
import { targetNamed } from '../compiler/src/targets/targets.ts';
import { fnv, inputBytes, measure, processors, type Measured, type Processor } from './support/emulator.ts';
import { expectedFloats, floatRows, type FloatRow } from './support/float-rows.ts';
import { goalOf, oddShapes } from './support/odd-shapes.ts';
import { layerRows } from './support/layer-rows.ts';
import { programRows, type ProgramRow } from './support/program-rows.ts';
import { measurePrograms, type ProgramResult } from './support/programs.ts';
import { fixedPoint, makeProblem, random, reference, type ProblemOptions } from './support/problems.ts';

interface Row extends ProblemOptions {
  readonly name: string;
  /** Instructions per multiply–accumulate to stay under. */
  readonly goal: number;
}

const same = [1, 1, 1, 1] as const;
const side = (scale: number, zeroPoint: number) => ({ ...fixedPoint(scale), zeroPoint, dtype: 'int8' as const });
const residual: Residual = {
  own: side(0.9, 4), other: side(0.77, -128), zeroPoint: -128, dtype: 'int8', min: -128, max: 127,
}; // prettier-ignore

const rows: readonly Row[] = [
  { name: 'pointwise 64→64, 25×5', goal: 1.25, inH: 25, inW: 5, inC: 64, outC: 64, kH: 1, kW: 1 },
  { name: 'pointwise 8→16, 48×48', goal: 1.9, inH: 48, inW: 48, inC: 8, outC: 16, kH: 1, kW: 1 },
  { name: 'pointwise 32→32, 24×24', goal: 1.45, inH: 24, inW: 24, inC: 32, outC: 32, kH: 1, kW: 1 },
  { name: 'pointwise 256→256, 3×3', goal: 1.25, inH: 3, inW: 3, inC: 256, outC: 256, kH: 1, kW: 1 },
  { name: 'pointwise 16→32 stride 2, 32×32', goal: 1.7, inH: 32, inW: 32, inC: 16, outC: 32, kH: 1, kW: 1, stride: [2, 2] },
  { name: '3×3 16→16, 32×32', goal: 1.32, inH: 32, inW: 32, inC: 16, outC: 16, kH: 3, kW: 3, padding: same },
  { name: '3×3 32→32, 16×16', goal: 1.32, inH: 16, inW: 16, inC: 32, outC: 32, kH: 3, kW: 3, padding: same },
  { name: '3×3 64→64, 8×8', goal: 1.32, inH: 8, inW: 8, inC: 64, outC: 64, kH: 3, kW: 3, padding: same },
  { name: '3×3 16→32 stride 2, 32×32', goal: 1.32, inH: 32, inW: 32, inC: 16, outC: 32, kH: 3, kW: 3, stride: [2, 2], padding: [0, 0, 1, 1] },
  { name: '3×3 64→64 with residual', goal: 1.4, inH: 8, inW: 8, inC: 64, outC: 64, kH: 3, kW: 3, padding: same, residual },
  { name: 'first layer 3→16 3×3, 32×32', goal: 2.2, inH: 32, inW: 32, inC: 3, outC: 16, kH: 3, kW: 3, padding: same },
  { name: 'first layer 3→8 3×3 stride 2, 96×96', goal: 2.2, inH: 96, inW: 96, inC: 3, outC: 8, kH: 3, kW: 3, stride: [2, 2], padding: [0, 0, 1, 1] },
  { name: 'first layer 1→64 10×4 stride 2', goal: 2.2, inH: 49, inW: 10, inC: 1, outC: 64, kH: 10, kW: 4, stride: [2, 2], padding: [4, 1, 5, 1], inputZero: 83 },
  { name: 'depthwise 3×3 64, 25×5', goal: 2.6, inH: 25, inW: 5, inC: 64, outC: 64, groups: 64, kH: 3, kW: 3, padding: same },
  { name: 'depthwise 3×3 8, 48×48', goal: 2.6, inH: 48, inW: 48, inC: 8, outC: 8, groups: 8, kH: 3, kW: 3, padding: same },
  { name: 'depthwise 3×3 16 stride 2, 48×48', goal: 3.4, inH: 48, inW: 48, inC: 16, outC: 16, groups: 16, kH: 3, kW: 3, stride: [2, 2], padding: [0, 0, 1, 1] },
  { name: 'depthwise 3×3 256, 3×3', goal: 3.4, inH: 3, inW: 3, inC: 256, outC: 256, groups: 256, kH: 3, kW: 3, padding: same },
  { name: 'depthwise 5×1 128, 26×1', goal: 3.4, inH: 26, inW: 1, inC: 128, outC: 128, groups: 128, kH: 5, kW: 1 },
  { name: 'depthwise 15×1 128, 15×1', goal: 7, inH: 15, inW: 1, inC: 128, outC: 128, groups: 128, kH: 15, kW: 1 },
  { name: 'dense 640→128', goal: 1.45, inH: 1, inW: 1, inC: 640, outC: 128, kH: 1, kW: 1, weightLimit: 90 },
  { name: 'dense 128→128', goal: 1.45, inH: 1, inW: 1, inC: 128, outC: 128, kH: 1, kW: 1 },
  { name: 'dense 128→8', goal: 2.2, inH: 1, inW: 1, inC: 128, outC: 8, kH: 1, kW: 1 },
  // Shapes of no model: within 1.3 of the goals above.
  { name: 'odd: 3×3 17→19, 11×13', goal: 1.72, inH: 11, inW: 13, inC: 17, outC: 19, kH: 3, kW: 3, padding: same, inputZero: 3 },
  { name: 'odd: 5×5 16→24, 12×12', goal: 1.72, inH: 12, inW: 12, inC: 16, outC: 24, kH: 5, kW: 5, padding: [2, 2, 2, 2], inputZero: -7 },
  { name: 'odd: 3×3 stride 3 16→16, 20×20', goal: 1.72, inH: 20, inW: 20, inC: 16, outC: 16, kH: 3, kW: 3, stride: [3, 3], padding: [0, 1, 1, 0] },
  { name: 'odd: 3×3 dilation 2 16→16, 16×16', goal: 1.72, inH: 16, inW: 16, inC: 16, outC: 16, kH: 3, kW: 3, dilation: [2, 2], padding: [2, 2, 2, 2] },
  { name: 'odd: 3×3 in 4 groups 32→32, 12×12', goal: 1.72, inH: 12, inW: 12, inC: 32, outC: 32, groups: 4, kH: 3, kW: 3, padding: same },
  { name: 'odd: 1-D 5×1 24→40, 30×1', goal: 1.72, inH: 30, inW: 1, inC: 24, outC: 40, kH: 5, kW: 1 },
  { name: 'odd: pointwise 13→7, 9×9', goal: 2.6, inH: 9, inW: 9, inC: 13, outC: 7, kH: 1, kW: 1, perTensor: true },
  { name: 'odd: depthwise 5×5 12, 14×14', goal: 3.4, inH: 14, inW: 14, inC: 12, outC: 12, groups: 12, kH: 5, kW: 5, padding: [2, 2, 2, 2] },
  { name: 'odd: depthwise 3×3 dilation 2 12, 14×14', goal: 3.4, inH: 14, inW: 14, inC: 12, outC: 12, groups: 12, kH: 3, kW: 3, dilation: [2, 2], padding: [2, 2, 2, 2] },
  { name: 'odd: depthwise 3×3 multiplier 2 12→24, 14×14', goal: 3.4, inH: 14, inW: 14, inC: 12, outC: 24, groups: 12, kH: 3, kW: 3, padding: same },
  { name: 'odd: dense 100→37', goal: 1.9, inH: 1, inW: 1, inC: 100, outC: 37, kH: 1, kW: 1, perTensor: true, inputZero: 9 },
]; // prettier-ignore

interface Result {
  readonly name: string;
  readonly macs: number;
  readonly goal: number;
  /** Of the default schedule. */
  readonly instructionsPerMac: number;
  readonly codeBytes: number;
  readonly right: boolean;
  readonly best?: { readonly instructionsPerMac: number; readonly config: ScheduleConfig };
}

function candidates(space: ScheduleSpace, count: number): ScheduleConfig[] {
  const next = random(11);
  const found = new Map([[JSON.stringify(space.default), space.default]]);
  for (let tries = 0; found.size < count && tries < 20 * count; tries++) {
    const config = Object.fromEntries(space.knobs.map((k) => [k.name, k.values[next(k.values.length)] ?? 0]));
    if (config['requantize'] === 'wide' && space.default['requantize'] === 'high') continue;
    if (space.isValid(config)) found.set(JSON.stringify(config), config);
  }
  return [...found.values()];
}

/** One row's kernels and the hash of what they must give. */
interface Prepared {
  readonly name: string;
  readonly goal: number;
  readonly macs: number;
  readonly configs: readonly ScheduleConfig[];
  readonly kernels: readonly LoweredKernel[];
  readonly expected: number | undefined;
}

function prepare(row: Row, search: boolean): Prepared {
  const plain = makeProblem(row);
  const p = normalise(plain);
  const fitted = fitProblem(p, false, (parts) => parts, processor === processors.m4);
  const configs = search ? candidates(fitted.space, 60) : [fitted.space.default];
  const kernels = configs.map((c, i): LoweredKernel => {
    const parts = fitted.lower(c);
    return { ...parts, name: `k${i}`, flags: String(c['flags']).split(' '), origin: [] };
  });
  const input = new Int8Array(inputBytes(p.batch * p.inH * p.inW * p.inC, 0).buffer);
  const outputs = p.batch * p.outH * p.outW * p.outC;
  const other = row.residual ? new Int8Array(inputBytes(outputs, 1).buffer) : undefined;
  const expected = fnv([reference(plain, input, other)]);
  return { name: row.name, goal: row.goal, macs: convMacs(p), configs, kernels, expected };
}

function prepareFloat(row: FloatRow, search: boolean): Prepared {
  const target = targetNamed('cortex-m4f');
  if (!target.ok) throw new Error(target.error.message);
  const space = scheduler.spaceOf(extractTask(row.fused), target.value);
  // Candidates differ in the order of additions: only one with the default's output is known to be right here.
  const configs = search ? candidates(space, 40) : [space.default];
  const kernels = configs.map((c): LoweredKernel => {
    const kernel = scheduler.lower(row.fused, target.value, c);
    if (!kernel.ok) throw new Error(kernel.error.message);
    return kernel.value;
  });
  const [first] = kernels;
  const output = first ? expectedFloats(row, first) : undefined;
  return {
    name: row.name,
    goal: row.goal,
    macs: row.macs,
    configs,
    kernels,
    expected: output ? fnv([output]) : undefined,
  };
}

function judge(p: Prepared, measured: readonly Measured[], search: boolean): Result {
  const [first] = measured;
  let best: Result['best'];
  measured.forEach((m, i) => {
    const instructionsPerMac = m.instructions / p.macs;
    if (m.hash === p.expected && (!best || instructionsPerMac < best.instructionsPerMac))
      best = { instructionsPerMac, config: p.configs[i] ?? {} };
  });
  return {
    name: p.name,
    macs: p.macs,
    goal: p.goal,
    instructionsPerMac: (first?.instructions ?? 0) / p.macs,
    codeBytes: first?.codeBytes ?? 0,
    right: p.expected !== undefined && first?.hash === p.expected && best !== undefined,
    ...(search && best ? { best } : {}),
  };
}

const args = process.argv.slice(2);
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const only = option('--only') ?? '';
const search = args.includes('--search');
const json = args.includes('--json');
const odd = option('--odd');
const programs = args.includes('--other') ? programRows : args.includes('--layers') ? layerRows : undefined;
const processor: Processor = args.includes('--cortex-m3') ? processors.m3 : processors.m4;

/** Rows without a search share images; with one, each row has its own. */
function measureRows(prepared: readonly (() => Prepared)[]): Result[] {
  if (search)
    return prepared.map((make) => {
      const p = make();
      const result = judge(p, measure(p.kernels, processor), true);
      if (!json) print(result);
      return result;
    });
  const all = prepared.map((make) => make());
  const measured = measure(
    all.flatMap((p, i) => p.kernels.map((k) => ({ ...k, name: `row${i}` }))),
    processor,
  );
  return all.map((p, i) => {
    const result = judge(p, measured.slice(i, i + 1), false);
    if (!json) print(result);
    return result;
  });
}

const shapes: readonly (() => Prepared)[] =
  odd === undefined
    ? [
        ...rows.filter((r) => r.name.includes(only)).map((r) => () => prepare(r, search)),
        ...floatRows
          .filter((r) => r.name.includes(only) && processor === processors.m4)
          .map((r) => () => prepareFloat(r, search)),
      ]
    : oddShapes(Number(odd), Number(option('--seed') ?? 1))
        .filter((r) => r.name.includes(only))
        .map((r) => () => prepare({ ...r, goal: goalOf(r.kind, r.kH * r.kW * (r.inC / (r.groups ?? 1))) }, search));
const results = programs ? [] : measureRows(shapes);
if (programs) measureAll(programs);
else if (json) console.log(JSON.stringify({ provenance: 'emulated', results }, undefined, 2));
else if (odd !== undefined) console.log(distribution(results));
if (results.some((r) => !r.right)) process.exitCode = 1;

function measureAll(rows: readonly ProgramRow[]): void {
  const measured = measurePrograms(
    rows.filter((r) => r.name.includes(only)),
    processor,
  );
  if (json) console.log(JSON.stringify({ provenance: 'emulated', programs: measured }, undefined, 2));
  else measured.forEach(printProgram);
  if (measured.some((p) => !p.right)) process.exitCode = 1;
}

function printProgram({ row, instructions, codeBytes, right, kernels }: ProgramResult): void {
  const each = instructions / row.count;
  const verdict = !right ? 'WRONG' : each <= row.goal ? 'ok' : `${(each / row.goal).toFixed(2)} times`;
  const templates = kernels.map((k) => `${k.template} ${(k.instructions / row.count).toFixed(2)}`).join(', ');
  const figure = `${each.toFixed(2).padStart(7)} insn/${row.unit}, goal ${row.goal} ${verdict}`;
  console.log(`${row.name.padEnd(44)} ${figure}  ${codeBytes} B code (${templates})`);
}

/** How measured figures lie to their goals. */
function distribution(all: readonly Result[]): string {
  const ratios = all.map((r) => r.instructionsPerMac / r.goal).sort((a, b) => a - b);
  const at = (q: number): string =>
    (ratios[Math.min(ratios.length - 1, Math.floor(q * ratios.length))] ?? 0).toFixed(2);
  const within = ratios.filter((r) => r <= 1.3).length;
  return `${all.length} shapes: instructions over goal ${at(0)} at least, ${at(0.5)} median, ${at(0.9)} of nine in ten, ${at(1)} at most; ${within} within 1.3, ${all.filter((r) => !r.right).length} wrong`;
}

function print(r: Result): void {
  const best = r.best
    ? `  best ${r.best.instructionsPerMac.toFixed(2)} (${((100 * r.instructionsPerMac) / r.best.instructionsPerMac - 100).toFixed(0)} %) ${JSON.stringify(r.best.config)}`
    : '';
  const ratio = r.instructionsPerMac / r.goal;
  const verdict = !r.right ? 'WRONG' : ratio <= 1 ? 'ok' : `over by ${(100 * ratio - 100).toFixed(0)} %`;
  console.log(
    `${r.name.padEnd(46)} ${r.instructionsPerMac.toFixed(2).padStart(6)} insn/MAC, goal ${r.goal.toFixed(2)} ${verdict}  ${r.codeBytes} B code${best}`,
  );
}
