/** What a random program must give, and whether the compiler's stages and kernels in JavaScript give it. */
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { errorScales } from '../../compiler/src/evaluate/error-scale.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { firstUnequal, roundingError } from '../../compiler/src/evaluate/rounding.ts';
import { tensorsOf, tensorValue } from '../../compiler/src/evaluate/value.ts';
import type { IRModule } from '../../compiler/src/ir/expr.ts';
import { programModule } from '../../compiler/src/passes/program.ts';
import { compileModel, type CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { passContext, runPasses, simplificationOrder } from '../../compiler/src/pipeline/simplification.ts';
import { isFloat } from '../../compiler/src/tensor/dtype.ts';
import { elementCount, type ElementArray, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { inputsOf, paramsOf, textOf, type Program } from './graph.ts';
import { arenaMemory, runArena } from '../run-arena.ts';
import type { Variation } from './variation.ts';

/**
 * Floats may differ by this much of the tensor's largest finite magnitude; where that is exceeded, of the largest
 * magnitude that the tensor is a sum or a difference of.
 */
const floatError = roundingError('float32');

export interface Mismatch {
  /** Where the program went wrong: `refused`, `crash`, `pass`, `js`, `canary`, or a backend's name. */
  readonly where: string;
  readonly detail: string;
}

export interface Prepared {
  readonly program: Program;
  readonly text: string;
  readonly compiled: CompiledModel;
  readonly inputs: ReadonlyMap<string, NDArray>;
  readonly expected: readonly NDArray[];
}

export interface PrepareOptions extends Variation {
  /** Name of the program in C. */
  readonly name?: string;
  /** Whether kernels run in JavaScript too; true unless said otherwise. */
  readonly javascript?: boolean;
}

/** Compiles and evaluates a program. */
function prepare(program: Program, options: PrepareOptions): Prepared | Mismatch {
  try {
    return prepareText(textOf(program), inputsOf(program), options, program, paramsOf(program));
  } catch (error) {
    return { where: 'crash', detail: (error as Error).stack ?? String(error) };
  }
}

const handWritten: Program = { seed: 0, family: 'written', nodes: [], outputs: [], lets: false, approximate: false };

/** Compiles and evaluates a program given as text; `inputs` in the order of the parameters of `@main`. */
export function prepareText(
  text: string,
  inputs: ReadonlyMap<string, NDArray>,
  options: PrepareOptions,
  program = handWritten,
  params?: ReadonlyMap<string, NDArray> | Uint8Array,
): Prepared | Mismatch {
  const { javascript: _, name = 'program', ...variation } = options;
  const compiled = compileModel({ text, ...(params ? { params } : {}), ...variation, name });
  if (!compiled.ok) return { where: 'refused', detail: `${compiled.error.code}: ${compiled.error.message}` };
  const expected = evaluate(compiled.value.typed, inputs);
  if (typeof expected === 'string') return { where: 'evaluator', detail: expected };
  return { program, text, compiled: compiled.value, inputs, expected };
}

function evaluate(module: IRModule, inputs: ReadonlyMap<string, NDArray>): readonly NDArray[] | string {
  const params = module.functions.get('main')?.params ?? [];
  const values = new Map(
    params.flatMap((p) => {
      const array = inputs.get(p.name);
      return array ? [[p.name, tensorValue(array)] as const] : [];
    }),
  );
  const result = evaluateFunction(module, 'main', values);
  if (!result.ok) return `${result.error.code}: ${result.error.message}`;
  return tensorsOf(result.value) ?? 'no tensors';
}

/** Where a result differs from what a program must give; undefined when they agree. */
export function difference(
  { program, compiled, inputs, expected }: Prepared,
  actual: readonly { readonly data: ElementArray }[],
): string | undefined {
  const { approximate } = program;
  const plain = firstDifference(expected, actual, approximate);
  if (plain === undefined || !expected.some((t) => isFloat(t.dtype))) return plain;
  const scales = errorScales(simplified(compiled), inputs);
  return scales === undefined ? plain : firstDifference(expected, actual, approximate, scales);
}

function simplified(compiled: CompiledModel): IRModule {
  return runPasses(compiled.typed, passContext(neverCancelled)).module;
}

/** `scales`: magnitudes that the error of each float tensor is measured by; its own unless given. */
function firstDifference(
  expected: readonly NDArray[],
  actual: readonly { readonly data: ElementArray }[],
  approximate: boolean,
  scales: readonly number[] = [],
): string | undefined {
  if (expected.length !== actual.length) return `${actual.length} outputs in place of ${expected.length}`;
  for (const [o, wanted] of expected.entries()) {
    const found = (actual[o] as { data: ElementArray }).data;
    const count = elementCount(wanted.shape);
    if (found.length !== count) return `output ${o} has ${found.length} elements in place of ${count}`;
    const i = firstUnequal(wanted, found, { error: floatError, scale: scales[o] ?? 0, slack: approximate ? 1 : 0 });
    if (i === undefined) continue;
    return `output ${o} (${wanted.dtype}), element ${i}: ${found[i]} in place of ${wanted.data[i]}`;
  }
  return undefined;
}

/** Evaluates the program after every pass that changed it, and after fusion. */
export function checkPasses(prepared: Prepared): Mismatch | undefined {
  const { compiled, inputs } = prepared;
  const context = passContext(neverCancelled);
  let module = compiled.typed;
  for (const pass of simplificationOrder) {
    const next = pass.run(module, context).module;
    if (next === module) continue;
    module = next;
    const problem = compare(prepared, module, inputs);
    if (problem !== undefined) return { where: 'pass', detail: `after ${pass.name}: ${problem}` };
  }
  const byName = new Map(compiled.program.inputs.map((v, i) => [v.name, [...inputs.values()][i]] as const));
  const renamed = new Map([...byName].flatMap(([k, v]) => (v ? [[k, v] as const] : [])));
  const problem = compare(prepared, programModule(compiled.program), renamed);
  return problem === undefined ? undefined : { where: 'pass', detail: `after fusion: ${problem}` };
}

function compare(prepared: Prepared, module: IRModule, inputs: ReadonlyMap<string, NDArray>): string | undefined {
  const result = evaluate(module, inputs);
  return typeof result === 'string' ? result : difference(prepared, result);
}

/**
 * Runs the kernels in JavaScript on one arena, as the C would: outputs take inputs' memory where the plan says so.
 * Subscripts are checked by the kernels; here, that nothing but outputs and scratch changes.
 */
export function checkArena(prepared: Prepared): Mismatch | undefined {
  const { compiled, inputs, expected } = prepared;
  const { arena } = compiled;
  const memory = arenaMemory(arena);
  compiled.program.inputs.forEach((value, i) => {
    const array = [...inputs.values()][i];
    if (array) memory.set(bytesOf(array.data), arena.offsetOf(value));
  });
  try {
    const wrong = runArena(arena, memory);
    if (wrong !== undefined) return { where: 'canary', detail: `kernel ${wrong.kernel}: ${wrong.problem}` };
  } catch (error) {
    return { where: 'js', detail: (error as Error).stack ?? String(error) };
  }
  const actual = compiled.program.outputs.map((value, i) => {
    const { data } = expected[i] as NDArray;
    const at = arena.offsetOf(value);
    const copy = data.slice() as ElementArray;
    bytesOf(copy).set(memory.subarray(at, at + copy.byteLength));
    return { data: copy };
  });
  const problem = difference(prepared, actual);
  return problem === undefined ? undefined : { where: 'js', detail: problem };
}

export function bytesOf(a: ElementArray): Uint8Array {
  return new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
}

/** Everything that needs no C compiler. */
export function checkInProcess(program: Program, options: PrepareOptions): Prepared | Mismatch {
  const prepared = prepare(program, options);
  if ('where' in prepared) return prepared;
  return checkPasses(prepared) ?? (options.javascript === false ? undefined : checkArena(prepared)) ?? prepared;
}
