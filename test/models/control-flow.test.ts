import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { compileModel } from '../../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../../compiler/src/targets/targets.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { checkArena, checkPasses, prepareText } from '../differential/oracle.ts';

const head = '#[version = "0.0.5"]\n';
const option = 'type Opt[A] { Some(A), None, }\n';
const x: NDArray = { dtype: 'float32', shape: [4], data: Float32Array.of(-1.5, 0, 2.25, 7) };
const flag = (value: boolean): NDArray => ({ dtype: 'bool', shape: [], data: Uint8Array.of(value ? 1 : 0) });

/** Programs that have a straight-line form. Those with a flag are run with it set and not set. */
const compiled: readonly { readonly name: string; readonly text: string; readonly flag?: boolean }[] = [
  {
    name: 'a branch on a value known at run time',
    text: 'def @main(%x: Tensor[(4), float32], %c: Tensor[(), bool]) { if (%c) { nn.relu(%x) } else { negative(%x) } }',
    flag: true,
  },
  {
    name: 'a branch on a constant',
    text: 'def @main(%x: Tensor[(4), float32]) { if (True) { nn.relu(%x) } else { negative(%x) } }',
  },
  {
    name: 'a recursion over a constant',
    text: `def @f(%n: Tensor[(), int32], %x: Tensor[(4), float32]) -> Tensor[(4), float32] {
  if (equal(%n, 0)) { %x } else { @f(subtract(%n, 1), add(%x, %x)) }
}
def @main(%x: Tensor[(4), float32]) { @f(3, %x) }`,
  },
  {
    name: 'a closure called twice',
    text: 'def @main(%x: Tensor[(4), float32]) { let %f = fn (%y: Tensor[(4), float32]) { add(%x, %y) }; %f(%f(%x)) }',
  },
  {
    name: 'a match of a value that is known',
    text: `${option}def @main(%x: Tensor[(4), float32]) {
  let %o = Some(%x);
  match (%o) { Some(%y) => nn.relu(%y), None => %x, }
}`,
  },
];

const refused: readonly {
  readonly name: string;
  readonly text: string;
  readonly code: string;
  readonly says: RegExp;
}[] = [
  {
    name: 'a recursion whose end a run decides',
    text: `def @f(%n: Tensor[(), int32], %x: Tensor[(4), float32]) -> Tensor[(4), float32] {
  if (equal(%n, 0)) { %x } else { @f(subtract(%n, 1), add(%x, %x)) }
}
def @main(%n: Tensor[(), int32], %x: Tensor[(4), float32]) { @f(%n, %x) }`,
    code: 'not-compilable',
    says: /recurs.*run time/i,
  },
  {
    name: 'a recursion without an end',
    text: `def @f(%x: Tensor[(4), float32]) -> Tensor[(4), float32] { @f(add(%x, %x)) }
def @main(%x: Tensor[(4), float32]) { @f(%x) }`,
    code: 'not-compilable',
    says: /recursi/i,
  },
  {
    name: 'a function as the result',
    text: 'def @main(%x: Tensor[(4), float32]) { fn (%y: Tensor[(4), float32]) { add(%x, %y) } }',
    code: 'not-compilable',
    says: /function.*result/i,
  },
  {
    name: 'a data type as a parameter',
    text: `${option}def @main(%o: Opt[Tensor[(4), float32]]) {
  match (%o) { Some(%y) => nn.relu(%y), None => zeros(shape=[4], dtype="float32"), }
}`,
    code: 'not-compilable',
    says: /%o.*Opt/,
  },
  {
    name: 'a shape that values decide',
    text: 'def @main(%x: Tensor[(4), float32]) { argwhere(%x) }',
    code: 'not-compilable',
    says: /argwhere.*fixed shape/,
  },
  {
    name: 'a parameter of open shape',
    text: 'def @main(%x: Tensor[(?, 4), float32]) { nn.relu(%x) }',
    code: 'not-compilable',
    says: /%x.*fixed shape/,
  },
  {
    name: 'an operator that no loops say',
    text: 'def @main(%x: Tensor[(1, 8, 4, 4), int8]) { nn.bitpack(%x, bits=1, pack_axis=1, bit_axis=2, pack_type="uint8") }',
    code: 'no-loops',
    says: /`nn.bitpack` cannot run on a board/,
  },
  {
    name: 'half-precision tensors',
    text: 'def @main(%x: Tensor[(4), float16]) { nn.relu(%x) }',
    code: 'no-narrow-float',
    says: /float16.*cannot run on a board/,
  },
];

const target = targetNamed('cortex-m4f');

describe('programs with control flow', () => {
  for (const c of compiled)
    it(`compile: ${c.name}`, () => {
      assert.ok(target.ok);
      for (const value of c.flag === true ? [true, false] : [undefined]) {
        const inputs = new Map<string, NDArray>([['x', x]]);
        if (value !== undefined) inputs.set('c', flag(value));
        const prepared = prepareText(head + c.text, inputs, { target: target.value });
        assert.ok(!('where' in prepared), 'where' in prepared ? prepared.detail : '');
        assert.equal(checkPasses(prepared), undefined);
        assert.equal(checkArena(prepared), undefined);
      }
    });

  for (const r of refused)
    it(`are refused where they stand: ${r.name}`, () => {
      assert.ok(target.ok);
      const text = head + r.text;
      const result = compileModel({ text, target: target.value });
      assert.ok(!result.ok, 'it compiled');
      assert.equal(result.error.code, r.code);
      assert.match(result.error.message, r.says);
      assert.ok(result.error.remedy, 'says what to do');
      assert.ok(result.error.origin.length > 0, 'says where');
    });
});
