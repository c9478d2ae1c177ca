/** What a kernel is called where people read it: operator, window, channels or shape, element type; one style for all. */
import { operatorName } from '../ir/build.ts';
import type { Call, Func } from '../ir/expr.ts';
import { postOrder } from '../ir/visit.ts';
import { printType } from '../types/print.ts';
import { dtypeOf, filterOf, integers, shapeOf, type Filter } from './filter.ts';
import type { FusedFunction } from './task.ts';

/** Operators of a kernel without an anchor that are named, at most. */
const mostNames = 3;

/**
 * `conv2d 3×3 stride 2, 16→32, 16×16, int8`, `dense 64→12, int8`, `avg_pool2d 5×5, 64, int8`, `softmax 12, int8`,
 * `multiply + add, 8×8, float32`. Dimensions of 1 in front are left out; so are usual
 * strides: 1, and of pools their window.
 */
export function titleOf({ func, anchor }: FusedFunction, residual: boolean): string {
  const filter = anchor && filterOf(anchor);
  const parts = filter
    ? filterParts(anchor, filter)
    : [`${anchor ? anchoredName(anchor) : `${operatorsOf(func)},`} ${shapeText(func)}`];
  return [...parts, elementsText(func), ...(residual ? ['residual'] : [])].join(', ');
}

function filterParts(call: Call, f: Filter): string[] {
  const channels = `${f.inC}→${f.outC}`;
  const name = plainName(call);
  if (name === 'dense') return [`dense ${channels}`, ...(f.outW > 1 ? [`${f.outW} rows`] : [])];
  const flat = name.includes('1d');
  const depthwise = f.groups > 1 && f.groups === f.inC;
  const window = flat ? [f.kW] : [f.kH, f.kW];
  const strides = flat ? [f.strideW] : [f.strideH, f.strideW];
  const stride = strides.every((s) => s === 1) ? '' : ` stride ${shortest(strides)}`;
  return [
    `${depthwise ? 'depthwise' : name} ${window.join('×')}${stride}`,
    channels,
    flat ? String(f.outW) : `${f.outH}×${f.outW}`,
    ...(f.groups > 1 && !depthwise ? [`${f.groups} groups`] : []),
  ];
}

/** The operator, with its window where it has one. */
function anchoredName(call: Call): string {
  const size = call.attrs['kernel_size'] ?? call.attrs['pool_size'];
  const window = integers(size, Array.isArray(size) ? size.length : 2);
  if (!window) return plainName(call);
  const strides = integers(call.attrs['strides'], window.length) ?? window;
  // Pools usually move by their own size.
  const stride = strides.every((s, i) => s === window[i]) ? '' : ` stride ${shortest(strides)}`;
  return `${plainName(call)} ${window.join('×')}${stride},`;
}

/** One number for equal ones. */
function shortest(strides: readonly number[]): string {
  return new Set(strides).size === 1 ? String(strides[0]) : strides.join('×');
}

/** `nn.softmax` and `qnn.add` are `softmax` and `add`. */
function plainName(call: Call): string {
  return (operatorName(call) ?? 'call').replace(/^.*\./, '');
}

/** The operators of a function without an anchor, in the order in which they are computed. */
function operatorsOf(func: Func): string {
  const calls = postOrder(func.body).flatMap((e) =>
    e.kind === 'call' && e.callee.kind === 'op' ? [plainName(e)] : [],
  );
  const distinct = [...new Set(calls)];
  if (distinct.length === 0) return 'copy';
  const more = distinct.length > mostNames ? ` + ${distinct.length - mostNames} more` : '';
  return `${distinct.slice(0, mostNames).join(' + ')}${more}`;
}

/** The result's dimensions without those of 1 in front. */
function shapeText(func: Func): string {
  const shape = shapeOf(func.body);
  if (!shape) return printType(func.type.ret);
  const first = shape.findIndex((d) => d !== 1);
  return first < 0 ? '1' : shape.slice(first).join('×');
}

/** `int8`, or `int8→float32` where the elements change. */
function elementsText(func: Func): string {
  const [from, to] = [dtypeOf(func.params[0]), dtypeOf(func.body)];
  if (from === '' || from === to) return to;
  return to === '' ? from : `${from}→${to}`;
}
