import { evaluateFunction } from '../../../compiler/src/evaluate/ir.ts';
import { tensorsOf, tensorValue, type Value } from '../../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../../compiler/src/ir/elaborate.ts';
import { fail, ok, type Failure, type Result } from '../../../compiler/src/base/result.ts';
import { parameterNamed } from '../../../compiler/src/passes/bind-params.ts';
import { canonicalDType } from '../../../compiler/src/tensor/dtype.ts';
import type { NDArray } from '../../../compiler/src/tensor/ndarray.ts';
import { exit, type CommandIO, type ExitCode } from '../io.ts';
import { gatherInputs, inputsOrRandom, randomNote, type Inputs } from '../inputs.ts';
import { answerLines, noFilesWithLines } from '../jsonl.ts';
import { finish, loadModel, type Model } from '../model.ts';
import { loadText } from '../source.ts';
import { renderTensor } from '../tensor-text.ts';
import { tensorFromBytes, tensorJson } from '../tensors.ts';
import type { ParsedArguments, Verb } from '../verb.ts';

/** Runs `@main` in the evaluator; outputs are flattened to tensors. */
function evaluateMain(
  source: Model['source'],
  values: ReadonlyMap<string, NDArray>,
  token: CommandIO['token'],
): Result<readonly NDArray[]> {
  const module = elaborate(source.check);
  if (!module.ok) return module;
  const main = module.value.functions.get('main');
  if (!main) return fail('no-main', 'The program has no @main to run.', 'Name the entry function @main.');
  const inputs = new Map<string, Value>();
  for (const [name, value] of values) {
    inputs.set(parameterNamed(main.params, name)?.name ?? name, tensorValue(value));
  }
  const result = evaluateFunction(module.value, 'main', inputs, { token });
  if (!result.ok) return result;
  const tensors = tensorsOf(result.value);
  return tensors
    ? ok(tensors)
    : fail('no-tensors', '@main does not return tensors.', 'Return a tensor or a tuple of tensors.');
}

/** One request of the batch form. */
function answer(request: Readonly<Record<string, unknown>>, io: CommandIO): object {
  const id = request.id ?? null;
  if (typeof request.text !== 'string') return { id, error: 'no "text"' };
  const source = loadText('input', request.text, io.token);
  const firstError = source.diagnostics.find((d) => d.severity === 'error');
  if (firstError) return { id, error: firstError.message, code: firstError.code };
  const values = new Map<string, NDArray>();
  for (const input of Array.isArray(request.inputs) ? request.inputs : []) {
    const tensor = readTensorJson(input);
    if (!tensor.ok) return { id, error: tensor.error.message, code: tensor.error.code };
    values.set(tensor.value.name, tensor.value.array);
  }
  const outputs = evaluateMain(source, values, io.token);
  if (!outputs.ok) return { id, error: outputs.error.message, code: outputs.error.code };
  return { id, outputs: outputs.value.map(tensorJson) };
}

function readTensorJson(value: unknown): Result<{ readonly name: string; readonly array: NDArray }> {
  const input = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const { name, shape, base64 } = input;
  const dtype = typeof input.dtype === 'string' ? canonicalDType(input.dtype) : undefined;
  const isShape = Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (typeof name !== 'string' || dtype === undefined || !isShape || typeof base64 !== 'string')
    return fail('input-json', 'An input needs "name", "dtype", "shape" and "base64".');
  const array = tensorFromBytes(
    `input '${name}'`,
    dtype,
    shape as number[],
    new Uint8Array(Buffer.from(base64, 'base64')),
  );
  return array.ok ? ok({ name, array: array.value }) : array;
}

function given(model: Model, args: ParsedArguments): Result<Inputs> {
  const inputs = gatherInputs(model, args);
  return inputs.ok ? ok({ inputs: inputs.value, random: [] }) : inputs;
}

/** What is missing can also be made up. */
function withRandom(failure: Failure): Failure {
  if (failure.code !== 'missing-input') return failure;
  const remedy = 'Give it with --input NAME=FILE, a parameter file with --params, or --seed N for random values.';
  return { ...failure, remedy };
}

function runFile(args: ParsedArguments, io: CommandIO): ExitCode {
  const model = loadModel(args, io);
  if (!model.ok) return finish(model.error, args, io);
  const seed = args.integer('seed', { min: 0, max: 2 ** 31 - 1 });
  if (!seed.ok) return finish({ failure: seed.error, code: 2 }, args, io);
  const inputs = seed.value === undefined ? given(model.value, args) : inputsOrRandom(model.value, args, seed.value);
  if (!inputs.ok) return finish({ failure: inputs.error, code: 1 }, args, io);
  const values = new Map([...model.value.params, ...inputs.value.inputs]);
  const outputs = evaluateMain(model.value.source, values, io.token);
  if (!outputs.ok) return finish({ failure: withRandom(outputs.error), code: 1 }, args, io);
  if (inputs.value.random.length > 0) io.err(`relay: ${randomNote(inputs.value.random)}`);
  if (args.flag('json')) io.out(JSON.stringify({ outputs: outputs.value.map(tensorJson) }));
  else for (const output of outputs.value) io.out(renderTensor(output));
  return exit.ok;
}

export const runVerb: Verb = {
  name: 'run',
  summary: 'Evaluate @main on this machine (the reference that boards are compared with).',
  usage: 'FILE [--params P] [--input NAME=FILE]… [--seed N] [--json] | --jsonl',
  options: {
    params: { type: 'string', value: 'P', summary: 'the parameter file that holds the weights' },
    input: {
      type: 'string',
      multiple: true,
      value: 'NAME=FILE',
      summary: 'an input: .npy, or raw little-endian elements',
    },
    seed: { type: 'string', value: 'N', summary: 'random values of this seed for inputs that are not given' },
    json: { type: 'boolean', summary: 'print one JSON object' },
    jsonl: { type: 'boolean', summary: 'read {"id","text","inputs"} lines from standard input' },
  },
  positionals: { min: 0, max: 1 },
  async run(args, io) {
    if (args.flag('jsonl')) {
      if (args.positionals.length > 0) return finish({ failure: noFilesWithLines('run'), code: 2 }, args, io);
      await answerLines(io, (request) => answer(request, io));
      return exit.ok;
    }
    if (args.positionals.length === 0) {
      const failure = {
        code: 'usage',
        message: 'No file to run.',
        remedy: 'relay run FILE, or --jsonl for lines on standard input.',
      };
      return finish({ failure, code: 2 }, args, io);
    }
    return runFile(args, io);
  },
};
