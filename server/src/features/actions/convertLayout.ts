import { noWorse, tryEdits } from '../../../../compiler/src/check/repairs/verify.ts';
import { staticShape } from '../../../../compiler/src/types/type.ts';
import { rangeOf, textOf } from '../../snapshot.ts';
import { innermost, replace, type CodeActionRecord } from './action.ts';

/** How dimensions named by the letters of `from` are reordered to those of `to`. */
function axes(from: string, to: string): string {
  return `[${[...to].map((letter) => from.indexOf(letter)).join(', ')}]`;
}

export const convertLayout: CodeActionRecord = {
  name: 'Convert the layout of a convolution',
  kind: 'refactor.rewrite',
  summary:
    'Moves a two-dimensional convolution between NCHW and NHWC: its data, weight and result are transposed, so that the program computes what it did.',
  example: {
    before:
      'def @main(%x: Tensor[(1, 3, 8, 8), float32], %w: Tensor[(4, 3, 3, 3), float32]) {\n  nn.con$0v2d(%x, %w, padding=[1, 1])\n}',
    after:
      'def @main(%x: Tensor[(1, 3, 8, 8), float32], %w: Tensor[(4, 3, 3, 3), float32]) {\n  transpose(nn.conv2d(transpose(%x, axes=[0, 2, 3, 1]), transpose(%w, axes=[2, 3, 1, 0]), padding=[1, 1], data_layout="NHWC", kernel_layout="HWIO"), axes=[0, 3, 1, 2])\n}',
  },
  offers({ snapshot, path, range }) {
    const call = innermost(path, 'call');
    const symbol = call && snapshot.check.symbolOf(call.callee);
    if (!call || symbol?.kind !== 'operator' || symbol.operator.name !== 'nn.conv2d') return [];
    if (range.start > rangeOf(snapshot, call.argsSpan).start) return [];
    const attrs = snapshot.check.attrsOf(call);
    const [data, weight] = call.args;
    const result = snapshot.check.typeOf(call);
    if (!attrs || !data || !weight || result?.kind !== 'tensor') return [];
    const layout = attrs['data_layout'];
    const kernel = attrs['kernel_layout'];
    const out = attrs['out_layout'];
    if ((layout !== 'NCHW' && layout !== 'NHWC') || typeof kernel !== 'string') return [];
    if (![...'OIHW'].every((letter) => kernel.length === 4 && kernel.includes(letter))) return [];
    if (out !== '' && out !== layout) return [];
    const weightType = snapshot.check.typeOf(weight);
    const shape = weightType?.kind === 'tensor' ? staticShape(weightType) : undefined;
    const depthwise = Number(attrs['groups']) > 1 && shape?.[kernel.indexOf('I')] === 1;
    const target = layout === 'NCHW' ? 'NHWC' : 'NCHW';
    const targetKernel = target === 'NCHW' ? 'OIHW' : depthwise ? 'HWOI' : 'HWIO';
    const wrap = (text: string, from: string, to: string): string =>
      from === to ? text : `transpose(${text}, axes=${axes(from, to)})`;
    const kept = call.attrs
      .filter(({ key }) => !['data_layout', 'kernel_layout', 'out_layout'].includes(key.text))
      .map(({ span }) => textOf(snapshot, span));
    const converted = [
      wrap(textOf(snapshot, data.span), layout, target),
      wrap(textOf(snapshot, weight.span), kernel, targetKernel),
      ...kept,
      `data_layout="${target}"`,
      `kernel_layout="${targetKernel}"`,
    ];
    const newText = wrap(`nn.conv2d(${converted.join(', ')})`, target, layout);
    const edits = [replace(snapshot, rangeOf(snapshot, call.span), newText)];
    if (!noWorse(snapshot.check, tryEdits(snapshot, edits).check)) return [];
    return [{ title: `Convert to ${target}`, edits }];
  },
};
