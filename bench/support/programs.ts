/** Instructions of whole programs: every kernel on the emulator, each held against the evaluator. */
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { tensorsOf } from '../../compiler/src/evaluate/value.ts';
import type { Func } from '../../compiler/src/ir/expr.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { lowerTo } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { isFloat } from '../../compiler/src/tensor/dtype.ts';
import { allocateElements, elementCount, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape, type Type } from '../../compiler/src/types/type.ts';
import { floatInputs, fnv, inputBytes, measure, type Processor } from './emulator.ts';
import type { ProgramRow } from './program-rows.ts';
import { random } from './problems.ts';

export interface ProgramResult {
  readonly row: ProgramRow;
  readonly instructions: number;
  readonly codeBytes: number;
  readonly right: boolean;
  /** Of every kernel: its template and instructions. */
  readonly kernels: readonly { readonly template: string; readonly instructions: number }[];
}

interface Made {
  readonly kernel: LoweredKernel;
  readonly template: string;
  /** What the evaluator gives for the emulator's inputs. */
  readonly expected: NDArray;
}

/** Compiles and measures programs, all kernels of all of them in shared images. */
export function measurePrograms(rows: readonly ProgramRow[], processor: Processor): ProgramResult[] {
  const made = rows.map((row) => kernelsOf(row, processor));
  const all = made.flat();
  const measured = measure(
    all.map((m, i) => ({ ...m.kernel, name: `k${i}` })),
    processor,
    all.map((m) => (isFloat(m.expected.dtype) ? (m.expected.data as Float32Array) : undefined)),
  );
  let next = 0;
  return rows.map((row, i) => {
    const own = (made[i] ?? []).map((m) => ({ ...m, measured: measured[next++] }));
    return {
      row,
      instructions: own.reduce((n, m) => n + (m.measured?.instructions ?? 0), 0),
      codeBytes: own.reduce((n, m) => n + (m.measured?.codeBytes ?? 0), 0),
      right: own.length > 0 && own.every(({ expected, measured: m }) => m !== undefined && isRight(expected, m)),
      kernels: own.map((m) => ({ template: m.template, instructions: m.measured?.instructions ?? 0 })),
    };
  });
}

function isRight(expected: NDArray, m: { readonly hash: number; readonly difference: number }): boolean {
  if (!isFloat(expected.dtype)) return m.hash === fnv([expected.data]);
  const largest = (expected.data as Float32Array).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return m.difference <= 1e-5 * largest;
}

function kernelsOf(row: ProgramRow, processor: Processor): Made[] {
  const target = targetNamed(processor.target);
  if (!target.ok) throw new Error(target.error.message);
  const lowered = lowerTo({ text: row.text, target: target.value, params: parametersOf(row.text) }, 'scheduled');
  if (!lowered.ok) throw new Error(`${row.name}: ${lowered.error.message}`);
  return (lowered.value.kernels ?? []).map(({ step, template, lowered: kernel }) => ({
    kernel,
    template,
    expected: expectedOf(step.fused.func),
  }));
}

/** Seeded values of the parameters that are no data: small weights, positive scales. */
export function parametersOf(text: string): Map<string, NDArray> {
  const found = new Map<string, NDArray>();
  const next = random(5);
  for (const [, name = '', dims = '', dtype = ''] of text.matchAll(/%([a-z]): Tensor\[\(([\d, ]+)\), (\w+)\]/g)) {
    if (name === 'x' || name === 'y') continue;
    const shape = dims.split(',').map(Number);
    const data = allocateElements(dtype, elementCount(shape)) as Int32Array;
    for (let i = 0; i < data.length; i++)
      data[i] =
        name === 's' ? (1 + next(100)) / 100 : dtype === 'float32' ? (next(2001) - 1000) / 1000 : next(201) - 100;
    found.set(name, { dtype, shape, data });
  }
  return found;
}

/** The evaluator's result for the inputs that the emulated program fills in. */
function expectedOf(func: Func): NDArray {
  const module = { functions: new Map([['main', func]]), types: new Map() };
  const inputs = func.params.map((p, i) => [p.name, { kind: 'tensor', array: filled(p.type, i) }] as const);
  const result = evaluateFunction(module, 'main', new Map(inputs));
  if (!result.ok) throw new Error(result.error.message);
  const [first, another] = tensorsOf(result.value) ?? [];
  if (!first || another) throw new Error('a kernel with other than one result');
  return first;
}

function filled(type: Type, i: number): NDArray {
  const shape = type.kind === 'tensor' ? staticShape(type) : undefined;
  if (type.kind !== 'tensor' || !shape) throw new Error('a parameter without a shape');
  const count = elementCount(shape);
  if (type.dtype === 'float32') return { dtype: type.dtype, shape, data: floatInputs(count, i) };
  const data = allocateElements(type.dtype, count) as Int32Array;
  new Uint8Array(data.buffer).set(inputBytes(data.byteLength, i));
  return { dtype: type.dtype, shape, data };
}
