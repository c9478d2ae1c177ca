/** Operators of the Ethos-U micro NPU, as its compiler front end leaves them. They have types, but run only there. */
import { withoutGradients } from '../derivation.ts';
import type { Dim, TensorType } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { canonicalDType } from '../../tensor/dtype.ts';
import type { AttributeSchema, AttributeValues } from '../attributes.ts';
import { attr } from '../attributes.ts';
import type { InputSpec, Operator, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { addDims, dimValue, floorDivDims, mulDims, subDims } from '../relations/dims.ts';
import { attributeSource, inputDim, originOf } from '../relations/explain.ts';
import { badAttribute, done, failed, inputBlame, tensorInput } from '../relations/inputs.ts';
import { spatialPadding } from '../relations/windows.ts';

type Failed = Extract<RelateResult, { kind: 'error' }>;

const ifm: InputSpec = { name: 'ifm', summary: 'the input feature map' };
const lut: InputSpec = { name: 'lut', summary: 'a lookup table of values' };
const weight: InputSpec = { name: 'weight', summary: 'the weights, output channels first' };
const scaleBias: InputSpec = { name: 'scale_bias', summary: 'packed scales and biases, ten bytes a channel' };

const inputScale = {
  ifm_scale: attr.float('the scale of the input'),
  ifm_zero_point: attr.int('the zero point of the input'),
};
const outputScale = {
  ofm_scale: attr.float('the scale of the result'),
  ofm_zero_point: attr.int('the zero point of the result'),
};
const activation = {
  activation: attr.string('`NONE`, `CLIP`, `TANH`, `SIGMOID` or `LUT`', { default: 'NONE' }),
};
const finishing = {
  ...activation,
  clip_min: attr.int('the least result', { default: 0 }),
  clip_max: attr.int('the greatest result', { default: 0 }),
  rounding_mode: attr.string('`TFL`, `TRUNCATE` or `NATURAL`', { default: 'TFL' }),
};
const upscale = { upscale: attr.string('`NONE`, `NEAREST` or `ZEROS`: doubles the input first', { default: 'NONE' }) };
const layouts = {
  ifm_layout: attr.string('`NHWC` or `NHCWB16`', { default: 'NHWC' }),
  ofm_layout: attr.string('`NHWC` or `NHCWB16`', { default: 'NHWC' }),
};
const windowAttributes = {
  strides: attr.ints('steps of the window', { default: [1, 1] }),
  padding: attr.ints('padding of top, left, bottom and right', { default: [0, 0, 0, 0] }),
};
const kernelAttributes = {
  kernel_shape: attr.ints('height and width of the kernel', { default: [] }),
  ofm_channels: attr.maybeInt('the number of output channels', { default: null }),
};
const dilation = { dilation: attr.ints('distances of kernel elements', { default: [1, 1] }) };

/** Fails unless the tensor has one of the element types. */
function oneOf(type: TensorType, index: number, name: string, allowed: readonly string[]): Failed | undefined {
  if (allowed.includes(type.dtype)) return undefined;
  return failed(
    'dtype-mismatch',
    `\`${name}\` must have one of the element types ${allowed.join(', ')}, found ${type.dtype}.`,
    inputBlame(index),
    { remedy: `Convert \`${name}\` with \`cast\`.` },
  );
}

function ofValues(name: string, value: string, allowed: readonly string[]): Failed | undefined {
  if (allowed.includes(value)) return undefined;
  return badAttribute(name, `\`${name}\` must be one of ${allowed.map((v) => `"${v}"`).join(', ')}, found "${value}".`);
}

/** Batch, height, width and (in bricks of 16 or not) the channels of a feature map; too few dimensions fail. */
function plainShape(type: TensorType, layout: string): readonly Dim[] | Failed {
  const at = layout === 'NHCWB16' ? [0, 1, 3] : [0, 1, 2];
  const dims = at.map((d) => type.shape[d]);
  if (dims.some((d) => d === undefined))
    return failed(
      'rank-mismatch',
      `\`ifm\` in layout ${layout} has too few dimensions: ${printShape(type.shape)}.`,
      inputBlame(0),
      {
        remedy: `Pass a feature map in layout ${layout}.`,
      },
    );
  return dims as readonly Dim[];
}

/** A feature map in its storage layout. */
function stored(batch: Dim, height: Dim, width: Dim, channels: number, layout: string): readonly Dim[] {
  if (layout !== 'NHCWB16') return [batch, height, width, channels];
  return [batch, height, 1 + Math.trunc((channels - 1) / 16), width, 16];
}

interface WindowAttrs {
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly ifm_layout: string;
  readonly ofm_layout: string;
  readonly upscale: string;
}

function windowShape(
  x: TensorType,
  kernel: readonly number[],
  channels: number,
  attrs: WindowAttrs,
): readonly Dim[] | Failed {
  const plain = plainShape(x, attrs.ifm_layout);
  if ('kind' in plain) return plain;
  const [batch = 1, ...sizes] = plain;
  const factor = attrs.upscale === 'NONE' ? 1 : 2;
  if (factor !== 1 && x.shape.length < 4)
    return failed(
      'rank-mismatch',
      `\`ifm\` must have channels to be doubled, found ${printShape(x.shape)}.`,
      inputBlame(0),
      {
        remedy: `Pass a feature map in layout ${attrs.ifm_layout}.`,
      },
    );
  for (const [name, list] of [
    ['kernel_shape', kernel],
    ['strides', attrs.strides],
    ['dilation', attrs.dilation],
  ] as const)
    if (list.length < 2)
      return badAttribute(name, `\`${name}\` needs a number for height and width, found [${list.join(', ')}].`);
  if (attrs.strides.slice(0, 2).includes(0))
    return badAttribute('strides', 'A step of the window is 0.', 'Write at least 1.');
  const sides = spatialPadding(attrs.padding, 2);
  if (!sides)
    return badAttribute('padding', `\`padding\` must have 1, 2 or 4 elements, but it has ${attrs.padding.length}.`);
  const padding = sides.map(({ before, after }) => before + after);
  const [height = 1, width = 1] = sizes.map((size, d) => {
    const extent = 1 + ((kernel[d] ?? 1) - 1) * (attrs.dilation[d] ?? 1);
    const room = subDims(addDims(mulDims(size, factor), padding[d] ?? 0), extent);
    return addDims(floorDivDims(room, attrs.strides[d] ?? 1), 1);
  });
  return stored(batch, height, width, channels, attrs.ofm_layout);
}

function elementwiseShape(
  x: TensorType,
  channels: number,
  attrs: { ifm_layout: string; ofm_layout: string },
): readonly Dim[] | Failed {
  const plain = plainShape(x, attrs.ifm_layout);
  if ('kind' in plain) return plain;
  const [batch = 1, height = 1, width = 1] = plain;
  return stored(batch, height, width, channels, attrs.ofm_layout);
}

/** Completes a record: these operators run only on the accelerator. */
function ethosu<S extends AttributeSchema>(record: {
  readonly name: string;
  readonly summary: string;
  readonly inputs: readonly InputSpec[];
  readonly attributes: S;
  readonly attrsType: string;
  readonly relate: (context: RelateContext<AttributeValues<S>>) => RelateResult;
}): Operator {
  return defineOperator<S>({
    ...record,
    name: `contrib.ethosu.${record.name}`,
    attrsType: `relay.attrs.${record.attrsType}`,
    explain: (_context, _result, at) =>
      originOf('sizes of the feature map and the window', inputDim(0, at.dim), attributeSource('ofm_layout')),
    noMeaning: 'it runs on an Ethos-U accelerator only',
    fusion: 'opaque',
  });
}

/** The weight that a convolution's attributes ask for; its last dimension stays its own. */
interface WeightAttributes {
  readonly kernel_shape: readonly number[];
  readonly ofm_channels: number | null;
}

function weightType(w: TensorType, attrs: WeightAttributes): TensorType {
  return tensorType(
    [attrs.ofm_channels ?? w.shape[0] ?? 1, ...attrs.kernel_shape.slice(0, 2), w.shape[3] ?? 1],
    w.dtype,
  );
}

function checkWeight(w: TensorType, wanted: TensorType): Failed | undefined {
  const fits =
    w.shape.length === 4 &&
    wanted.shape.every((dim, d) => {
      const [a, b] = [dimValue(dim), dimValue(w.shape[d] ?? 1)];
      return a === undefined || b === undefined || a === b;
    });
  if (fits) return undefined;
  return failed(
    'shape-mismatch',
    `\`weight\` must have shape ${printShape(wanted.shape)}, as the attributes say; found ${printShape(w.shape)}.`,
    inputBlame(1),
    {
      remedy: 'Make `ofm_channels` and `kernel_shape` agree with the weight.',
    },
  );
}

const bytes = ['uint8', 'int8'];

const convolutionAttributes = {
  ...inputScale,
  weight_zero_point: attr.int('the zero point of the weights'),
  ...outputScale,
  ...kernelAttributes,
  ...windowAttributes,
  ...dilation,
  ...finishing,
  ...upscale,
  ...layouts,
};

/** The operands of a convolution and the type that its weight must have, or what to return instead. */
function convolved(context: Pick<RelateContext<WeightAttributes>, 'inputs' | 'attrs'>) {
  const [x, w, bias] = [
    tensorInput(context, 0, 'ifm'),
    tensorInput(context, 1, 'weight'),
    tensorInput(context, 2, 'scale_bias'),
  ];
  if (x.kind !== 'tensor') return x;
  if (w.kind !== 'tensor') return w;
  if (bias.kind !== 'tensor') return bias;
  const problem = oneOf(x, 0, 'ifm', bytes) ?? oneOf(w, 1, 'weight', bytes) ?? oneOf(bias, 2, 'scale_bias', ['uint8']);
  return problem ?? { x, w, wanted: weightType(w, context.attrs) };
}

const conv2d = ethosu({
  name: 'conv2d',
  summary: 'Quantised two-dimensional convolution.',
  inputs: [ifm, weight, scaleBias, lut],
  attributes: {
    ...convolutionAttributes,
  },
  attrsType: 'EthosuConv2DAttrs',
  relate: (context) => {
    const operands = convolved(context);
    if (!('x' in operands)) return operands;
    const { x, w, wanted } = operands;
    const { attrs } = context;
    const problem = ofValues('upscale', attrs.upscale, ['NONE', 'ZEROS', 'NEAREST']) ?? checkWeight(w, wanted);
    if (problem) return problem;
    const shape = windowShape(x, attrs.kernel_shape, attrs.ofm_channels ?? 1, attrs);
    if ('kind' in shape) return shape;
    return {
      kind: 'ok',
      result: tensorType(shape, x.dtype),
      assign: [
        { index: 1, type: wanted },
        { index: 2, type: tensorType([w.shape[0] ?? 1, 10], 'uint8') },
      ],
    };
  },
});

const depthwise = ethosu({
  name: 'depthwise_conv2d',
  summary: 'Quantised two-dimensional convolution of each channel by itself.',
  inputs: [ifm, weight, scaleBias, lut],
  attributes: {
    ...convolutionAttributes,
    ofm_dtype: attr.string('the element type of the result', { default: 'int8' }),
  },
  attrsType: 'EthosuDepthwiseConv2DAttrs',
  relate: (context) => {
    const operands = convolved(context);
    if (!('x' in operands)) return operands;
    const { x, w, wanted } = operands;
    const { attrs } = context;
    const problem =
      ofValues('ofm_dtype', attrs.ofm_dtype, ['uint8', 'int8', 'int16', 'int32']) ?? checkWeight(w, wanted);
    if (problem) return problem;
    const shape = windowShape(x, attrs.kernel_shape, attrs.ofm_channels ?? 1, { ...attrs, upscale: 'NONE' });
    if ('kind' in shape) return shape;
    return { kind: 'ok', result: tensorType(shape, attrs.ofm_dtype), assign: [{ index: 1, type: wanted }] };
  },
});

const pooling = ethosu({
  name: 'pooling',
  summary: 'Quantised maximum, average or sum over windows.',
  inputs: [ifm, lut],
  attributes: {
    pooling_type: attr.string('`AVG`, `MAX` or `SUM`'),
    ...inputScale,
    ...outputScale,
    pool_shape: attr.ints('height and width of the window', { default: [] }),
    ofm_channels: kernelAttributes.ofm_channels,
    ...windowAttributes,
    ...finishing,
    ...upscale,
    ...layouts,
  },
  attrsType: 'EthosuPoolingAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'ifm');
    if (x.kind !== 'tensor') return x;
    const { attrs } = context;
    const sum = attrs.pooling_type === 'SUM';
    const problem =
      ofValues('pooling_type', attrs.pooling_type, ['AVG', 'MAX', 'SUM']) ??
      oneOf(x, 0, 'ifm', sum ? [...bytes, 'int16', 'int32'] : [...bytes, 'int16']) ??
      ofValues('upscale', attrs.upscale, ['NONE', 'ZEROS', 'NEAREST']);
    if (problem) return problem;
    const shape = windowShape(x, attrs.pool_shape, attrs.ofm_channels ?? 1, { ...attrs, dilation: [1, 1] });
    return 'kind' in shape ? shape : done(tensorType(shape, sum ? 'int32' : x.dtype));
  },
});

const identity = ethosu({
  name: 'identity',
  summary: 'Copies a feature map, or requantises it.',
  inputs: [ifm, lut],
  attributes: { ...inputScale, ...outputScale, ...activation },
  attrsType: 'EthosuIdentityAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'ifm');
    if (x.kind !== 'tensor') return x;
    if (x.shape.length > 4)
      return failed(
        'rank-mismatch',
        `\`ifm\` must have at most 4 dimensions, found ${x.shape.length}.`,
        inputBlame(0),
        {
          remedy: 'Reshape it.',
        },
      );
    return oneOf(x, 0, 'ifm', bytes) ?? done(x);
  },
});

const unary = ethosu({
  name: 'unary_elementwise',
  summary: 'Quantised absolute value or number of leading zeros.',
  inputs: [ifm, lut],
  attributes: {
    operator_type: attr.string('`ABS` or `CLZ`'),
    ...inputScale,
    ...outputScale,
    ofm_channels: attr.int('the number of channels'),
    ...finishing,
    ...layouts,
  },
  attrsType: 'EthosuUnaryElementwiseAttrs',
  relate: (context) => {
    const x = tensorInput(context, 0, 'ifm');
    if (x.kind !== 'tensor') return x;
    const { attrs } = context;
    const problem =
      ofValues('operator_type', attrs.operator_type, ['ABS', 'CLZ']) ??
      oneOf(x, 0, 'ifm', attrs.operator_type === 'CLZ' ? ['int32'] : bytes);
    if (problem) return problem;
    const shape = elementwiseShape(x, attrs.ofm_channels, attrs);
    return 'kind' in shape ? shape : done(tensorType(shape, x.dtype));
  },
});

/** Element types that each operation takes and gives; none means the input's. */
const binaryTypes: Readonly<Record<string, readonly [readonly string[], readonly string[] | undefined]>> = {
  ADD: [
    [...bytes, 'int16', 'int32'],
    [...bytes, 'int16', 'int32'],
  ],
  SUB: [
    [...bytes, 'int16', 'int32'],
    [...bytes, 'int16', 'int32'],
  ],
  MUL: [
    [...bytes, 'int16', 'int32'],
    [...bytes, 'int16', 'int32'],
  ],
  MIN: [bytes, undefined],
  MAX: [bytes, undefined],
  SHR: [['int32'], [...bytes, 'int32']],
  SHL: [['int32'], ['int32']],
};

const binary = ethosu({
  name: 'binary_elementwise',
  summary: 'Quantised arithmetic on two feature maps.',
  inputs: [ifm, { name: 'ifm2', summary: 'the second feature map' }, lut],
  attributes: {
    operator_type: attr.string('`ADD`, `SUB`, `MUL`, `MIN`, `MAX`, `SHR` or `SHL`'),
    ...inputScale,
    ifm2_scale: attr.float('the scale of the second input'),
    ifm2_zero_point: attr.int('the zero point of the second input'),
    ...outputScale,
    ifm_channels: attr.int('the channels of the input'),
    ifm2_channels: attr.int('the channels of the second input'),
    reversed_operands: attr.bool('the second input is the left operand', { default: false }),
    ...finishing,
    ifm2_layout: attr.string('`NHWC` or `NHCWB16`', { default: 'NHWC' }),
    ...layouts,
    ofm_dtype: attr.string('the element type of the result'),
    use_rescale: attr.bool('rescale explicitly', { default: false }),
    rescale_scale: attr.int('the factor', { default: 0 }),
    rescale_shift: attr.int('the shift', { default: 0 }),
  },
  attrsType: 'EthosuBinaryElementwiseAttrs',
  relate: (context) => {
    const [x, y] = [tensorInput(context, 0, 'ifm'), tensorInput(context, 1, 'ifm2')];
    if (x.kind !== 'tensor') return x;
    if (y.kind !== 'tensor') return y;
    const { attrs } = context;
    const output = canonicalDType(attrs.ofm_dtype) ?? attrs.ofm_dtype;
    if (x.dtype !== y.dtype)
      return failed(
        'dtype-mismatch',
        `\`ifm\` and \`ifm2\` must have the same element type; found ${x.dtype} and ${y.dtype}.`,
        inputBlame(1),
        {
          remedy: 'Convert one side with `cast`.',
        },
      );
    const types = binaryTypes[attrs.operator_type];
    const problem =
      ofValues('operator_type', attrs.operator_type, Object.keys(binaryTypes)) ??
      oneOf(x, 0, 'ifm', types?.[0] ?? []) ??
      ofValues('ofm_dtype', output, types?.[1] ?? [x.dtype]);
    if (problem) return problem;
    const shape = elementwiseShape(x, attrs.ifm_channels, attrs);
    return 'kind' in shape ? shape : done(tensorType(shape, output));
  },
});

export const ethosuOperators: readonly Operator[] = withoutGradients(
  [conv2d, depthwise, pooling, identity, unary, binary],
  'it works on integers',
);
