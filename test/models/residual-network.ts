/** A float32 network of which no trained weights are needed: they are seeded. */
import { GraphBuilder, type Program } from '../differential/graph.ts';

/** A residual network of eight layers for 32×32 images, as the image classification benchmark has it, in float32. */
export function residualNetwork(): Program {
  const b = new GraphBuilder();
  let seed = 1;
  const param = (shape: readonly number[], low: number, high: number): number =>
    b.add({ kind: 'param', shape, dtype: 'float32', range: { low, high }, seed: seed++ });
  const conv = (x: number, inC: number, outC: number, k: number, stride: number): number => {
    const bound = Math.sqrt(3 / (k * k * inC));
    const pad = k === 1 ? [0, 0, 0, 0] : stride === 2 ? [0, 0, 1, 1] : [1, 1, 1, 1];
    return b.call('nn.conv2d', [x, param([k, k, inC, outC], -bound, bound)], {
      strides: [stride, stride],
      padding: pad,
      channels: outC,
      kernel_size: [k, k],
      data_layout: 'NHWC',
      kernel_layout: 'HWIO',
    });
  };
  const norm = (x: number, c: number): number => {
    const vectors = [param([c], 0.7, 1.3), param([c], -0.3, 0.3), param([c], -0.3, 0.3), param([c], 0.6, 1.6)];
    return b.add({ kind: 'get', tuple: b.call('nn.batch_norm', [x, ...vectors], { axis: 3 }), index: 0 });
  };
  const relu = (x: number): number => b.call('nn.relu', [x]);
  let x = b.add({ kind: 'input', shape: [1, 32, 32, 3], dtype: 'float32', range: { low: -1, high: 1 } });
  x = relu(norm(conv(x, 3, 16, 3, 1), 16));
  for (const [inC, outC, stride] of [
    [16, 16, 1],
    [16, 32, 2],
    [32, 64, 2],
  ] as const) {
    const y = norm(conv(relu(norm(conv(x, inC, outC, 3, stride), outC)), outC, outC, 3, 1), outC);
    x = relu(b.call('add', [stride === 1 ? x : conv(x, inC, outC, 1, stride), y]));
  }
  x = b.call('nn.batch_flatten', [b.call('nn.global_avg_pool2d', [x], { layout: 'NHWC' })]);
  x = b.call('nn.bias_add', [b.call('nn.dense', [x, param([10, 64], -0.3, 0.3)], { units: 10 }), param([10], -1, 1)]);
  const out = b.call('nn.softmax', [x], { axis: -1 });
  return { seed: 5, family: 'float', nodes: b.nodes, outputs: [out], lets: false, approximate: false };
}
