/** Fourier transforms. */
import { tensorType, tupleType } from '../../types/type.ts';
import { printDim, printShape } from '../../types/print.ts';
import type { TEExpr } from '../../tensor/te.ts';
import { add, cast, compute, constant, floormod, int, load, mul, reduce, unary } from '../../tensor/te.ts';
import { doubtful } from '../advice/values.ts';
import { attr } from '../attributes.ts';
import { op, outputOf, tensorAt } from '../compute/tensors.ts';
import type { Operator } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { addDims, floorDivDims, subDims } from '../relations/dims.ts';
import { attributeSource, copyOf, inputDim, originOf } from '../relations/explain.ts';
import { badAttribute, done, failed, inputBlame, tensorInput } from '../relations/inputs.ts';

const tolerance = { relative: 1e-4, absolute: 1e-4 };

/** 2π·(a·b mod n)/n in `dtype`; the remainder keeps the angle small and so exact. */
function angle(a: TEExpr, b: TEExpr, n: number, dtype: string): TEExpr {
  return mul(cast(dtype, floormod(mul(a, b), int(n))), constant((2 * Math.PI) / n, dtype));
}

const stft = defineOperator({
  name: 'stft',
  summary: 'Short-time Fourier transform: the spectrum of each window that slides over a signal.',
  details: 'The result has dimensions batch (if `data` has one), frequency, frame, and 2 for real and imaginary part.',
  inputs: [
    { name: 'data', summary: 'the signal, a vector, or a batch of them' },
    { name: 'window', summary: 'the window’s weights' },
  ],
  attributes: {
    n_fft: attr.int('the length of the transform', { default: -1 }),
    hop_length: attr.int('the distance of neighbouring frames', { default: -1 }),
    win_length: attr.int('the length of the window', { default: -1 }),
    normalized: attr.bool('divide by the square root of `n_fft`', { default: false }),
    onesided: attr.bool('only the frequencies up to half the sampling rate', { default: true }),
  },
  attrsType: 'relay.attrs.StftAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    if (data.kind !== 'tensor') return data;
    const { n_fft: size, hop_length: hop, onesided } = context.attrs;
    if (data.shape.length !== 1 && data.shape.length !== 2)
      return failed(
        'rank-mismatch',
        `\`data\` must be a signal or a batch of signals, found ${printShape(data.shape)}.`,
        inputBlame(0),
        {
          remedy: 'Reshape it to one or two dimensions.',
        },
      );
    if (size < 0) return badAttribute('n_fft', `\`n_fft\` must not be negative, found ${size}.`);
    if (hop < 1) return badAttribute('hop_length', `\`hop_length\` must be at least 1, found ${hop}.`);
    const samples = data.shape.at(-1) ?? 1;
    const frames = addDims(floorDivDims(subDims(samples, size), hop), 1);
    const frequencies = onesided ? Math.floor(size / 2) + 1 : size;
    return done(tensorType([...data.shape.slice(0, -1), frequencies, frames, 2], data.dtype));
  },
  advise: ({ attrs: { n_fft: size, win_length: length } }) =>
    size === 0
      ? [doubtful('n_fft', '`n_fft` is 0, so no frequency means anything and the last frames reach beyond the signal.', 'Write the length of the transform, at least 1.')] // prettier-ignore
      : length > size
        ? [doubtful('win_length', `\`win_length\` ${length} is longer than \`n_fft\` ${size}, so the last frames reach beyond the signal.`, `Write \`win_length=${size}\` or a longer \`n_fft\`.`)] // prettier-ignore
        : [],
  explain: (context, result, at) => {
    const [data] = context.inputs;
    if (data?.kind !== 'tensor' || result.kind !== 'tensor') return undefined;
    const { n_fft: size, hop_length: hop, onesided } = context.attrs;
    const lead = data.shape.length - 1;
    if (at.dim < lead) return copyOf(0, at.dim);
    if (at.dim === lead) return originOf(onesided ? `floor(${size} / 2) + 1` : '', attributeSource('n_fft'));
    if (at.dim === lead + 1)
      return originOf(
        `floor((${printDim(data.shape[lead] ?? 1)} − ${size}) / ${hop}) + 1`,
        inputDim(0, lead),
        attributeSource('n_fft'),
        attributeSource('hop_length'),
      );
    return originOf('real and imaginary part');
  },
  compute: (context) => {
    const [data, window] = [tensorAt(context, 0), tensorAt(context, 1)];
    const { shape, dtype } = outputOf(context);
    const { n_fft: size, hop_length: hop, win_length: written, normalized } = context.attrs;
    const length = written < 1 ? size : written;
    const part = (name: string, fn: 'cos' | 'sin') =>
      compute(name, shape.slice(0, -1), (...i) => {
        const [frequency, frame] = [i.at(-2) ?? int(0), i.at(-1) ?? int(0)];
        const sum = reduce('sum', [length], (...[k = int(0)]) => {
          const sample = load(data, ...i.slice(0, -2), add(mul(frame, int(hop)), k));
          return mul(mul(cast(dtype, load(window, k)), sample), unary(fn, angle(frequency, k, length, dtype)));
        });
        return fn === 'sin' ? unary('neg', sum) : sum;
      });
    const [real, imaginary] = [part('stft_real', 'cos'), part('stft_imaginary', 'sin')];
    const scale = normalized ? 1 / Math.sqrt(size) : 1;
    return [
      compute('stft', shape, (...i) => {
        const at = i.slice(0, -1);
        const which = i.at(-1) ?? int(0);
        const value: TEExpr = {
          kind: 'select',
          dtype,
          condition: { kind: 'compare', op: 'eq', left: which, right: int(0) },
          then: load(real, ...at),
          otherwise: load(imaginary, ...at),
        };
        return normalized ? mul(value, constant(scale, dtype)) : value;
      }),
    ];
  },
  fusion: 'opaque',
  tolerance,
});

const dft = defineOperator({
  name: 'dft',
  summary: 'Discrete Fourier transform along the last dimension; a tuple of real and imaginary part.',
  inputs: [
    { name: 're_data', summary: 'the real part' },
    { name: 'im_data', summary: 'the imaginary part' },
  ],
  attributes: { inverse: attr.bool('the inverse transform', { default: false }) },
  attrsType: 'relay.attrs.DFTAttrs',
  attrsTypeKey: true,
  relate: (context) => {
    const real = tensorInput(context, 0, 're_data');
    if (real.kind !== 'tensor') return real;
    const imaginary = tensorInput(context, 1, 'im_data');
    return imaginary.kind === 'tensor' ? done(tupleType([real, imaginary])) : imaginary;
  },
  explain: (_context, _result, at) => copyOf(at.field ?? 0, at.dim),
  compute: (context) => {
    const [real, imaginary] = [tensorAt(context, 0), tensorAt(context, 1)];
    const size = real.shape.at(-1) ?? 1;
    const { inverse } = context.attrs;
    const part = (name: string, which: 'real' | 'imaginary') =>
      compute(name, real.shape, (...i) => {
        const frequency = i.at(-1) ?? int(0);
        const sum = reduce('sum', [size], (...[k = int(0)]) => {
          const at = [...i.slice(0, -1), k];
          const theta = angle(frequency, k, size, real.dtype);
          const cosine = unary('cos', theta);
          const sine = inverse ? unary('sin', theta) : unary('neg', unary('sin', theta));
          const [re, im] = [load(real, ...at), load(imaginary, ...at)];
          return which === 'real' ? op('sub', mul(re, cosine), mul(im, sine)) : add(mul(re, sine), mul(im, cosine));
        });
        return sum;
      });
    const scaled = (tensor: ReturnType<typeof part>) =>
      inverse
        ? compute('dft', tensor.shape, (...i) => mul(load(tensor, ...i), constant(1 / size, tensor.dtype)))
        : tensor;
    return [scaled(part('dft_real', 'real')), scaled(part('dft_imaginary', 'imaginary'))];
  },
  fusion: 'opaque',
  tolerance,
});

export const signalOperators: readonly Operator[] = [stft, dft];
