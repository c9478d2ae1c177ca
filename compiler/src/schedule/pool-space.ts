/** Average pooling of int8 channels: what fits the template, and its space. */
import { operatorName } from '../ir/build.ts';
import type { Call, Expr, Func } from '../ir/expr.ts';
import { staticShape } from '../types/type.ts';
import { defaultFlags, flagsKnob, log, oneHot, spaceOver, type Fitted } from './space.ts';
import type { Knob } from './task.ts';
import { largestWindow, lowerAveragePool, type AveragePoolProblem } from './templates/average-pool.ts';

/** `cast int8 ← average pool ← cast int32 ← int8`; undefined when the function is another. */
export function parseAveragePool(func: Func): AveragePoolProblem | undefined {
  const [parameter, another] = func.params;
  const path: Call[] = [];
  let at: Expr = func.body;
  while (at.kind === 'call' && operatorName(at) === 'reshape' && at.args[0] !== undefined) at = at.args[0];
  for (const name of ['cast', 'pool', 'cast']) {
    const operator = operatorName(at);
    if (at.kind !== 'call' || (name === 'pool' ? !isAverage(operator) : operator !== name)) return undefined;
    path.push(at);
    at = at.args[0] ?? at;
  }
  const [narrowed, pool, widened] = path;
  if (parameter === undefined || another !== undefined || at !== parameter) return undefined;
  if (pool === undefined || dtypeOf(widened) !== 'int32' || dtypeOf(narrowed) !== 'int8') return undefined;
  const [input, output] = [shapeOf(parameter), shapeOf(pool)];
  if (dtypeOf(parameter) !== 'int8' || input?.length !== 4 || output?.length !== 4) return undefined;
  if (pool.attrs['layout'] !== 'NHWC') return undefined;
  const [batch = 0, inH = 0, inW = 0, channels = 0] = input;
  const [, outH = 0, outW = 0] = output;
  const whole = operatorName(pool) === 'nn.global_avg_pool2d';
  const pair = (name: string, otherwise: readonly number[]): readonly number[] => {
    const value = pool.attrs[name];
    return whole || value === undefined ? otherwise : Array.isArray(value) ? value.map(Number) : [Number(value)];
  };
  const [kH = 0, kW = kH] = pair('pool_size', [inH, inW]);
  const [strideH = 1, strideW = strideH] = pair('strides', [1, 1]);
  const plain = pair('padding', [0]).every((v) => v === 0) && pair('dilation', [1]).every((v) => v === 1);
  const inside = (outH - 1) * strideH + kH <= inH && (outW - 1) * strideW + kW <= inW;
  if (!plain || !inside || channels % 4 !== 0 || kH * kW > largestWindow || kH * kW === 0) return undefined;
  return { batch, inH, inW, channels, outH, outW, kH, kW, strideH, strideW };
}

/** The template for a parsed pooling. */
export function fitAveragePool(p: AveragePoolProblem): Fitted {
  const knobs: Knob[] = [
    { name: 'unroll', summary: 'Elements of a window row in a turn of the loop.', values: [1, 2, 3, 4, 5, 8] },
    flagsKnob,
  ];
  const run = p.kW === p.inW ? p.kH * p.kW : p.kW;
  const chosen = { unroll: [5, 4, 3].find((u) => run % u === 0) ?? 4, flags: defaultFlags };
  return {
    space: spaceOver(
      'average_pool_nhwc',
      knobs,
      chosen,
      () => true,
      (c) => [
        log(p.outH * p.outW),
        log(p.channels),
        log(p.kH * p.kW),
        log(run),
        Number(c['unroll']),
        ...oneHot(flagsKnob, c),
      ],
    ),
    lower: (c) => lowerAveragePool(p, Number(c['unroll'])),
  };
}

function isAverage(name: string | undefined): boolean {
  return name === 'nn.avg_pool2d' || name === 'nn.global_avg_pool2d';
}
function shapeOf(e: Expr): readonly number[] | undefined {
  return e.type.kind === 'tensor' ? staticShape(e.type) : undefined;
}
function dtypeOf(e: Expr | undefined): string {
  return e?.type.kind === 'tensor' ? e.type.dtype : '';
}
