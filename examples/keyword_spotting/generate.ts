/**
 * Writes the example: `keyword_spotting.relay`, `keyword_spotting.params` and one input a word under `samples/`.
 *
 * A small int8 network in the manner of DS-CNN: a convolution, three depthwise-separable blocks, average pooling, a
 * dense layer, softmax. It tells eight synthetic words (`patterns.ts`) apart. The convolutions are seeded random
 * features; the last layer is trained by ridge regression on what they give, computed by this project's own evaluator.
 * `npx tsx examples/keyword_spotting/generate.ts` writes the same bytes every time and prints the accuracy.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '../../compiler/src/check/check.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { tensorsOf, tensorValue, type Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { encodeParams } from '../../compiler/src/tensor/params.ts';
import { columns, Random, rows, utterance, words } from './patterns.ts';
import { fitLinear } from './train.ts';

const channels = 24;
const pool = [6, 5] as const;
const features = channels * 2 * 2;
const inputScale = 0.05;
const activationScale = 0.05;

const random = new Random(2020);
const params = new Map<string, NDArray>();
const declarations = [`%features: Tensor[(1, ${rows}, ${columns}, 1), int8]`];
const body: string[] = [];

function parameter(name: string, array: NDArray): string {
  params.set(name, array);
  declarations.push(`%${name}: Tensor[(${array.shape.join(', ')}), ${array.dtype}]`);
  return `%${name}`;
}
function bind(expression: string): string {
  body.push(`  %${body.length} = ${expression};`);
  return `%${body.length - 1}`;
}

interface Convolution {
  readonly name: string;
  readonly input: string;
  readonly zeroPoint: number;
  readonly kernel: readonly [number, number];
  readonly inputs: number;
  readonly strides?: string;
  readonly padding: string;
  readonly depthwise?: boolean;
  /** Root mean square of the input around its zero point, in steps. */
  readonly spread: number;
}

/** Convolution, bias, requantisation to zero point −128 and clip: a relu folded into the int8 range. */
function convolution(c: Convolution): string {
  const [kh, kw] = c.kernel;
  const shape = c.depthwise ? [kh, kw, channels, 1] : [kh, kw, c.inputs, channels];
  const weights = new Int8Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < weights.length; i++) weights[i] = Math.max(-127, Math.min(127, Math.round(random.normal() * 36)));
  const spread = Math.sqrt(kh * kw * (c.depthwise ? 1 : c.inputs)) * 36 * c.spread;
  const bias = Int32Array.from({ length: channels }, () => Math.round(random.normal() * spread * 0.4));
  const scale = Float32Array.from({ length: channels }, () => ((activationScale * 70) / spread) * (0.85 + 0.3 * random.uniform()));
  const kernelScale = scale.map((s) => s / (c.zeroPoint === -128 ? activationScale : inputScale));
  const weight = parameter(`${c.name}_weight`, { dtype: 'int8', shape, data: weights });
  const biasName = parameter(`${c.name}_bias`, { dtype: 'int32', shape: [channels], data: bias });
  const kernelScaleName = parameter(`${c.name}_weight_scale`, { dtype: 'float32', shape: [channels], data: kernelScale });
  const scaleName = parameter(`${c.name}_scale`, { dtype: 'float32', shape: [channels], data: scale });
  const attributes = [
    ...(c.strides ? [`strides=${c.strides}`] : []),
    `padding=${c.padding}`,
    ...(c.depthwise ? [`groups=${channels}`] : []),
    `channels=${channels}`,
    `kernel_size=[${kh}, ${kw}]`,
    'data_layout="NHWC"',
    `kernel_layout="${c.depthwise ? 'HWOI' : 'HWIO'}"`,
    'out_dtype="int32"',
  ].join(', ');
  const conv = bind(`qnn.conv2d(${c.input}, ${weight}, ${c.zeroPoint}, 0, ${inputScale}f, ${kernelScaleName}, ${attributes})`);
  const biased = bind(`nn.bias_add(${conv}, ${biasName}, axis=3)`);
  const requantized = bind(`qnn.requantize(${biased}, ${scaleName}, 0, ${activationScale}f, -128, axis=3, out_dtype="int8")`);
  return bind(`clip(${requantized}, a_min=-128f, a_max=127f)`);
}

function featureExtractor(): string {
  const stem = { name: 'stem', input: '%features', zeroPoint: 3, kernel: [8, 4], inputs: 1, spread: 30 } as const;
  let x = convolution({ ...stem, strides: '[2, 1]', padding: '[3, 1, 4, 2]' });
  const inner = { zeroPoint: -128, inputs: channels, spread: 50 } as const;
  for (let i = 1; i <= 3; i++) {
    x = convolution({ ...inner, name: `block${i}_depthwise`, input: x, kernel: [3, 3], padding: '[1, 1, 1, 1]', depthwise: true });
    x = convolution({ ...inner, name: `block${i}_pointwise`, input: x, kernel: [1, 1], padding: '[0, 0, 0, 0]' });
  }
  x = bind(`cast(${x}, dtype="int32")`);
  x = bind(`nn.avg_pool2d(${x}, pool_size=[${pool.join(', ')}], strides=[${pool.join(', ')}], padding=[0, 0, 0, 0], layout="NHWC")`);
  x = bind(`cast(${x}, dtype="int8")`);
  return bind(`reshape(${x}, newshape=[-1, ${features}])`);
}

function moduleText(result: string, type: string): string {
  const header = `def @main(\n  ${declarations.join(',\n  ')}\n) -> ${type} {`;
  return ['#[version = "0.0.5"]', header, ...body, `  ${result}`, '}', ''].join('\n');
}

/** `@main` as a function of one utterance. */
function compileMain(text: string): (input: Int8Array) => ArrayLike<number> {
  const module = elaborate(check(parseSource(text)));
  if (!module.ok) throw new Error(module.error.message);
  const bound = [...params].map(([name, array]): [string, Value] => [name, tensorValue(array)]);
  return (data) => {
    const input = tensorValue({ dtype: 'int8', shape: [1, rows, columns, 1], data });
    const value = evaluateFunction(module.value, 'main', new Map([...bound, ['features', input]]));
    if (!value.ok) throw new Error(value.error.message);
    return (tensorsOf(value.value)?.[0]?.data ?? []) as ArrayLike<number>;
  };
}

function samples(seed: number, each: number): { readonly data: Int8Array; readonly label: number }[] {
  const source = new Random(seed);
  return words.flatMap((_, label) => Array.from({ length: each }, () => ({ data: utterance(label, source), label })));
}

function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}

/** A `.npy` file of an int8 tensor. */
function npy(shape: readonly number[], data: Int8Array): Uint8Array {
  const text = `{'descr': '|i1', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + header.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.length), 10 + header.length);
  return bytes;
}

const extracted = featureExtractor();
const extract = compileMain(moduleText(extracted, `Tensor[(1, ${features}), int8]`));
const training = samples(1, 60).map(({ data, label }) => ({
  features: Float64Array.from(extract(data), (q) => q + 128),
  label,
}));
const { weights, bias } = fitLinear(training, words.length, 4, 2000);

// Logits in steps of 1/8; weights in the one scale that uses the int8 range.
const logitScale = 0.125;
const largest = Math.max(...weights.flatMap((w) => Array.from(w, Math.abs)));
const weightScale = largest / 127;
const denseWeight = parameter('classifier_weight', {
  dtype: 'int8',
  shape: [words.length, features],
  data: Int8Array.from(weights.flatMap((w) => Array.from(w, (x) => Math.round(x / weightScale)))),
});
const denseBias = parameter('classifier_bias', {
  dtype: 'int32',
  shape: [words.length],
  data: Int32Array.from(bias, (b) => Math.round(b / weightScale)),
});
const short = (x: number): string => `${Number(x.toPrecision(6))}f`;
const accumulatorScale = weightScale;
let x = bind(`qnn.dense(${extracted}, ${denseWeight}, -128, 0, 1f, ${short(weightScale)}, units=${words.length}, out_dtype="int32")`);
x = bind(`nn.bias_add(${x}, ${denseBias})`);
x = bind(`qnn.requantize(${x}, ${short(accumulatorScale)}, 0, ${logitScale}f, 0, out_dtype="int8")`);
x = bind(`qnn.dequantize(${x}, ${logitScale}f, 0)`);
x = bind(`nn.softmax(${x})`);
const text = moduleText(`qnn.quantize(${x}, 0.00390625f, -128, out_dtype="int8")`, `Tensor[(1, ${words.length}), int8]`);

const classify = compileMain(text);
const unseen = samples(2, 50);
const right = unseen.filter(({ data, label }) => argmax(classify(data)) === label).length;
console.log(`${right} of ${unseen.length} unseen utterances are told right (${((100 * right) / unseen.length).toFixed(1)} %)`);

const folder = path.dirname(fileURLToPath(import.meta.url));
mkdirSync(path.join(folder, 'samples'), { recursive: true });
writeFileSync(path.join(folder, 'keyword_spotting.relay'), text);
writeFileSync(path.join(folder, 'keyword_spotting.params'), encodeParams(params));
const source = new Random(3);
words.forEach(({ name }, label) =>
  writeFileSync(path.join(folder, 'samples', `${name}.npy`), npy([1, rows, columns, 1], utterance(label, source))),
);
