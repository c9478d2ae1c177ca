import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { dumpTree } from './dump.ts';
import { errorLines } from './support.ts';

const header = '#[version = "0.0.5"]\n';

/** One broken place, one error; and what stands around it keeps its tree. */
const broken: readonly (readonly [string, string, readonly string[], string])[] = [
  [
    'a forgotten closing parenthesis',
    'def @f() {\n  %0 = g(1;\n  %1 = h(2);\n  %1\n}',
    ['unclosed-bracket «»'],
    '(def @f () {(graph 0 (call g 1:int32)) (graph 1 (call h 2:int32)) %1})',
  ],
  [
    'a closing parenthesis too many',
    'def @f() {\n  %0 = g(1));\n  %0\n}',
    ['unmatched-bracket «)»'],
    '(def @f () {(graph 0 (call g 1:int32)) %0})',
  ],
  [
    'a forgotten semicolon',
    'def @f() {\n  let %x = 1\n  let %y = 2;\n  %y\n}',
    ['missing-semicolon «»'],
    '(def @f () {(let %x 1:int32) (let %y 2:int32) %y})',
  ],
  [
    'a missing value',
    'def @f() {\n  let %x = ;\n  %0 = g(%x);\n  %0\n}',
    ['expected-expression «;»'],
    '(def @f () {(let %x <missing>) (graph 0 (call g %x)) %0})',
  ],
  [
    'a missing result',
    'def @f() {\n  let %x = 1;\n}',
    ['missing-result «»'],
    '(def @f () {(let %x 1:int32) <missing>})',
  ],
  [
    'a broken argument',
    'def @f() {\n  g(1, =, 2)\n}',
    ['unexpected-token «=»'],
    '(def @f () {(call g 1:int32 2:int32)})',
  ],
  [
    'a brace that closes too early',
    'def @f() {\n  %0 = g(1); }\n  %1 = h(%0);\n  %1\n}',
    ['unmatched-bracket «}»'],
    '(def @f () {(graph 0 (call g 1:int32)) (graph 1 (call h %0)) %1})',
  ],
  [
    'a function literal that is never closed',
    'def @f() {\n  %0 = fn (%x) {\n    %x\n  ;\n  %1 = %0(1);\n  %1\n}',
    ['unclosed-bracket «»'],
    '(def @f () {(graph 0 (fn (%x) {%x})) (graph 1 (call %0 1:int32)) %1})',
  ],
  [
    'a definition that is never closed',
    'def @f() {\n  1\n\ndef @g() { 2 }',
    ['unclosed-bracket «»'],
    '(def @f () {1:int32})\n(def @g () {2:int32})',
  ],
  ['a name without @', 'def main() { 1 }', ['expected-name «main»'], '(def @main () {1:int32})'],
  [
    'a missing else',
    'def @f() { if (True) { 1 } }',
    ['missing-else «»'],
    '(def @f () {(if true {1:int32} {<missing>})})',
  ],
  ['a float without suffix', 'def @f() { 1.5 }', ['float-needs-suffix «1.5»'], '(def @f () {undefined:float32})'],
  [
    'an integer out of range',
    'def @f() { 70000i16 }',
    ['number-out-of-range «70000i16»'],
    '(def @f () {undefined:int16})',
  ],
  ['an unterminated string', 'def @f() {\n  g(s="abc);\n  1\n}', ['unterminated-string «"abc»'], ''],
  [
    'a character that means nothing',
    'def @f() { 1 § + 2 }',
    ['unknown-character «§»'],
    '(def @f () {(+ 1:int32 2:int32)})',
  ],
  ['a keyword as a name', 'def @f(%let: int32) { 1 }', ['keyword-as-name «%let»'], '(def @f (%let:int32) {1:int32})'],
  ['a comment without end', 'def @f() { 1 }\n/* rest', ['unterminated-comment «/*»'], '(def @f () {1:int32})'],
  [
    'an argument behind an attribute',
    'def @f() { g(a=1, %x) }',
    ['positional-after-attribute «%x»'],
    '(def @f () {(call g %x a=1:int32)})',
  ],
  ['a forgotten first comma', 'def @f() { g(1 2) }', ['missing-comma «»'], '(def @f () {(call g 1:int32 2:int32)})'],
  ['a negation', 'def @f(%x) { -%x }', ['unary-minus «-»'], '(def @f (%x) {%x})'],
];

describe('broken programs', () => {
  for (const [what, text, errors, tree] of broken)
    it(`survives ${what}`, () => {
      const parsed = parseSource(header + text);
      assert.deepEqual(errorLines(parsed, header + text), errors);
      if (tree !== '') assert.equal(dumpTree(parsed), tree);
    });

  it('says what to do in every message', () => {
    for (const [, text] of broken)
      for (const error of parseSource(header + text).errors)
        assert.match(error.message, /\.$/, `${error.code}: ${error.message}`);
  });

  const deep: Readonly<Record<string, string>> = {
    parentheses: '('.repeat(3000) + '1' + ')'.repeat(3000),
    calls: 'f('.repeat(3000) + '1' + ')'.repeat(3000),
    blocks: '{'.repeat(3000) + '1' + '}'.repeat(3000),
    'lists of attributes': `f(a=${'['.repeat(3000)}${']'.repeat(3000)})`,
    'open parentheses': 'f('.repeat(3000),
  };
  for (const [what, text] of Object.entries(deep))
    it(`reports thousands of nested ${what} instead of overflowing`, () => {
      const codes = parseSource(text).errors.map((e) => e.code);
      assert.ok(codes.includes('nesting-too-deep'), codes.slice(0, 3).join());
    });

  it('reads long chains of calls, operators and else-ifs', () => {
    for (const text of [
      'f' + '(1)'.repeat(5000),
      '1' + ' + 1'.repeat(5000),
      'if (%c) { 1 } else '.repeat(2000) + '{ 2 }',
    ])
      assert.ok(parseSource(text).errors.every((e) => e.severity === 'information'));
  });
});
