/**
 * Quantised layers as importers write them: with other layouts, orders of operators and element types than those of
 * the models.
 */
import type { ProgramRow } from './program-rows.ts';

interface Layer {
  /** Height, width, channels. */
  readonly input: readonly [number, number, number];
  readonly outC: number;
  readonly k: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly padding?: readonly [number, number, number, number];
  readonly groups?: number;
}

/** How a layer is written. */
interface Form {
  readonly channelsFirst?: boolean;
  readonly operator?: 'qnn.conv2d' | 'nn.conv2d';
  readonly dtype?: 'int8' | 'uint8' | 'int16';
  readonly weights?: 'int8' | 'uint8' | 'int16';
  readonly zeroPoint?: number;
  readonly weightZeroPoint?: string;
  /** What is done to the sums. */
  readonly behind?: (sums: string, axis: number) => string;
}

const biased = (sums: string, axis: number): string => `nn.bias_add(${sums}, %b, axis=${axis})`;
const scaled = (sums: string, axis: number, dtype = 'int8'): string =>
  `qnn.requantize(${sums}, %s, 0, 200f, ${dtype === 'uint8' ? 120 : -5}, axis=${axis}, out_dtype="${dtype}")`;
const usual = (sums: string, axis: number): string => scaled(biased(sums, axis), axis);

const parameters = (outC: number): string =>
  `%b: Tensor[(${outC}), int32], %s: Tensor[(${outC}), float32], %z: Tensor[(${outC}), int32]`;

function program(name: string, goal: number, count: number, operands: string, outC: number, body: string): ProgramRow {
  const text = `#[version = "0.0.5"]\ndef @main(${operands}, ${parameters(outC)}) {\n  ${body}\n}`;
  return { name, goal, text, count, unit: 'MAC' };
}

function layer(name: string, goal: number, l: Layer, form: Form = {}): ProgramRow {
  const [h, w, c] = l.input;
  const [kH, kW] = l.k;
  const [top, left, bottom, right] = l.padding ?? [0, 0, 0, 0];
  const groups = l.groups ?? 1;
  const depthwise = groups > 1 && groups === c;
  const operator = form.operator ?? 'qnn.conv2d';
  const shape = form.channelsFirst === true ? [1, c, h, w] : [1, h, w, c];
  const kernel =
    form.channelsFirst === true
      ? [l.outC, c / groups, kH, kW]
      : depthwise ? [kH, kW, c, l.outC / c] : [kH, kW, c / groups, l.outC]; // prettier-ignore
  const layouts =
    form.channelsFirst === true ? '' : `data_layout="NHWC", kernel_layout="${depthwise ? 'HWOI' : 'HWIO'}", `;
  const quantisation =
    operator === 'nn.conv2d' ? '' : `${form.zeroPoint ?? -7}, ${form.weightZeroPoint ?? '0'}, 0.5f, 0.01f, `;
  const sums =
    `${operator}(%x, %w, ${quantisation}padding=[${[top, left, bottom, right].join(', ')}], groups=${groups}, ` +
    `channels=${l.outC}, kernel_size=[${kH}, ${kW}], ${layouts}out_dtype="int32")`;
  const operands = `%x: Tensor[(${shape.join(', ')}), ${form.dtype ?? 'int8'}], %w: Tensor[(${kernel.join(', ')}), ${form.weights ?? 'int8'}]`;
  const count = (h + top + bottom - kH + 1) * (w + left + right - kW + 1) * l.outC * kH * kW * (c / groups);
  const body = (form.behind ?? usual)(sums, form.channelsFirst === true ? 1 : 3);
  return program(name, goal, count, operands, l.outC, body);
}

const same = [1, 1, 1, 1] as const;
const window: Layer = { input: [16, 16, 16], outC: 16, k: [3, 3], padding: same };
const pointwise: Layer = { input: [8, 8, 64], outC: 64, k: [1, 1] };
const image: Layer = { input: [32, 32, 3], outC: 16, k: [3, 3], padding: same };
const depthwise: Layer = { input: [24, 24, 16], outC: 16, k: [3, 3], padding: same, groups: 16 };
const grouped: Layer = { input: [12, 12, 16], outC: 16, k: [3, 3], padding: same, groups: 8 };
const multiplied: Layer = { input: [12, 12, 8], outC: 24, k: [3, 3], padding: same, groups: 8 };

/** Goals are those of the kind (`odd-shapes.ts`) times 1.3; what moves elements or scales by 64 bits is granted more. */
export const layerRows: readonly ProgramRow[] = [
  layer('NCHW 3×3 16→16', 1.72, window, { channelsFirst: true }),
  layer('NCHW 1×1 64→64', 1.63, pointwise, { channelsFirst: true }),
  layer('NCHW first layer 3→16', 2.86, image, { channelsFirst: true }),
  layer('NCHW depthwise 3×3', 3.38, depthwise, { channelsFirst: true }),
  layer('NCHW depthwise 3×3 8→24', 3.38, multiplied, { channelsFirst: true }),
  layer('NCHW 3×3 in 8 groups', 2.9, grouped, { channelsFirst: true }),
  layer('3×3 in 8 groups', 2.6, grouped),
  layer('depthwise 3×3 8→24', 3.38, multiplied),
  layer('sums in int32', 1.72, window, { behind: (x) => x }),
  layer('biased sums in int32', 1.72, window, { behind: biased }),
  layer('depthwise, biased sums in int32', 3.38, depthwise, { behind: biased }),
  layer('requantised to int32, clipped, cast', 1.72, window, { behind: (x, a) => `cast(clip(${scaled(biased(x, a), a, 'int32')}, a_min=-128f, a_max=127f), dtype="int8")` }),
  layer('uint8 with kernel zero point', 1.72, window, { dtype: 'uint8', weights: 'uint8', zeroPoint: 120, weightZeroPoint: '131', behind: (x, a) => scaled(biased(x, a), a, 'uint8') }),
  layer('kernel zero points of channels', 1.72, window, { weightZeroPoint: '%z' }),
  layer('int16 results', 1.72, window, { behind: (x, a) => scaled(biased(x, a), a, 'int16') }),
  layer('int16 inputs', 1.72, window, { dtype: 'int16', zeroPoint: 0 }),
  layer('relu behind', 1.72, window, { behind: (x, a) => `nn.relu(${usual(x, a)})` }),
  layer('leaky relu behind', 1.72, window, { behind: (x, a) => `qnn.leaky_relu(${usual(x, a)}, 0.3f, -5, 0.2f, 1, alpha=0.1f)` }),
  layer('dequantised', 1.72, window, { behind: (x, a) => `qnn.dequantize(${usual(x, a)}, 0.3f, -5)` }),
  layer('nn.conv2d of bytes', 1.72, window, { operator: 'nn.conv2d' }),
  layer('nn.conv2d of bytes, depthwise', 3.38, depthwise, { operator: 'nn.conv2d' }),
  layer('nn.conv2d, fixed_point_multiply', 1.72, window, { operator: 'nn.conv2d', behind: (x, a) => `cast(clip(add(fixed_point_multiply(${biased(x, a)}, multiplier=1395864371, shift=-9), -5), a_min=-128f, a_max=127f), dtype="int8")` }),
  layer('nn.conv2d of int16', 1.72, window, { operator: 'nn.conv2d', dtype: 'int16', weights: 'int16' }),
  program('nn.conv1d of bytes 24→40', 1.72, 30 * 40 * 24 * 5, '%x: Tensor[(1, 30, 24), int8], %w: Tensor[(5, 24, 40), int8]', 40,
    usual('nn.conv1d(%x, %w, padding=[2, 2], channels=40, kernel_size=[5], data_layout="NWC", kernel_layout="WIO", out_dtype="int32")', 2)),
  program('NCW nn.conv1d of bytes 24→40', 1.72, 30 * 40 * 24 * 5, '%x: Tensor[(1, 24, 30), int8], %w: Tensor[(40, 24, 5), int8]', 40,
    usual('nn.conv1d(%x, %w, padding=[2, 2], channels=40, kernel_size=[5], out_dtype="int32")', 1)),
  program('dense of 12 rows 64→48', 1.72, 12 * 64 * 48, '%x: Tensor[(12, 64), int8], %w: Tensor[(48, 64), int8]', 48,
    usual('qnn.dense(%x, %w, -7, 0, 0.5f, 0.01f, units=48, out_dtype="int32")', 1)),
  program('dense, biased sums in int32 128→64', 1.89, 128 * 64, '%x: Tensor[(1, 128), int8], %w: Tensor[(64, 128), int8]', 64,
    biased('qnn.dense(%x, %w, -7, 0, 0.5f, 0.01f, units=64, out_dtype="int32")', 1)),
  program('nn.dense of bytes 128→64', 1.89, 128 * 64, '%x: Tensor[(1, 128), int8], %w: Tensor[(64, 128), int8]', 64,
    usual('nn.dense(%x, %w, units=64, out_dtype="int32")', 1)),
  layer('one row 24→40, 1×5', 1.72, { input: [1, 30, 24], outC: 40, k: [1, 5], padding: [0, 2, 0, 2] }),
  layer('filter greater than the image', 1.72, { input: [3, 3, 8], outC: 8, k: [5, 5], padding: [2, 2, 2, 2] }),
  layer('one pixel out 6×6 8→32', 1.72, { input: [6, 6, 8], outC: 32, k: [6, 6] }),
  layer('one pixel in 64→64', 1.63, { input: [1, 1, 64], outC: 64, k: [1, 1] }),
  layer('wide rows 3×3 4→4, 4×300', 2.86, { input: [4, 300, 4], outC: 4, k: [3, 3], padding: same }),
]; // prettier-ignore
