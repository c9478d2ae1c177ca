/**
 * Integer convolutions of channels-first images, made to work on channels-last ones. Everything around them that can
 * follows, so that images are turned around where they enter and leave, not at every layer.
 */
import { callOperator, constant, relateCall } from '../ir/build.ts';
import type { Call, Constant, Expr } from '../ir/expr.ts';
import { rewriteModule } from '../ir/visit.ts';
import type { AttributeValueData } from '../operators/attributes.ts';
import { isInteger } from '../tensor/dtype.ts';
import { elementCount, type NDArray } from '../tensor/ndarray.ts';
import { staticShape } from '../types/type.ts';
import type { Pass, PassContext } from './pass.ts';

type Attributes = Readonly<Record<string, AttributeValueData>>;

const convolutions: ReadonlySet<string> = new Set(['qnn.conv2d', 'nn.conv2d', 'nn.conv1d']);

/** Operators of windows and planes, whose attribute `layout` says where channels stand. */
const layoutOperators: ReadonlySet<string> = new Set([
  'nn.max_pool1d', 'nn.avg_pool1d', 'nn.max_pool2d', 'nn.avg_pool2d', 'nn.global_max_pool2d', 'nn.global_avg_pool2d',
  'nn.adaptive_max_pool2d', 'nn.adaptive_avg_pool2d', 'nn.upsampling', 'image.resize2d',
]); // prettier-ignore

const reductions: ReadonlySet<string> = new Set(['sum', 'mean', 'max', 'min']);

const layouts: Readonly<Record<string, string>> = { NCHW: 'NHWC', NCW: 'NWC' };

/** Where the dimensions of a channels-last tensor stand in the channels-first one. */
const toLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
const toFirst = (rank: number): number[] => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];

export const channelsLast: Pass = {
  name: 'channels-last',
  summary: 'Lets integer convolutions of channels-first images, and what surrounds them, work on channels-last images.',
  example: {
    before: `def @main(%x: Tensor[(1, 8, 6, 6), int8], %w: Tensor[(4, 8, 1, 1), int8]) {
  %0 = qnn.conv2d(%x, %w, 0, 0, 0.5f, 0.5f, padding=[0, 0, 0, 0], channels=4, kernel_size=[1, 1], out_dtype="int32");
  qnn.requantize(%0, 0.25f, 0, 1f, 0, axis=1, out_dtype="int8")
}`,
    after: `def @main(%x: Tensor[(1, 8, 6, 6), int8], %w: Tensor[(4, 8, 1, 1), int8]) -> Tensor[(1, 4, 6, 6), int8] {
  %0 = transpose(%x, axes=[0, 2, 3, 1]);
  %1 = qnn.conv2d(%0, %w, 0, 0, 0.5f, 0.5f, padding=[0, 0, 0, 0], channels=4, kernel_size=[1, 1], data_layout="NHWC", out_dtype="int32");
  %2 = qnn.requantize(%1, 0.25f, 0, 1f, 0, axis=3, out_dtype="int8");
  transpose(%2, axes=[0, 3, 1, 2])
}`,
  },
  run(module, context) {
    const turner = new Turner(context);
    const result = rewriteModule(module, (e) => turner.visit(e));
    return { module: result, statistics: { 'convolutions made channels-last': turner.convolutions } };
  },
};

/** Visits expressions, operands first, and keeps the channels-last form of those that have one. */
class Turner {
  convolutions = 0;
  private readonly context: PassContext;
  /** By the channels-first expression; each of these is a transposition of its form, or what it was made from. */
  private readonly forms = new Map<Expr, Expr>();

  constructor(context: PassContext) {
    this.context = context;
  }

  visit(e: Expr): Expr {
    if (e.kind !== 'call' || e.callee.kind !== 'op') return e;
    const made = this.turned(e, e.callee.name);
    if (made === undefined) return e;
    const rank = shapeOf(e)?.length;
    if (rank === undefined || shapeOf(made)?.length !== rank) return made;
    const first = callOperator(this.context.operators, 'transpose', [made], { axes: toFirst(rank) }, e.origin);
    this.forms.set(first, made);
    return first;
  }

  /** The call on channels-last operands; its result is channels-last too, or has lost its places. */
  private turned(e: Call, name: string): Expr | undefined {
    const shape = shapeOf(e);
    const [data] = e.args;
    if (shape === undefined || data === undefined) return undefined;
    if (convolutions.has(name)) return this.convolution(e, name, data);
    if (name === 'concatenate') return this.joined(e, data);
    if (!e.args.some((a) => this.forms.has(a))) return undefined;
    if (layoutOperators.has(name)) {
      const layout = layouts[String(e.attrs['layout'])];
      return layout === undefined ? undefined : this.call(name, [this.last(data)], { ...e.attrs, layout }, e);
    }
    if (reductions.has(name)) return this.reduced(e, name, data);
    if (name === 'nn.pad') return this.padded(e, data);
    const fusion = this.context.operators.get(name)?.fusion;
    return fusion === 'elementwise' || fusion === 'broadcast' ? this.pointwise(e, name, shape) : undefined;
  }

  private convolution(e: Call, name: string, data: Expr): Expr | undefined {
    const layout = layouts[String(e.attrs['data_layout'])];
    const { out_layout: out, kernel_layout: kernel } = e.attrs;
    const kept = out === undefined || out === null || out === '' || out === e.attrs['data_layout'];
    const integers = data.type.kind === 'tensor' && isInteger(data.type.dtype);
    if (layout === undefined || !kept || (!integers && !this.forms.has(data))) return undefined;
    const [, weight, ...parameters] = e.args;
    const channels = shapeOf(data)?.[1];
    if (weight === undefined || channels === undefined) return undefined;
    const groups = Number(e.attrs['groups']);
    const [spatial, order] = [layout.slice(1, -1), groups > 1 && groups === channels ? 'OI' : 'IO'];
    const turned = weight.kind === 'constant' ? inLayout(weight, String(kernel), `${spatial}${order}`) : undefined;
    const attrs: Attributes = {
      ...(e.attrs as Attributes),
      data_layout: layout,
      out_layout: '',
      ...(turned ? { kernel_layout: `${spatial}${order}` } : {}),
    };
    const made = this.call(name, [this.last(data), turned ?? weight, ...parameters], attrs, e);
    if (made !== undefined) this.convolutions++;
    return made;
  }

  private joined(e: Call, data: Expr): Expr | undefined {
    const rank = shapeOf(e)?.length ?? 0;
    if (data.kind !== 'tuple' || !data.fields.some((f) => this.forms.has(f))) return undefined;
    const fields = data.fields.map((f) => this.last(f));
    const tuple: Expr = { ...data, fields, type: { kind: 'tuple', fields: fields.map((f) => f.type) } };
    return this.call('concatenate', [tuple], { ...e.attrs, axis: lastAxis(Number(e.attrs['axis']), rank) }, e);
  }

  /** Reductions over places, and those that keep all dimensions. */
  private reduced(e: Call, name: string, data: Expr): Expr | undefined {
    const rank = shapeOf(data)?.length ?? 0;
    const { axis, keepdims, exclude } = e.attrs;
    const axes = Array.isArray(axis) ? axis.map(Number) : typeof axis === 'number' ? [axis] : undefined;
    if (axes === undefined || exclude === true) return undefined;
    const places = axes.map((a) => (a + rank) % rank);
    // Without its places a tensor is (image, channel) in both orders.
    if (keepdims !== true && (places.length !== rank - 2 || places.some((a) => a < 2))) return undefined;
    return this.call(name, [this.last(data)], { ...e.attrs, axis: places.map((a) => lastAxis(a, rank)) }, e);
  }

  private padded(e: Call, data: Expr): Expr | undefined {
    const widths = e.attrs['pad_width'];
    const rank = shapeOf(data)?.length ?? 0;
    if (!Array.isArray(widths) || widths.length !== rank) return undefined;
    const pad_width = toLast(rank).map((d) => widths[d] as AttributeValueData);
    return this.call('nn.pad', [this.last(data), ...e.args.slice(1)], { ...e.attrs, pad_width } as Attributes, e);
  }

  /** Elementwise operators: tensors turned around, constants that are spread over the channels as well. */
  private pointwise(e: Call, name: string, shape: readonly number[]): Expr | undefined {
    const rank = shape.length;
    const args: Expr[] = [];
    const tensors = operandsOf(name, e.args.length);
    for (const [i, arg] of e.args.entries()) {
      const own = shapeOf(arg);
      if (own === undefined) return undefined;
      if (!tensors.includes(i) || own.length === 0) args.push(arg);
      else if (own.length === rank) args.push(this.last(arg));
      else if (arg.kind === 'constant' && own.length < rank) args.push(this.last(raised(arg, rank)));
      else return undefined;
    }
    const attrs: Record<string, unknown> = { ...e.attrs };
    for (const axis of ['axis', 'lhs_axis', 'rhs_axis'])
      if (typeof attrs[axis] === 'number') attrs[axis] = lastAxis(attrs[axis], rank);
    // Parameters along several axes are none that one number can move.
    return 'axes' in attrs ? undefined : this.call(name, args, attrs as Attributes, e);
  }

  /** The channels-last form of an image. */
  private last(e: Expr): Expr {
    const known = this.forms.get(e);
    if (known !== undefined) return known;
    const rank = shapeOf(e)?.length ?? 0;
    const made =
      e.kind === 'constant'
        ? constant(permuted(e.value, toLast(rank)), e.origin, e.name)
        : callOperator(this.context.operators, 'transpose', [e], { axes: toLast(rank) }, e.origin);
    this.forms.set(e, made);
    return made;
  }

  private call(name: string, args: readonly Expr[], attrs: Call['attrs'], from: Expr): Expr | undefined {
    const made = relateCall(this.context.operators, name, args, attrs as Attributes, from.origin);
    return typeof made === 'string' ? undefined : made;
  }
}

/** Which arguments are images; the others are parameters along an axis that an attribute names. */
function operandsOf(name: string, count: number): readonly number[] {
  if (name === 'nn.bias_add' || name === 'nn.prelu') return [0];
  if (!name.startsWith('qnn.') && !name.startsWith('fixed_point')) return [...Array(count).keys()];
  return ['qnn.add', 'qnn.subtract', 'qnn.mul'].includes(name) ? [0, 1] : [0];
}

function shapeOf(e: Expr): readonly number[] | undefined {
  return e.type.kind === 'tensor' ? staticShape(e.type) : undefined;
}

/** An axis of a channels-first tensor, counted in the channels-last one. */
function lastAxis(axis: number, rank: number): number {
  return toFirst(rank)[(axis + rank) % rank] ?? axis;
}

/** The constant with ones for the leading dimensions that broadcasting gives it. */
function raised(c: Constant, rank: number): Constant {
  const { shape } = c.value;
  const full = [...Array.from({ length: rank - shape.length }, () => 1), ...shape];
  return constant({ ...c.value, shape: full }, c.origin, c.name);
}

/** The weight with its dimensions in another order of letters; undefined when it has other letters. */
function inLayout(weight: Constant, from: string, to: string): Constant | undefined {
  if (from.length !== to.length || ![...to].every((letter) => from.includes(letter))) return undefined;
  if (from.length !== weight.value.shape.length) return undefined;
  const order = [...to].map((letter) => from.indexOf(letter));
  return constant(permuted(weight.value, order), weight.origin, weight.name);
}

/** The array whose dimension `i` is dimension `order[i]` of the given one. */
function permuted(value: NDArray, order: readonly number[]): NDArray {
  const strides = value.shape.map((_, d) => elementCount(value.shape.slice(d + 1)));
  const shape = order.map((d) => value.shape[d] ?? 1);
  const data = value.data.slice();
  for (let i = 0; i < data.length; i++) {
    let [rest, at] = [i, 0];
    for (let d = shape.length - 1; d >= 0; d--) {
      const size = shape[d] ?? 1;
      at += (rest % size) * (strides[order[d] ?? 0] ?? 0);
      rest = Math.floor(rest / size);
    }
    data[i] = value.data[at] as never;
  }
  return { ...value, shape, data };
}
