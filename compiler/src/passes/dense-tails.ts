/** The dense layer that reads a convolution's channels through pooling and reshaping, channel by channel. */
import { callOperator, constant, operatorName } from '../ir/build.ts';
import type { Call, Expr } from '../ir/expr.ts';
import type { OperatorRegistry } from '../operators/registry.ts';
import type { NDArray } from '../tensor/ndarray.ts';
import { staticShape } from '../types/type.ts';

/** `x → cast, pool, reshape … → qnn.dense → nn.bias_add`, every step used once, one value a channel at its end. */
export interface DenseTail {
  /** The channels' tensor, NHWC. */
  readonly data: Expr;
  /** Steps between the channels and the dense layer, first to last. */
  readonly path: readonly Call[];
  readonly dense: Call;
  readonly bias: Call;
  readonly biasValue: NDArray;
  /** [units][channels]. */
  readonly weight: NDArray;
  readonly channels: number;
  readonly zeroPoint: number;
}

const pools = new Set(['nn.avg_pool2d', 'nn.max_pool2d', 'nn.global_avg_pool2d', 'nn.global_max_pool2d']);

/** The tail that starts at `data`; undefined when what follows is another thing. */
export function denseTailOf(data: Expr, parents: ReadonlyMap<Expr, readonly Expr[]>): DenseTail | undefined {
  const channels = shapeOf(data)?.[3];
  if (channels === undefined || !isIntegral(data)) return undefined;
  const path: Call[] = [];
  let at = onlyReader(data, parents);
  while (at !== undefined && keepsChannels(at, channels)) {
    path.push(at);
    at = onlyReader(at, parents);
  }
  const dense = at;
  if (dense === undefined || operatorName(dense) !== 'qnn.dense' || dense.args[0] !== (path.at(-1) ?? data))
    return undefined;
  const bias = onlyReader(dense, parents);
  const [, weight, zero, weightZero] = dense.args.map(constantOf);
  const biasValue = constantOf(bias?.args[1]);
  if (bias === undefined || operatorName(bias) !== 'nn.bias_add' || bias.args[0] !== dense) return undefined;
  if (weight === undefined || biasValue === undefined || zero?.data.length !== 1) return undefined;
  if (weightZero === undefined || [...(weightZero.data as Iterable<number | bigint>)].some((z) => Number(z) !== 0))
    return undefined;
  const units = weight.shape[0];
  // One value a channel: otherwise a channel is several inputs of the dense layer.
  if (weight.shape[1] !== channels || biasValue.data.length !== units) return undefined;
  return { data, path, dense, bias, biasValue, weight, channels, zeroPoint: Number(zero.data[0]) };
}

function onlyReader(e: Expr, parents: ReadonlyMap<Expr, readonly Expr[]>): Call | undefined {
  const [only, another] = parents.get(e) ?? [];
  return another === undefined && only?.kind === 'call' ? only : undefined;
}

function shapeOf(e: Expr): readonly number[] | undefined {
  return e.type.kind === 'tensor' ? staticShape(e.type) : undefined;
}

function isIntegral(e: Expr): boolean {
  return e.type.kind === 'tensor' && /^u?int/.test(e.type.dtype);
}

function constantOf(e: Expr | undefined): NDArray | undefined {
  return e?.kind === 'constant' ? e.value : undefined;
}

/** Whether a step maps each channel on its own and gives a channel of one value that same value. */
function keepsChannels(step: Call, channels: number): boolean {
  const name = operatorName(step) ?? '';
  const shape = shapeOf(step);
  if (shape?.at(-1) !== channels || !isIntegral(step)) return false;
  if (name === 'reshape') {
    const from = step.args[0] === undefined ? undefined : shapeOf(step.args[0]);
    return from?.at(-1) === channels;
  }
  if (name === 'cast') return widensOrReturns(step);
  if (!pools.has(name) || step.attrs['layout'] !== 'NHWC') return false;
  const padding = step.attrs['padding'];
  return (
    step.attrs['ceil_mode'] !== true &&
    (padding === undefined || (Array.isArray(padding) && padding.every((p) => Number(p) === 0)))
  );
}

/** Casts between int8 and int32 keep every value that started as int8. */
function widensOrReturns(step: Call): boolean {
  const dtypes = [step, step.args[0]].map((e) => (e?.type.kind === 'tensor' ? e.type.dtype : ''));
  return dtypes.every((d) => d === 'int8' || d === 'int32');
}

/** The tail over `data` with only the channels `kept`; `values`: what the channels that go are worth. */
export function shrinkTail(
  tail: DenseTail,
  data: Expr,
  kept: readonly number[],
  values: (channel: number) => number,
  operators: Pick<OperatorRegistry, 'get'>,
): Call {
  let at = data;
  for (const step of tail.path) {
    const shape = shapeOf(step) ?? [];
    const attrs =
      operatorName(step) === 'reshape' ? { ...step.attrs, newshape: [...shape.slice(0, -1), kept.length] } : step.attrs;
    at = callOperator(operators, operatorName(step) ?? '', [at, ...step.args.slice(1)], attrs, step.origin);
  }
  const units = tail.weight.shape[0] ?? 0;
  const weight = tail.weight.data.slice(0, units * kept.length);
  const bias = Int32Array.from(tail.biasValue.data as Int32Array);
  const stays = new Set(kept);
  for (let o = 0; o < units; o++) {
    kept.forEach((c, i) => {
      weight[o * kept.length + i] = tail.weight.data[o * tail.channels + c] as never;
    });
    for (let c = 0; c < tail.channels; c++) {
      if (stays.has(c)) continue;
      const w = Number(tail.weight.data[o * tail.channels + c]);
      bias[o] = ((bias[o] ?? 0) + Math.imul(values(c) - tail.zeroPoint, w)) | 0;
    }
  }
  const [, weightArg, ...rest] = tail.dense.args;
  const name = weightArg?.kind === 'constant' ? weightArg.name : undefined;
  const smaller = constant(
    { ...tail.weight, shape: [units, kept.length], data: weight },
    weightArg?.origin ?? [],
    name,
  );
  const dense = callOperator(operators, 'qnn.dense', [at, smaller, ...rest], tail.dense.attrs, tail.dense.origin);
  const biasArg = tail.bias.args[1];
  const biasName = biasArg?.kind === 'constant' ? biasArg.name : undefined;
  const folded = constant({ ...tail.biasValue, data: bias }, biasArg?.origin ?? [], biasName);
  return callOperator(operators, 'nn.bias_add', [dense, folded], tail.bias.attrs, tail.bias.origin);
}
