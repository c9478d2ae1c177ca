import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { connectBoard } from '../../boards/src/connect.ts';
import { Toolchain } from '../../boards/src/toolchain.ts';
import { deployCompiled } from '../../cli/src/deployment.ts';
import { ProgramReference } from '../../cli/src/reference.ts';
import { neverCancelled } from '../../compiler/src/base/cancellation.ts';
import { smallValues } from '../../compiler/src/evaluate/seeded.ts';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import { must, needTools, profileOf } from './support.ts';

const text = readFileSync(new URL('../../examples/control_flow/control_flow.relay', import.meta.url), 'utf8');

describe('a program with a closure, a recursion over a list, a match and an if', function () {
  this.timeout(60_000);
  for (const name of ['host', 'mps2-an386'])
    it(`gives on ${name} what the evaluator gives, whichever branch is taken`, async function () {
      const profile = profileOf(name);
      needTools(this, profile);
      const target = must(targetNamed(profile.target));
      const compiled = must(compileModel({ text, target }));
      const toolchain = must(await Toolchain.open(profile));
      const board = must(await connectBoard(profile));
      const reference = new ProgramReference({ text, params: new Map(), target: profile.target, withoutPasses: [] });
      try {
        for (const scale of [1, 8]) {
          const inputs = new Map(
            ['x', 'gain'].map((input, seed) => {
              const value = smallValues('float32', [4], seed + 1);
              assert.ok(value);
              return [input, { ...value, data: Float32Array.from(value.data as Float32Array, (v) => scale * v) }];
            }),
          );
          const options = { reference, layers: false, token: neverCancelled };
          const done = must(await deployCompiled({ profile, toolchain }, board, compiled, inputs, options));
          assert.ok(done.matches, done.difference);
        }
      } finally {
        await reference.close();
        await board.close();
        await toolchain.close();
      }
    });
});
