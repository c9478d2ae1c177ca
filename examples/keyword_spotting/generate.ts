/**
 * Writes `keyword_spotting.relay` and `keyword_spotting.params`: a small int8 keyword-spotting network in the manner of
 * DS-CNN (a convolution, three depthwise-separable blocks, average pooling, a dense layer) for 25 × 10 features and
 * eight keywords. Weights are drawn from a seeded generator and scales follow from their spread, so that every layer
 * uses the int8 range and the eight outputs differ from input to input. The network is untrained: it shows compilation
 * and tuning, not accuracy. Run `npx tsx examples/keyword_spotting/generate.ts`; the output is the same every time.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeParams } from '../../compiler/src/tensor/params.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';

const channels = 24;
const classes = 8;
const rows = 25;
const columns = 10;

let state = 2020;
/** Uniform in [0, 1); a 32-bit linear congruential generator. */
function uniform(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
/** Roughly normal, variance one: the sum of twelve uniforms. */
function normal(): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += uniform();
  return sum;
}

const params = new Map<string, NDArray>();
const declarations: string[] = ['%features: Tensor[(1, 25, 10, 1), int8]'];
const body: string[] = [];

function parameter(name: string, array: NDArray): string {
  params.set(name, array);
  declarations.push(`%${name}: Tensor[(${array.shape.join(', ')}), ${array.dtype}]`);
  return `%${name}`;
}

function weights(name: string, shape: readonly number[]): string {
  const data = new Int8Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = Math.max(-127, Math.min(127, Math.round(normal() * 36)));
  return parameter(name, { dtype: 'int8', shape, data });
}

function bias(name: string, count: number, spread: number): string {
  const data = new Int32Array(count);
  for (let i = 0; i < count; i++) data[i] = Math.round(normal() * spread);
  return parameter(name, { dtype: 'int32', shape: [count], data });
}

/** One requantisation scale a channel, around `scale`. */
function scales(name: string, count: number, scale: number): string {
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = Math.fround(scale * (0.85 + 0.3 * uniform()));
  return parameter(name, { dtype: 'float32', shape: [count], data });
}

const inputScale = 0.05;
const outputScale = 0.05;
let line = 0;
function bind(expression: string): string {
  body.push(`  %${line} = ${expression};`);
  return `%${line++}`;
}

interface Convolution {
  readonly name: string;
  readonly input: string;
  readonly zeroPoint: number;
  readonly kernel: readonly [number, number];
  readonly inputs: number;
  readonly strides?: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
  readonly depthwise?: boolean;
}

/** Convolution, bias, requantisation to zero point −128 and clip: relu folded into the int8 range. */
function convolution(c: Convolution): string {
  const [kh, kw] = c.kernel;
  const shape = c.depthwise ? [kh, kw, channels, 1] : [kh, kw, c.inputs, channels];
  const fanIn = kh * kw * (c.depthwise ? 1 : c.inputs);
  // Activations behind a relu have a root mean square of about 60 steps, weights one of 36.
  const spread = Math.sqrt(fanIn) * 36 * 60;
  const w = weights(`${c.name}_weight`, shape);
  const b = bias(`${c.name}_bias`, channels, spread * 0.3);
  const s = scales(`${c.name}_scale`, channels, (outputScale * 70) / spread);
  const kernelScale = parameter(`${c.name}_weight_scale`, { dtype: 'float32', shape: [channels], data: params.get(`${c.name}_scale`)!.data.map((x: number) => Math.fround(x / inputScale)) as Float32Array });
  const attributes = [
    ...(c.strides ? [`strides=[${c.strides.join(', ')}]`] : []),
    `padding=[${c.padding.join(', ')}]`,
    ...(c.depthwise ? [`groups=${channels}`] : []),
    `channels=${channels}`,
    `kernel_size=[${kh}, ${kw}]`,
    'data_layout="NHWC"',
    `kernel_layout="${c.depthwise ? 'HWOI' : 'HWIO'}"`,
    'out_dtype="int32"',
  ];
  const conv = bind(`qnn.conv2d(${c.input}, ${w}, ${c.zeroPoint}, 0, ${inputScale}f, ${kernelScale}, ${attributes.join(', ')})`);
  const biased = bind(`nn.bias_add(${conv}, ${b}, axis=3)`);
  const requantized = bind(`qnn.requantize(${biased}, ${s}, 0, ${outputScale}f, -128, axis=3, out_dtype="int8")`);
  return bind(`clip(${requantized}, a_min=-128f, a_max=127f)`);
}

let x = convolution({ name: 'stem', input: '%features', zeroPoint: 3, kernel: [8, 4], inputs: 1, strides: [2, 1], padding: [3, 1, 4, 2] });
for (let i = 1; i <= 3; i++) {
  x = convolution({ name: `block${i}_depthwise`, input: x, zeroPoint: -128, kernel: [3, 3], inputs: channels, padding: [1, 1, 1, 1], depthwise: true });
  x = convolution({ name: `block${i}_pointwise`, input: x, zeroPoint: -128, kernel: [1, 1], inputs: channels, padding: [0, 0, 0, 0] });
}
const pooledRows = Math.floor((rows + 7 - 8) / 2) + 1;
x = bind(`cast(${x}, dtype="int32")`);
x = bind(`nn.avg_pool2d(${x}, pool_size=[${pooledRows}, ${columns}], strides=[${pooledRows}, ${columns}], padding=[0, 0, 0, 0], layout="NHWC")`);
x = bind(`cast(${x}, dtype="int8")`);
x = bind(`reshape(${x}, newshape=[-1, ${channels}])`);
const denseWeight = weights('classifier_weight', [classes, channels]);
const denseBias = bias('classifier_bias', classes, Math.sqrt(channels) * 36 * 20);
x = bind(`qnn.dense(${x}, ${denseWeight}, -128, 0, ${outputScale}f, 0.01f, units=${classes}, out_dtype="int32")`);
x = bind(`nn.bias_add(${x}, ${denseBias})`);
x = bind(`qnn.requantize(${x}, 0.0005f, 0, 0.1f, 0, out_dtype="int8")`);
x = bind(`qnn.dequantize(${x}, 0.1f, 0)`);
x = bind(`nn.softmax(${x})`);

const text = [
  '#[version = "0.0.5"]',
  `def @main(${declarations.join(',\n          ')}) -> Tensor[(1, ${classes}), int8] {`,
  ...body,
  `  qnn.quantize(${x}, 0.00390625f, -128, out_dtype="int8")`,
  '}',
  '',
].join('\n');

const folder = path.dirname(fileURLToPath(import.meta.url));
writeFileSync(path.join(folder, 'keyword_spotting.relay'), text);
writeFileSync(path.join(folder, 'keyword_spotting.params'), encodeParams(params));
