/** Losses: `nn.cross_entropy`, `nn.cross_entropy_with_logits`, `nn.nll_loss`. */
import { isFloat, isInteger, isUnsigned } from '../../tensor/dtype.ts';
import type { TEExpr, TETensor } from '../../tensor/te.ts';
import { binary, cast, compare, compute, load, mul, reduce, select, unary } from '../../tensor/te.ts';
import { scalarType, tensorType } from '../../types/type.ts';
import { printShape } from '../../types/print.ts';
import { attr } from '../attributes.ts';
import { number, outputOf, tensorAt } from '../compute/tensors.ts';
import type { ComputeContext, RelateContext, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { copyOf } from '../relations/explain.ts';
import { mayEqual } from '../relations/dims.ts';
import { bounded } from '../transform/gather.ts';
import { checkRank, checkShape, fail, ok, onInput, tensorInput } from './relate.ts';

const tolerance = { relative: 1e-4, absolute: 1e-5 };

function relateEntropy(context: Pick<RelateContext<unknown>, 'inputs'>): RelateResult {
  const x = tensorInput(context, 0, 'x');
  if (x.kind !== 'tensor') return x;
  const y = tensorInput(context, 1, 'y');
  if (y.kind !== 'tensor') return y;
  const wrong =
    checkRank(x, 2, 0, 'x', 'batch, classes') ??
    checkRank(y, 2, 1, 'y', 'batch, classes') ??
    checkShape(y, x.shape, 1, 'y', 'like `x`', [
      { blame: onInput(0), message: `\`x\` has the shape ${printShape(x.shape)}` },
    ]);
  return wrong ?? ok(scalarType(x.dtype));
}

function computeEntropy(context: ComputeContext<unknown>, f: (x: TEExpr) => TEExpr): TETensor[] {
  const x = tensorAt(context, 0);
  const y = tensorAt(context, 1);
  const total = compute('sum', [], () =>
    reduce('sum', x.shape, (...r) => mul(f(load(x, ...r)), cast(x.dtype, load(y, ...r)))),
  );
  return [
    compute('cross_entropy', [], () => binary('div', unary('neg', load(total)), number(x.shape[0] ?? 1, x.dtype))),
  ];
}

const entropyInputs = (x: string) => [
  { name: 'x', summary: x },
  { name: 'y', summary: 'The targets, of the same shape.' },
];

const crossEntropy = defineOperator({
  name: 'nn.cross_entropy',
  summary: 'Cross entropy of probabilities: `−sum(y · log(x)) / batch`.',
  inputs: entropyInputs('Probabilities of shape (batch, classes).'),
  attributes: {},
  relate: relateEntropy,
  compute: (context) => computeEntropy(context, (x) => unary('log', x)),
  fusion: 'opaque',
  tolerance,
});

const crossEntropyWithLogits = defineOperator({
  name: 'nn.cross_entropy_with_logits',
  summary: 'Cross entropy of logarithms of probabilities: `−sum(y · x) / batch`.',
  inputs: entropyInputs('Logarithms of probabilities, of shape (batch, classes).'),
  attributes: {},
  relate: relateEntropy,
  compute: (context) => computeEntropy(context, (x) => x),
  fusion: 'opaque',
  tolerance,
});

const nllLoss = defineOperator({
  name: 'nn.nll_loss',
  summary: 'Negative log likelihood: `−weights[t] · predictions[n, t]` for the target class `t` of each element.',
  inputs: [
    { name: 'predictions', summary: 'Logarithms of probabilities, of shape (batch, classes, rest…).' },
    { name: 'targets', summary: 'The class of each element, of shape (batch, rest…).' },
    { name: 'weights', summary: 'One weight for each class.' },
  ],
  attributes: {
    reduction: attr.string('`mean` divides the sum by the sum of weights; `none` gives each element.', {
      default: 'mean',
      values: ['mean', 'sum', 'none'],
    }),
    ignore_index: attr.int('The target class that does not count.'),
  },
  attrsType: 'relay.attrs.NLLLossAttrs',
  relate(context) {
    const predictions = tensorInput(context, 0, 'predictions');
    if (predictions.kind !== 'tensor') return predictions;
    const targets = tensorInput(context, 1, 'targets');
    if (targets.kind !== 'tensor') return targets;
    const weights = tensorInput(context, 2, 'weights');
    if (weights.kind !== 'tensor') return weights;
    if (predictions.shape.length !== targets.shape.length + 1)
      return fail(
        'rank-mismatch',
        `\`predictions\` must have one dimension more than \`targets\`, but their shapes are ${printShape(predictions.shape)} and ${printShape(targets.shape)}.`,
        onInput(0),
        { related: [{ blame: onInput(1), message: `the targets have ${targets.shape.length} dimensions` }] },
      );
    const wrong = checkRank(weights, 1, 2, 'weights', 'classes');
    if (wrong) return wrong;
    if (predictions.shape.length < 2)
      return fail('rank-mismatch', '`predictions` must have at least 2 dimensions (batch, classes).', onInput(0));
    if (!mayEqual(predictions.shape[1] ?? 1, weights.shape[0] ?? 1))
      return (
        checkShape(weights, [predictions.shape[1] ?? 1], 2, 'weights', 'like the classes of `predictions`', [
          { blame: onInput(0, 1), message: 'the classes of the predictions' },
        ]) ?? { kind: 'wait' }
      );
    if (!isFloat(predictions.dtype) || predictions.dtype !== weights.dtype)
      return fail(
        'dtype-mismatch',
        `\`predictions\` and \`weights\` must have the same float type, but they are ${predictions.dtype} and ${weights.dtype}.`,
        onInput(2),
        { related: [{ blame: onInput(0), message: `the predictions are ${predictions.dtype}` }] },
      );
    if (!isInteger(targets.dtype) || isUnsigned(targets.dtype))
      return fail('dtype-mismatch', `\`targets\` must be signed integers, but they are ${targets.dtype}.`, onInput(1), {
        remedy: 'Convert them with `cast(…, dtype="int32")`.',
      });
    return ok(tensorType(context.attrs.reduction === 'none' ? targets.shape : [], predictions.dtype));
  },
  explain: (_context, _result, at) => copyOf(1, at.dim),
  compute(context) {
    const [predictions, targets, weights] = [0, 1, 2].map((i) => tensorAt(context, i)) as [
      TETensor,
      TETensor,
      TETensor,
    ];
    const { reduction, ignore_index: ignored } = context.attrs;
    const { dtype } = outputOf(context);
    const counted = (i: readonly TEExpr[]): TEExpr =>
      compare('ne', load(targets, ...i), number(ignored, targets.dtype));
    // A class that does not exist, such as the one ignored, would be read from other memory.
    const target = (i: readonly TEExpr[]): TEExpr => bounded(load(targets, ...i), weights.shape[0] ?? 1, 'clip');
    const weight = (i: readonly TEExpr[]): TEExpr => load(weights, target(i));
    const loss = compute('loss', targets.shape, (...i) => {
      const [first, ...rest] = i;
      const indices = [...(first ? [first] : []), target(i), ...rest];
      return select(counted(i), mul(unary('neg', load(predictions, ...indices)), weight(i)), number(0, dtype));
    });
    if (reduction === 'none') return [loss];
    const sum = compute('sum', [], () => reduce('sum', targets.shape, (...r) => load(loss, ...r)));
    if (reduction !== 'mean') return [sum];
    const total = compute('weights', [], () =>
      reduce('sum', targets.shape, (...r) => select(counted(r), weight(r), number(0, dtype))),
    );
    return [compute('nll_loss', [], () => binary('div', load(sum), load(total)))];
  },
  fusion: 'out-elementwise-fusable',
  tolerance,
});

export const lossOperators = [crossEntropy, crossEntropyWithLogits, nllLoss];
