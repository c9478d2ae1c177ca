import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { computedRepairs } from '../../compiler/src/check/repairs/repairs.ts';
import { errorsOf, noWorse, tryEdits } from '../../compiler/src/check/repairs/verify.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

const header = '#[version = "0.0.5"]\n';

/** The programs that the repairs of the only error lead to, by what stands in place of the old body. */
function repaired(program: string): readonly string[] {
  const text = header + program;
  const file = { text, check: check(parseSource(text)) };
  const [error, ...more] = errorsOf(file.check);
  assert.ok(error, 'the program has an error');
  assert.equal(more.length, 0);
  return computedRepairs(file, error).map((fix) => {
    const after = tryEdits(file, fix.edits);
    assert.deepEqual(errorsOf(after.check), [], fix.title);
    // The edited text also checks when it is read afresh.
    assert.ok(noWorse(file.check, check(parseSource(after.text))), fix.title);
    return after.text.slice(header.length);
  });
}

interface Row {
  readonly name: string;
  /** With the wrong part in `«»`. */
  readonly program: string;
  readonly repairs: readonly string[];
}

const x23 = '%x: Tensor[(2, 3), float32]';
const image = '%x: Tensor[(1, 8, 8, 3), float32]';
const rows: readonly Row[] = [
  {
    name: 'a weight that lies the other way',
    program: `def @main(${x23}, %w: Tensor[(3, 4), float32]) { «nn.dense(%x, %w, units=4)» }`,
    repairs: ['nn.dense(%x, transpose(%w, axes=[1, 0]), units=4)'],
  },
  {
    name: 'a sum over one vector a row',
    program: `def @main(${x23}, %b: Tensor[(2), float32]) { «add(%x, %b)» }`,
    repairs: ['add(%x, expand_dims(%b, axis=1))', 'add(transpose(%x, axes=[1, 0]), %b)'],
  },
  {
    name: 'an image with its channels last',
    program: `def @main(${image}, %w: Tensor[(4, 3, 3, 3), float32]) { «nn.conv2d(%x, %w)» }`,
    repairs: [
      'nn.conv2d(transpose(%x, axes=[0, 3, 1, 2]), %w)',
      'nn.conv2d(%x, %w, data_layout="NHWC", kernel_layout="HWIO")',
    ],
  },
  {
    name: 'a depthwise weight without groups',
    program:
      'def @main(%x: Tensor[(1, 32, 8, 8), float32], %w: Tensor[(32, 1, 3, 3), float32]) { «nn.conv2d(%x, %w, channels=32, kernel_size=[3, 3])» }',
    repairs: ['nn.conv2d(%x, %w, channels=32, kernel_size=[3, 3], groups=32)'],
  },
  {
    name: 'fields that differ along another axis',
    program: `def @main(${x23}, %y: Tensor[(2, 4), float32]) { «concatenate((%x, %y))» }`,
    repairs: ['concatenate((%x, %y), axis=1)'],
  },
  {
    name: 'an image for a dense layer',
    program:
      'def @main(%x: Tensor[(1, 8, 4, 4), float32], %w: Tensor[(10, 128), float32]) { «nn.dense(%x, %w, units=10)» }',
    repairs: [
      'nn.dense(nn.batch_flatten(%x), %w, units=10)',
      'nn.dense(reshape(%x, newshape=[-1, 128]), %w, units=10)',
    ],
  },
  {
    name: 'element types that differ',
    program: `def @main(${x23}, %y: Tensor[(2, 3), int32]) { «%x + %y» }`,
    repairs: ['%x + cast(%y, dtype="float32")', 'cast(%x, dtype="int32") + %y'],
  },
  {
    name: 'an axis that cannot be squeezed',
    program: 'def @main(%x: Tensor[(1, 8, 4), float32]) { «squeeze(%x, axis=[1])» }',
    repairs: ['squeeze(%x, axis=[0])'],
  },
  {
    name: 'a result of one rank too many',
    program: 'def @main(%x: Tensor[(1, 8, 4), float32]) -> Tensor[(8, 4), float32] { «%x» }',
    repairs: ['squeeze(%x, axis=[0])'],
  },
  {
    name: 'an argument of a function that lies the other way',
    program: 'def @f(%a: Tensor[(3, 2), float32]) { %a }\ndef @main(%x: Tensor[(2, 3), float32]) { «@f(%x)» }',
    repairs: ['@f(transpose(%x, axes=[1, 0]))'],
  },
];

describe('computed repairs', () => {
  for (const { name, program, repairs } of rows)
    it(name, () => {
      const found = repaired(program.replaceAll(/[«»]/g, ''));
      for (const repair of repairs) {
        const wanted = program.replace(/«[^»]*»/, () => repair);
        assert.ok(found.includes(wanted), `offered:\n${found.join('\n')}`);
      }
    });
  it('offers none that would only move the error elsewhere', () => {
    const program =
      'def @main(%x: Tensor[(2, 3), float32], %w: Tensor[(5, 7), float32]) -> Tensor[(2, 3), float32] { %x + %w }';
    assert.deepEqual(repaired(program), []);
  });
});
