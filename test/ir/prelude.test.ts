import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { check } from '../../compiler/src/check/check.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { evaluateFunction } from '../../compiler/src/evaluate/ir.ts';
import type { Value } from '../../compiler/src/evaluate/value.ts';
import { elaborate } from '../../compiler/src/ir/elaborate.ts';
import { preludeModule } from '../../compiler/src/ir/prelude.ts';
import { printType } from '../../compiler/src/types/print.ts';

function plain(value: Value): unknown {
  if (value.kind === 'tensor') return Number(value.array.data[0]);
  if (value.kind === 'tuple') return value.fields.map(plain);
  if (value.kind !== 'adt') return value.kind;
  if (value.constructor_ === 'Nil') return [];
  const [head, rest] = value.fields.map(plain);
  return value.constructor_ === 'Cons' ? [head, ...(rest as unknown[])] : [value.constructor_, head, rest];
}

function run(expression: string): unknown {
  const tree = parseSource(`#[version = "0.0.5"]\ndef @main() { ${expression} }\n`);
  const checked = check(tree);
  assert.deepEqual(
    [...tree.errors, ...checked.diagnostics].filter((d) => d.severity === 'error').map((d) => d.message),
    [],
  );
  const module = elaborate(checked);
  assert.ok(module.ok);
  const result = evaluateFunction(module.value, 'main', new Map());
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return plain(result.value);
}

const list = 'Cons(1, Cons(2, Cons(3, Nil)))';
const table: readonly (readonly [string, unknown])[] = [
  [`@length(${list})`, 3],
  [`@sum(@map(fn (%x: int32) { %x * %x }, ${list}))`, 14],
  [`@rev(${list})`, [3, 2, 1]],
  [`@nth(@update(${list}, 1, 7), 1)`, 7],
  [`@concat(${list}, ${list})`, [1, 2, 3, 1, 2, 3]],
  [`@filter(fn (%x: int32) { %x < 3 }, ${list})`, [1, 2]],
  [
    `@zip(${list}, @tl(${list}))`,
    [
      [1, 2],
      [2, 3],
    ],
  ],
  [`@foldr1(fn (%a: int32, %b: int32) { %a - %b }, ${list})`, 2],
  [`@foldr(fn (%a: int32, %b: int32) { %a - %b }, 10, ${list})`, -8],
  [`@foldl(fn (%a: int32, %b: int32) { %a - %b }, 10, ${list})`, 4],
  [`@map_accumr(fn (%a: int32, %b: int32) { (%a + %b, %a * %b) }, 0, ${list})`, [6, [5, 6, 0]]],
  [`@unfoldr(fn (%n: int32) { if (%n < 4) { Some((%n + 1, %n)) } else { None } }, 0)`, [0, 1, 2, 3]],
  [`@iterate(fn (%x: int32) { %x * 2 }, 5)(1)`, 32],
  [`@size(Rose(1, Cons(Rose(2, Nil), Nil)))`, 2],
  [`@compose(fn (%x: int32) { %x + 1 }, fn (%x: int32) { %x * 2 })(5)`, 11],
];

describe('the prelude', () => {
  for (const [expression, expected] of table)
    it(`${expression.slice(0, 60)} gives ${JSON.stringify(expected)}`, () =>
      assert.deepEqual(run(expression), expected));

  it('has the types the checker tells', () => {
    for (const [name, func] of preludeModule().functions) {
      if (func.typeParams.length > 0) continue;
      assert.equal(printType(func.type), 'fn (List[int32]) -> int32', name);
    }
  });
});
