import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { defaultCodePrice } from '../../compiler/src/pipeline/light-kernels.ts';
import type { ScheduleConfig } from '../../compiler/src/schedule/task.ts';
import { scheduler } from '../../compiler/src/schedule/spaces.ts';
import { cortexM4 } from '../schedule/functions.ts';

/** A large product, and what is done with it. */
const program = (result: string): string => `#[version = "0.0.5"]
def @main(%x: Tensor[(8, 64, 64), float32], %w: Tensor[(8, 64, 64), float32]) {
  %0 = nn.batch_matmul(%x, %w);
  ${result}
}
`;

const alone = program('%0');
const followed = program('nn.softmax(mean(%0, axis=[0, 1]))');

function configsOf(text: string): readonly ScheduleConfig[] {
  const compiled = compileModel({ text, target: cortexM4, name: 'm' });
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.error.message);
  return compiled.value.kernels.map((k) => k.config);
}

describe('kernels with little work', () => {
  it('take less code in a program than they would alone', () => {
    const configs = configsOf(followed);
    const small = configs[configs.length - 1];
    assert.match(String(small?.['flags']), /^-O2/);
    const softmax = configsOf('#[version = "0.0.5"]\ndef @main(%x: Tensor[(64), float32]) { nn.softmax(%x) }');
    assert.notDeepEqual(small, softmax[0]);
  });

  it('take the recorded schedule that is cheapest with its code paid for, by the price', () => {
    const untuned = compileModel({ text: followed, target: cortexM4, name: 'm' });
    assert.ok(untuned.ok);
    const large = untuned.value.kernels[0]!;
    const fast = large.config;
    const knob = scheduler.spaceOf(large.task, cortexM4).knobs.find((k) => k.name === 'flags');
    const small = { ...fast, flags: String(knob?.values.find((v) => String(v).startsWith('-Os'))) };
    const choices = [
      { config: fast, cost: 100_000, bytes: { code: 6000, constants: 0 } },
      { config: small, cost: 102_000, bytes: { code: 1000, constants: 0 } },
    ];
    const configAt = (codePrice?: number): ScheduleConfig | undefined => {
      const compiled = compileModel({
        text: followed,
        target: cortexM4,
        name: 'm',
        configFor: (t) => (t.key === large.task.key ? fast : undefined),
        choicesFor: (t) => (t.key === large.task.key ? choices : []),
        codePrice,
      });
      assert.ok(compiled.ok);
      return compiled.value.kernels[0]?.config;
    };
    // Two percent of the kernel's time for 5,000 bytes: too much at the default price, little at forty times that.
    assert.deepEqual(configAt(), fast);
    assert.deepEqual(configAt(0), fast);
    assert.deepEqual(configAt(40 * defaultCodePrice), small);
  });

  it('leave the kernel that takes the time as it is', () => {
    assert.deepEqual(configsOf(followed)[0], configsOf(alone)[0]);
  });
});
