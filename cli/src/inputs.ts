/** The inputs of a model: from `--input` options, or seeded random values where the verb only measures. */
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { congruential } from '../../compiler/src/evaluate/seeded.ts';
import { parameterNamed } from '../../compiler/src/passes/bind-params.ts';
import { integerRange, isFloat } from '../../compiler/src/tensor/dtype.ts';
import { allocateElements, elementCount, type NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { printType } from '../../compiler/src/types/print.ts';
import { staticShape, type TensorType } from '../../compiler/src/types/type.ts';
import type { Model } from './model.ts';
import { parseInputOptions, readInput } from './tensors.ts';
import type { ParsedArguments } from './verb.ts';

interface InputDeclaration {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
}

/** Parameters of `@main` that the parameter file does not bind. */
function declarations(model: Model): Result<readonly InputDeclaration[]> {
  const main = model.source.check.tree.definitions.find((d) => d.kind === 'def' && d.name.text === 'main');
  if (main?.kind !== 'def') return fail('no-main', 'The program has no @main.', 'Name the entry function @main.');
  const declared = main.fn.params.map((param) => ({ name: param.name.text }));
  const bound = new Set([...model.params.keys()].map((name) => parameterNamed(declared, name)?.name));
  const found: InputDeclaration[] = [];
  for (const param of main.fn.params) {
    const name = param.name.text;
    if (bound.has(name)) continue;
    const type = model.source.check.typeOf(param);
    const shape = type?.kind === 'tensor' ? staticShape(type) : undefined;
    if (type?.kind !== 'tensor' || !shape)
      return fail(
        'input-type',
        `%${name} is ${type ? printType(type) : 'of unknown type'}; only tensors of fixed shape can be given.`,
        'Declare the shape of the input.',
      );
    found.push({ name, type, shape });
  }
  return ok(found);
}

function files(
  model: Model,
  args: ParsedArguments,
): Result<{ readonly wanted: readonly InputDeclaration[]; readonly given: ReadonlyMap<string, string> }> {
  const wanted = declarations(model);
  if (!wanted.ok) return wanted;
  const given = parseInputOptions(args.texts('input'));
  if (!given.ok) return given;
  const names = wanted.value.map((d) => d.name);
  for (const name of given.value.keys())
    if (!names.includes(name))
      return fail('unknown-input', `@main takes no input '${name}'.`, `Inputs: ${names.join(', ') || 'none'}.`);
  return ok({ wanted: wanted.value, given: given.value });
}

/** Inputs that were named on the command line, read and checked. What is missing the evaluator names. */
export function gatherInputs(model: Model, args: ParsedArguments): Result<ReadonlyMap<string, NDArray>> {
  const sorted = files(model, args);
  if (!sorted.ok) return sorted;
  const inputs = new Map<string, NDArray>();
  for (const { name, type, shape } of sorted.value.wanted) {
    const file = sorted.value.given.get(name);
    if (file === undefined) continue;
    const array = readInput(name, file, type.dtype, shape);
    if (!array.ok) return array;
    inputs.set(name, array.value);
  }
  return ok(inputs);
}

export interface Inputs {
  readonly inputs: ReadonlyMap<string, NDArray>;
  /** Names of those that are random. */
  readonly random: readonly string[];
}

/** Tells which inputs are random. */
export function randomNote(random: readonly string[]): string {
  const shown = random.slice(0, 3).map((n) => `%${n}`);
  const more = random.length > shown.length ? ` and ${random.length - shown.length} more` : '';
  return `random values for ${shown.join(', ')}${more} (give others with --input NAME=FILE)`;
}

/** Every input: given ones from their files, the others random with a seed. */
export function inputsOrRandom(model: Model, args: ParsedArguments, seed: number): Result<Inputs> {
  const sorted = files(model, args);
  if (!sorted.ok) return sorted;
  const given = gatherInputs(model, args);
  if (!given.ok) return given;
  const inputs = new Map(given.value);
  const random: string[] = [];
  for (const { name, type, shape } of sorted.value.wanted) {
    if (inputs.has(name)) continue;
    const array = randomTensor(type.dtype, shape, seed + random.length);
    if (!array)
      return fail(
        'input-type',
        `%${name} is ${printType(type)}; no value can be made for it.`,
        `Give it with --input ${name}=FILE.`,
      );
    inputs.set(name, array);
    random.push(name);
  }
  return ok({ inputs, random });
}

/** Seeded values over the whole range of narrow integers, small ones of wide integers, and [-1, 1) for floats. */
function randomTensor(dtype: string, shape: readonly number[], seed: number): NDArray | undefined {
  const data = allocateElements(dtype, elementCount(shape));
  const range = integerRange(dtype);
  if (!data || (!range && !isFloat(dtype))) return undefined;
  const next = congruential(seed);
  for (let i = 0; i < data.length; i++) {
    const state = next();
    const byte = state >>> 24;
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(byte);
    else if (!range) data[i] = Math.round((state / 2 ** 31 - 1) * 128) / 128;
    else if (range.max - range.min > 255n) data[i] = range.min < 0n ? byte - 128 : byte;
    else data[i] = Number(range.min) + (byte % (Number(range.max - range.min) + 1));
  }
  return { dtype, shape, data };
}
