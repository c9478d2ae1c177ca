/** Operators that compute on single bits packed into words. */
import { dtypeInfo } from '../../tensor/dtype.ts';
import type { Dim } from '../../types/type.ts';
import { tensorType } from '../../types/type.ts';
import { attr } from '../attributes.ts';
import { defineOperator } from '../operator.ts';
import { floorDivDims } from '../relations/dims.ts';
import { copyOf, fromAttribute } from '../relations/explain.ts';
import { convertShape, parseLayout } from './layout.ts';
import { windowOutput } from '../relations/windows.ts';
import { shapeInLayout } from './conv-layouts.ts';
import { badAttribute, checkAtLeast, checkNonZero, fail, ok, onInput, tensorInput } from './relate.ts';
import { readLayout, readPadding } from './shapes.ts';

const noMeaning = 'its element order belongs to the hardware kernels that use it';
const nchw = { text: 'NCHW', axes: [...'NCHW'].map((axis) => ({ axis })) };
const packType = attr.dtype('Element type of the packed words.', { default: null });
const outType = attr.dtype('Element type of the result.', { default: null });
const unipolar = attr.bool('Weights are 0 and 1; otherwise −1 and 1.', { default: true });

const bitpack = defineOperator({
  name: 'nn.bitpack',
  summary: 'Splits elements into bits and packs the bits of neighbours into words.',
  inputs: [{ name: 'data', summary: 'The tensor.' }],
  attributes: {
    bits: attr.int('Number of bits kept of each element.', { default: 1 }),
    pack_axis: attr.int('The axis along which neighbours are packed.', { default: 1 }),
    bit_axis: attr.int('Where the new axis of bits is put.', { default: -1 }),
    pack_type: packType,
    name: attr.string('Name of the operation.', { default: 'BitPack' }),
  },
  attrsType: 'relay.attrs.BitPackAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { bits, pack_axis: packAxis, bit_axis: bitAxis, pack_type: word } = context.attrs;
    const width = word === null ? 0 : (dtypeInfo(word)?.bits ?? 0);
    const packs = packAxis >= 0 && packAxis < data.shape.length;
    if (packs && width === 0)
      return badAttribute('pack_type', '`pack_type` is missing.', {
        remedy: 'Write for example `pack_type="uint32"`.',
      });
    const shape: Dim[] = [];
    data.shape.forEach((dim, d) => {
      if (d === bitAxis) shape.push(bits);
      shape.push(d === packAxis ? floorDivDims(dim, width) : dim);
    });
    if (bitAxis === data.shape.length) shape.push(bits);
    return ok(tensorType(shape, word ?? 'void'));
  },
  explain(context, _result, at) {
    const { bit_axis: bitAxis, pack_axis: packAxis } = context.attrs;
    if (at.dim === bitAxis) return fromAttribute('bits');
    const dim = bitAxis >= 0 && at.dim > bitAxis ? at.dim - 1 : at.dim;
    if (dim !== packAxis) return copyOf(0, dim);
    return {
      formula: 'elements / bits of a word',
      sources: [
        { kind: 'input', index: 0, dim },
        { kind: 'attribute', name: 'pack_type' },
      ],
    };
  },
  noMeaning,
  fusion: 'injective',
});

const bitserialConv2d = defineOperator({
  name: 'nn.bitserial_conv2d',
  summary: 'A convolution of data and weights of few bits, computed bit by bit.',
  inputs: [
    { name: 'data', summary: 'The tensor that is convolved.' },
    { name: 'weight', summary: 'The filters, packed or not.' },
  ],
  attributes: {
    strides: attr.ints('Distance between neighbouring windows.', { default: [1, 1] }),
    padding: attr.ints('Zeros added around the data.', { default: [0, 0] }),
    kernel_size: attr.maybeInts('Size of the window.', { default: [3, 3] }),
    channels: attr.maybeInt('Number of output channels; it must be given.', { default: null }),
    activation_bits: attr.int('Bits of the data.', { default: 1 }),
    weight_bits: attr.int('Bits of the weight.', { default: 1 }),
    data_layout: attr.string("Order of the data's dimensions.", { default: 'NCHW' }),
    kernel_layout: attr.string("Order of the weight's dimensions.", { default: 'OIHW' }),
    pack_dtype: packType,
    out_dtype: outType,
    unipolar,
  },
  attrsType: 'relay.attrs.BinaryConv2DAttrs',
  relate(context) {
    const { attrs } = context;
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const layout = readLayout('data_layout', attrs.data_layout, 'NCHW');
    if ('kind' in layout) return layout;
    if (attrs.channels === null)
      return badAttribute('channels', '`channels` is missing.', { remedy: 'Write the number of output channels.' });
    if (attrs.kernel_size === null) return badAttribute('kernel_size', '`kernel_size` is missing.');
    const problem =
      checkAtLeast('kernel_size', attrs.kernel_size, 2) ??
      checkAtLeast('strides', attrs.strides, 2) ??
      checkNonZero('strides', attrs.strides.slice(0, 2));
    if (problem) return problem;
    const padding = readPadding(attrs.padding, 2);
    if ('kind' in padding) return padding;
    const shape = shapeInLayout(data, 0, 'data', layout, 'data_layout', nchw);
    if ('kind' in shape) return shape;
    const size = (i: number): Dim =>
      windowOutput(shape[i + 2] ?? 1, {
        kernel: attrs.kernel_size?.[i] ?? 1,
        stride: attrs.strides[i] ?? 1,
        dilation: 1,
        padBefore: padding.before[i] ?? 0,
        padAfter: padding.after[i] ?? 0,
      });
    const result = [shape[0] ?? 1, attrs.channels, size(0), size(1)];
    return ok(tensorType(convertShape(nchw, result, layout), attrs.out_dtype ?? 'void'));
  },
  explain(context, _result, at) {
    const layout = parseLayout(context.attrs.data_layout);
    const axis = typeof layout === 'string' ? '' : layout.axes[at.dim]?.axis;
    if (axis === 'C') return fromAttribute('channels');
    if (axis === 'N') return copyOf(0, at.dim);
    return {
      formula: 'floor((size + padding − window)/stride) + 1',
      sources: [
        { kind: 'input', index: 0, dim: at.dim },
        { kind: 'attribute', name: 'kernel_size', element: axis === 'H' ? 0 : 1 },
      ],
    };
  },
  noMeaning,
  fusion: 'out-elementwise-fusable',
});

const bitserialDense = defineOperator({
  name: 'nn.bitserial_dense',
  summary: 'A fully connected layer of data and weights of few bits, computed bit by bit.',
  inputs: [
    { name: 'data', summary: 'Tensor of shape (…, features).' },
    { name: 'weight', summary: 'Matrix of shape (units, features), packed or not.' },
  ],
  attributes: {
    units: attr.maybeInt('Number of output features.'),
    data_bits: attr.int('Bits of the data.', { default: 1 }),
    weight_bits: attr.int('Bits of the weight.', { default: 1 }),
    pack_dtype: packType,
    out_dtype: outType,
    unipolar,
  },
  attrsType: 'relay.attrs.BinaryDenseAttrs',
  relate(context) {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    if (data.shape.length === 0)
      return fail('rank-mismatch', '`data` must have at least 1 dimension, but it is a scalar.', onInput(0));
    const { units, out_dtype: dtype } = context.attrs;
    if (units === null)
      return badAttribute('units', '`units` is `None`.', { remedy: 'Write the number of output features.' });
    return ok(tensorType([...data.shape.slice(0, -1), units], dtype ?? data.dtype));
  },
  explain(context, _result, at) {
    const [data] = context.inputs;
    return data?.kind === 'tensor' && at.dim === data.shape.length - 1 ? fromAttribute('units') : copyOf(0, at.dim);
  },
  noMeaning,
  fusion: 'out-elementwise-fusable',
});

export const bitserialOperators = [bitpack, bitserialConv2d, bitserialDense];
