import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fuzz } from '../../bench/support/edits.ts';
import { check } from '../../compiler/src/check/check.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { header } from './support.ts';

const program = `${header}def @f(%x: Tensor[(2, 3), float32], %c: bool) {
  %0 = nn.relu(%x);
  let %y = if (%c) { add(%0, %x) } else { %0 };
  transpose(%y, axes=[1, 0])
}
def @main(%x: Tensor[(2, 3), float32]) { (@f(%x, True), [1f, 2f]) }
`;

/** 100 KB each. */
const hostile: Readonly<Record<string, string>> = {
  'a long name': `%${'a'.repeat(100_000)}`,
  'equal signs': '='.repeat(100_000),
  'empty lines': '\n'.repeat(100_000),
  spaces: ' '.repeat(100_000),
  slashes: '/'.repeat(100_000),
  stars: '*'.repeat(100_000),
  colons: ':'.repeat(100_000),
  arrows: '->'.repeat(50_000),
  'open comments': '/*'.repeat(50_000),
  'a string over lines': `"${'\n'.repeat(100_000)}`,
  'shapes near 2^63': `reshape(%x, newshape=[${'9223372036854775807, '.repeat(300)}1])`,
  'a rank of hundreds': `ones(shape=[${'1, '.repeat(400)}1], dtype="float32")`,
};

describe('texts that nobody meant to write', () => {
  it('are checked after each random edit as they are afresh', () => {
    assert.deepEqual(fuzz([program], 400, 7).failures, []);
  });
  for (const [what, text] of Object.entries(hostile))
    it(`do not trouble the checker: ${what}`, () => {
      const result = check(parseSource(`${header}def @main(%x: Tensor[(2, 3), float32]) { ${text} }\n`));
      assert.ok(result.diagnostics.length + result.tree.errors.length < 2000);
    });
});
