/**
 * Seeded faults: applies wrong code to a temporary copy of the compiler, one fault at a time, and runs the tests that
 * look closest at the file and then the short differential suite on it. Prints which faults were caught; exit code 1
 * when one was missed or does not apply.
 *
 *     npx tsx tools/mutants.ts [--only part-of-a-name,another] [--programs 400]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Mutant {
  readonly name: string;
  /** Below `compiler/src`. */
  readonly file: string;
  /** Text that stands there, the first time. */
  readonly find: string;
  readonly replace: string;
}

const mutants: readonly Mutant[] = [
  // Passes
  { name: 'clip range test wrong', file: 'passes/simplify.ts', find: 'low <= Number(range.min) && high >= Number(range.max)', replace: 'low <= Number(range.min) || high >= Number(range.max)' },
  { name: 'joined clips take the wider bound', file: 'passes/simplify.ts', find: 'Math.min(high, high2)', replace: 'Math.max(high, high2)' },
  { name: 'joined transposes in the wrong order', file: 'passes/simplify.ts', find: 'outer.map((a) => first[a] ?? 0)', replace: 'first.map((a) => outer[a] ?? 0)' },
  { name: 'batch norm adds the mean', file: 'passes/fold-batch-norm.ts', find: '- (mean[i] ?? 0) * s', replace: '+ (mean[i] ?? 0) * s' },
  { name: 'batch norm forgets epsilon', file: 'passes/fold-batch-norm.ts', find: '(variance[i] ?? 0) + epsilon', replace: '(variance[i] ?? 0) + 2 * epsilon + 0.001' },
  { name: 'equal operators with other attributes are shared', file: 'passes/common-subexpressions.ts', find: '${canonicalJson(e.attrs)}', replace: '' },
  { name: 'equal constants by their ends', file: 'passes/common-subexpressions.ts', find: 'equalArrays(c.value, e.value)', replace: 'c.value.data.length === e.value.data.length' },
  { name: 'pruned channels ignore padding', file: 'passes/constant-channels.ts', find: 'constantValue && (!next.padded || range.low[c] === next.zeroPoint)', replace: 'constantValue' },
  // From operators to a template's problem
  { name: 'missing zero-point term', file: 'schedule/parse.ts', find: '- inputZero * sum) | 0', replace: ') | 0' },
  { name: 'weight zero point ignored', file: 'schedule/parse.ts', find: 'Number(value.data[at]) - zero', replace: 'Number(value.data[at]) - 0 * zero' },
  { name: 'dropped bias', file: 'schedule/parse.ts', find: '((bias[c] ?? 0) + v) | 0', replace: '((bias[c] ?? 0) + 0 * v) | 0' },
  { name: 'swapped strides', file: 'schedule/filter.ts', find: 'strideH: steps.strides[0] ?? 1, strideW: steps.strides[1] ?? 1', replace: 'strideH: steps.strides[1] ?? 1, strideW: steps.strides[0] ?? 1' },
  { name: 'dilation of rows used for columns', file: 'schedule/filter.ts', find: 'dilationW: steps.dilation[1] ?? 1', replace: 'dilationW: steps.dilation[0] ?? 1' },
  { name: 'column as row loses its padding', file: 'schedule/problem.ts', find: 'padLeft: p.padTop', replace: 'padLeft: 0' },
  { name: 'constant channel off by the zero point', file: 'schedule/problem.ts', find: '8 * (value - e.zeroPoint)', replace: '8 * value' },
  // Templates
  { name: 'wrong rounding constant', file: 'schedule/requantize.ts', find: '(2 * zeroPoint + 1) * 2 ** (shift - 1)', replace: '(2 * zeroPoint) * 2 ** (shift - 1)' },
  { name: 'wrong shift', file: 'schedule/requantize.ts', find: 'return { multiplier, shift: total - 32 }', replace: 'return { multiplier, shift: total - 31 }' },
  { name: 'clip bound off by one', file: 'schedule/templates/epilogue.ts', find: "bin('min', v, i32(max))", replace: "bin('min', v, i32(max + 1))" },
  { name: 'lower clip bound dropped', file: 'schedule/templates/epilogue.ts', find: 'if (min > range[dtype].min)', replace: 'if (false)' },
  { name: 'residual zero point off by one', file: 'schedule/templates/epilogue.ts', find: 'sub(x, i32(s.zeroPoint))', replace: 'sub(x, i32(s.zeroPoint + 1))' },
  { name: 'table rounds down', file: 'schedule/templates/epilogue.ts', find: '(1n << (total - 1n))', replace: '0n' },
  { name: 'padding off by one row', file: 'schedule/templates/window.ts', find: 'const y = add(mul(oy, p.strideH), i - p.padTop)', replace: 'const y = add(mul(oy, p.strideH), i - p.padTop + 1)' },
  { name: 'window keeps one row too many', file: 'schedule/templates/window.ts', find: 'moveDown(w.to, p.strideH * r.length', replace: 'moveDown(w.to, r.length' },
  { name: 'taps of a transposed convolution in the wrong order', file: 'schedule/transposed.ts', find: 'rest + stride * (count - 1 - k)', replace: 'rest + stride * k' },
  { name: 'interleaved outputs lie side by side', file: 'schedule/templates/conv.ts', find: 'step: among?.step ?? 1', replace: 'step: 1' },
  { name: 'zero points of products multiplied twice', file: 'schedule/templates/matmul.ts', find: 'mul(sum, i32(-p.a.zeroPoint))', replace: 'mul(sum, i32(p.a.zeroPoint))' },
  { name: 'result upon the second matrix', file: 'schedule/matmul-problem.ts', find: '.filter((o) => o.input !== second)', replace: '' },
  { name: 'sum skips the last elements', file: 'schedule/templates/add.ts', find: 'if (rest > 0)', replace: 'if (rest > 1)' },
  // Loops
  { name: 'rows and columns swapped in subscripts', file: 'loops/te-lower.ts', find: 'const size = shape[d] ?? 1;', replace: 'const size = shape[d - 1] ?? 1;' },
  { name: 'greatest value starts from zero', file: 'loops/te-lower.ts', find: "op === 'max' ? least : most", replace: "op === 'max' ? 0n : most" },
  { name: 'value reused from another element', file: 'loops/te-lower.ts', find: 'return a.op === b.op && equal(a.left, b.left) && equal(a.right, b.right)', replace: 'return a.op === b.op' },
  { name: 'comparison with itself the wrong way', file: 'loops/tidy.ts', find: "return bool(e.op === 'eq' || e.op === 'le' || e.op === 'ge')", replace: "return bool(e.op === 'eq' || e.op === 'lt' || e.op === 'ge')" },
  // Memory
  { name: 'overlapping arena offset', file: 'memory/plan.ts', find: 'to: at + need.below', replace: 'to: at + need.below - 1' },
  { name: 'tensor dies one step early', file: 'pipeline/arena.ts', find: 'known.last = Math.max(known.last, to)', replace: 'known.last = Math.max(known.last, to - 1)' },
  { name: 'output overtakes the input it replaces', file: 'pipeline/arena.ts', find: 'found.push({ input: from, output: to, leadBytes,', replace: 'found.push({ input: from, output: to, leadBytes: 0,' },
  // C
  { name: 'narrow integers do not wrap', file: 'emit/c.ts', find: "return narrow(infix({ add: '+', sub: '-', mul: '*' }[op]))", replace: "return infix({ add: '+', sub: '-', mul: '*' }[op])" },
  { name: 'floored remainder of negative divisors', file: 'emit/helpers.ts', find: '(r != 0 && (r < 0) != (b < 0))', replace: '(r < 0)' },
  { name: 'fixed-point product rounds down', file: 'emit/helpers.ts', find: '(uint64_t)product + ((uint64_t)1 << (total - 1))', replace: '(uint64_t)product + 0u' },
  { name: 'missing parentheses on the right', file: 'emit/c.ts', find: 'this.wrap(this.expr(e.right), s + 1)', replace: 'this.wrap(this.expr(e.right), s)' },
  { name: 'constants of a shared function in the wrong order', file: 'emit/program-text.ts', find: '...(called?.constants ?? []).map(', replace: '...[...(called?.constants ?? [])].reverse().map(' },
  { name: 'calls that differ in constants share one table', file: 'emit/module.ts', find: 'shared: list.some((c) => c.kernel !== list[0]?.kernel)', replace: 'shared: list.some((c) => c.kernel === undefined)' },
  { name: 'shift amounts are not taken modulo the width', file: 'emit/js-runtime.ts', find: 'x << (y & amount)', replace: 'x << (y & 7n)' },
  { name: 'amounts of shifts lose their upper bits', file: 'emit/c.ts', find: '& ${width - 1})', replace: '& 7)' },
  { name: 'floats are written with three digits', file: 'emit/c.ts', find: 'if (Math.fround(Number(text)) === target) return text;', replace: 'return String(Number(target.toPrecision(3)));' },
  { name: 'saturating conversion wraps at the upper end', file: 'emit/helpers.ts', find: "signed ? bits - 1 : bits)}) return ${max};`", replace: "signed ? bits - 1 : bits)}) return ${min};`" },
  { name: 'one-element constants all become zero', file: 'loops/lower.ts', find: 'scalars.set(tensor, only)', replace: 'scalars.set(tensor, 0)' },
  // Fusion
  { name: 'all results of a call are its first', file: 'passes/fuse.ts', find: 'this.resultsOf.get(e.tuple)?.[e.index]', replace: 'this.resultsOf.get(e.tuple)?.[0]' },
  { name: 'arguments of a kernel in another order than its parameters', file: 'passes/fuse.ts', find: 'args.push(value);', replace: 'args.unshift(value);' },
  { name: 'a fused kernel takes one input twice', file: 'passes/fuse.ts', find: 'if (known >= 0 && before !== undefined) return before;', replace: 'if (params[0] !== undefined) return params[0];' },
  // Requantisation
  { name: 'exact form used where it is not exact', file: 'schedule/requantize.ts', find: 'if (total < 33) return undefined;', replace: 'if (total < 32) return undefined;' },
  { name: 'small products rounded to zero too early', file: 'schedule/requantize.ts', find: '2 ** (total - 1) * (1 - 2 ** -40)', replace: '2 ** (total + 3)' },
  // Primitives
  { name: 'left-over turns start one too late', file: 'schedule/primitives/loops.ts', find: 'add(last, whole * factor)', replace: 'add(last, whole * factor - 1)' },
  { name: 'what a loop writes is read before it', file: 'schedule/primitives/hoist.ts', find: "if (e.kind === 'local' || e.kind === 'loopvar') return !changing.has(e);", replace: "if (e.kind === 'local' || e.kind === 'loopvar') return e !== loop.variable;" },
  { name: 'parts of a loop start one too late', file: 'schedule/primitives/partition.ts', find: 'add(variable, start)]', replace: 'add(variable, start + 1)]' },
  { name: 'collapsed loops over elements apart', file: 'schedule/primitives/partition.ts', find: '=== few.value * step', replace: '>= few.value * step' },
  { name: 'packed constants in reversed order', file: 'schedule/primitives/memory.ts', find: 'data[i] = value.data[from] as never', replace: 'data[length - 1 - i] = value.data[from] as never' },
  { name: 'temporaries computed in the wrong turn', file: 'schedule/primitives/memory.ts', find: 'if (!range || range.low < 0 || range.high >= factor) return undefined;', replace: 'if (!range) return undefined;' },
  { name: 'words read from half of a word on', file: 'schedule/primitives/tensorise.ts', find: '(n * bytes) % 4 === 0', replace: '(n * bytes) % 2 === 0' },
  // Memory
  { name: 'kernels in turns give their tensors up after their first turn', file: 'pipeline/arena.ts', find: 'const { first, last } = streamOf(k) ?? { first: k, last: k };', replace: 'const { first, last } = { first: k, last: k };' },
]; // prettier-ignore

const { values: args } = parseArgs({
  options: { only: { type: 'string' }, programs: { type: 'string', default: '400' } },
});

const root = fileURLToPath(new URL('..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'relay-mutants-'));

/** Runs the short suite on the copy: whether it fails, and how. */
function suite(backends: string, programs: string): string | undefined {
  const done = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'tools/differential.ts', '--programs', programs, '--backends', backends, '--no-shrink', '--quiet', '--first-failure', '--batch', '100'],
    { cwd: copy, encoding: 'utf8' },
  ); // prettier-ignore
  if (done.status === 0) return undefined;
  const failed = /FAILED ([^\n]*)/.exec(done.stdout)?.[1];
  // A fault that does not even load proves nothing.
  if (failed === undefined) throw new Error(`the copy does not run: ${done.stderr.slice(0, 600)}`);
  return failed;
}

/** Tests that look closer at some files than random programs do, by the start of the file's name. */
const closerTests: readonly (readonly [string, string])[] = [
  ['schedule/primitives', 'test/schedule/primitives.test.ts'],
  ['schedule/requantize', 'test/schedule/requantize.test.ts'],
  ['schedule/transposed', 'test/schedule/transposed.test.ts'],
  ['schedule/templates/conv', 'test/schedule/transposed.test.ts'],
  ['schedule/templates/matmul', 'test/schedule/matmul.test.ts'],
  ['schedule/matmul', 'test/schedule/matmul.test.ts'],
  ['loops/te-lower', 'test/loops/generic.test.ts'],
  ['emit/c.ts', 'test/loops/generic.test.ts'],
  ['emit/module', 'test/emit/module.test.ts'],
  ['pipeline/arena', 'test/pipeline/row-streams.test.ts'],
];

/** Runs the closer tests of a file on the copy: the first that fails. */
function closerTestsOf(file: string): string | undefined {
  const tests = closerTests.flatMap(([start, test]) => (file.startsWith(start) ? [test] : []));
  if (tests.length === 0) return undefined;
  const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
  const done = spawnSync(process.execPath, [mocha, ...tests], { cwd: copy, encoding: 'utf8' });
  if (done.status === 0) return undefined;
  const failed = /^\s*1\) (.*)$/m.exec(done.stdout)?.[1];
  if (failed === undefined) throw new Error(`the copy does not run: ${done.stderr.slice(0, 600)}`);
  return `the test \`${failed}\``;
}

let wrong = 0;
let caught = 0;
try {
  for (const folder of ['compiler', 'boards', 'test', 'tools'])
    cpSync(join(root, folder), join(copy, folder), { recursive: true });
  for (const file of ['package.json', '.mocharc.json']) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const clean = suite('js,host', args.programs);
  if (clean !== undefined) throw new Error(`the suite fails without any fault: ${clean}`);
  for (const mutant of mutants) {
    if (args.only !== undefined && !args.only.split(',').some((part) => mutant.name.includes(part))) continue;
    const path = join(copy, 'compiler/src', mutant.file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(mutant.find)) {
      wrong++;
      console.log(`does not apply  ${mutant.name} (${mutant.file})`);
      continue;
    }
    writeFileSync(
      path,
      text.replace(mutant.find, () => mutant.replace),
    );
    const found = closerTestsOf(mutant.file) ?? (mutant.file.startsWith('emit/') ? undefined : suite('js', args.programs)) ?? suite('js,host', args.programs); // prettier-ignore
    writeFileSync(path, text);
    if (found === undefined) wrong++;
    else caught++;
    console.log(
      `${found === undefined ? 'MISSED' : 'caught'}  ${mutant.name}${found ? `: ${found.slice(0, 110)}` : ''}`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${caught} faults caught, ${wrong} missed or not applicable`);
process.exitCode = wrong > 0 ? 1 : 0;
