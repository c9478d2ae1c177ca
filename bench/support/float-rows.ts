/** Layers in float32 to measure: built from operators, as a model has them, with seeded weights. */
import { runKernel } from '../../compiler/src/emit/js.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import { callOperator, constant, func, variable } from '../../compiler/src/ir/build.ts';
import type { Call, Expr, Var } from '../../compiler/src/ir/expr.ts';
import type { LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import type { FusedFunction } from '../../compiler/src/schedule/task.ts';
import { elementCount, type ElementArray } from '../../compiler/src/tensor/ndarray.ts';
import { staticShape, tensorType } from '../../compiler/src/types/type.ts';
import { floatInputs } from './emulator.ts';
import { random } from './problems.ts';

export interface FloatRow {
  readonly name: string;
  readonly goal: number;
  readonly macs: number;
  readonly fused: FusedFunction;
}

const call = (name: string, args: readonly Expr[], attrs: Readonly<Record<string, unknown>> = {}): Call =>
  callOperator(operatorRegistry, name, args, attrs as never);

function weights(shape: readonly number[], seed: number): Expr {
  const next = random(seed);
  const count = elementCount(shape);
  const data = Float32Array.from({ length: count }, () => (next(2001) - 1000) / 4000);
  return constant({ dtype: 'float32', shape, data });
}

interface ConvRow {
  readonly name: string;
  readonly goal: number;
  readonly input: readonly [number, number, number];
  readonly outC: number;
  readonly k: readonly [number, number];
  readonly stride?: number;
  readonly padding?: readonly [number, number, number, number];
  readonly groups?: number;
  readonly channelsFirst?: boolean;
}

function conv(r: ConvRow): FloatRow {
  const [h, w, c] = r.input;
  const groups = r.groups ?? 1;
  const first = r.channelsFirst === true;
  const perGroup = c / groups;
  const depthwise = groups > 1 && perGroup === 1;
  const x = variable('x', tensorType(first ? [1, c, h, w] : [1, h, w, c], 'float32'));
  const kernel = first
    ? [r.outC, perGroup, ...r.k]
    : depthwise ? [...r.k, c, r.outC / c] : [...r.k, perGroup, r.outC]; // prettier-ignore
  const layer = call('nn.conv2d', [x, weights(kernel, 3)], {
    strides: [r.stride ?? 1, r.stride ?? 1],
    padding: r.padding ?? [0, 0, 0, 0],
    groups,
    channels: r.outC,
    kernel_size: r.k,
    data_layout: first ? 'NCHW' : 'NHWC',
    kernel_layout: first ? 'OIHW' : depthwise ? 'HWOI' : 'HWIO',
  });
  const body = call('nn.relu', [call('nn.bias_add', [layer, weights([r.outC], 5)], { axis: first ? 1 : 3 })]);
  return made(r, layer, body, x, r.k[0] * r.k[1] * perGroup);
}

function dense(name: string, goal: number, inC: number, outC: number): FloatRow {
  const x = variable('x', tensorType([1, inC], 'float32'));
  const layer = call('nn.dense', [x, weights([outC, inC], 3)], { units: outC });
  return made({ name, goal }, layer, call('nn.bias_add', [layer, weights([outC], 5)]), x, inC);
}

function made(r: { name: string; goal: number }, layer: Call, body: Expr, x: Var, macsAnOutput: number): FloatRow {
  const shape = layer.type.kind === 'tensor' ? (staticShape(layer.type) ?? []) : [];
  return {
    name: r.name,
    goal: r.goal,
    macs: elementCount(shape) * macsAnOutput,
    fused: { name: 'float', func: func([x], body), anchor: layer },
  };
}

/**
 * The output of the kernel in JavaScript, which adds in the order of the board; undefined when it is not the
 * evaluator's, within 1e-5 of the largest magnitude.
 */
export function expectedFloats(row: FloatRow, kernel: LoweredKernel): ElementArray | undefined {
  const [parameter] = row.fused.func.params;
  if (parameter?.type.kind !== 'tensor') return undefined;
  const shape = staticShape(parameter.type) ?? [];
  const data = floatInputs(elementCount(shape), 0);
  const module = { functions: new Map([['main', row.fused.func]]), types: new Map() };
  const array = { dtype: 'float32', shape, data };
  const result = evaluateFunction(module, 'main', new Map([[parameter.name, { kind: 'tensor', array }]]));
  const [actual] = runKernel(kernel, [data]);
  if (!result.ok || result.value.kind !== 'tensor' || !actual) return undefined;
  const wanted = result.value.array.data as Float32Array;
  const size = wanted.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return wanted.every((v, i) => Math.abs(v - Number(actual[i])) <= 1e-5 * size) ? actual : undefined;
}

const same = [1, 1, 1, 1] as const;

export const floatRows: readonly FloatRow[] = [
  conv({ name: 'float 1×1 64→64, 8×8', goal: 1.6, input: [8, 8, 64], outC: 64, k: [1, 1] }),
  conv({ name: 'float 1×1 13→7, 9×9', goal: 2.4, input: [9, 9, 13], outC: 7, k: [1, 1] }),
  conv({ name: 'float 3×3 16→16, 16×16', goal: 1.6, input: [16, 16, 16], outC: 16, k: [3, 3], padding: same }),
  conv({ name: 'float 3×3 32→32 stride 2, 16×16', goal: 1.6, input: [16, 16, 32], outC: 32, k: [3, 3], stride: 2, padding: [0, 0, 1, 1] }),
  conv({ name: 'float 3×3 17→19, 11×13', goal: 1.9, input: [11, 13, 17], outC: 19, k: [3, 3], padding: same }),
  conv({ name: 'float first layer 3→16 3×3, 32×32', goal: 2.0, input: [32, 32, 3], outC: 16, k: [3, 3], padding: same }),
  conv({ name: 'float 3×3 in 4 groups 32→32, 12×12', goal: 1.8, input: [12, 12, 32], outC: 32, k: [3, 3], padding: same, groups: 4 }),
  conv({ name: 'float depthwise 3×3 16, 24×24', goal: 3, input: [24, 24, 16], outC: 16, k: [3, 3], padding: same, groups: 16 }),
  conv({ name: 'float depthwise 5×5 12 stride 2, 20×20', goal: 3, input: [20, 20, 12], outC: 12, k: [5, 5], stride: 2, padding: [2, 2, 2, 2], groups: 12 }),
  conv({ name: 'float channels first, 1×1 64→64, 8×8', goal: 1.6, input: [8, 8, 64], outC: 64, k: [1, 1], channelsFirst: true }),
  conv({ name: 'float channels first, 3×3 16→16, 16×16', goal: 1.6, input: [16, 16, 16], outC: 16, k: [3, 3], padding: same, channelsFirst: true }),
  conv({ name: 'float channels first, depthwise 3×3 16, 24×24', goal: 3, input: [24, 24, 16], outC: 16, k: [3, 3], padding: same, groups: 16, channelsFirst: true }),
  dense('float dense 640→128', 1.3, 640, 128),
  dense('float dense 100→37', 1.5, 100, 37),
]; // prettier-ignore
