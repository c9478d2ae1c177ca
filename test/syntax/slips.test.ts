import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import { check } from '../../compiler/src/check/check.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';

const header = '#[version = "0.0.5"]\n';

/**
 * Slips of beginners: the program with the marked place between ⟦ and ⟧, the code, a part of the message, a part of the
 * remedy, and the program that the offered repair gives, where there is one.
 */
const slips: readonly (readonly [string, string, string, string, string?])[] = [
  [
    'def @main(%x: int32) {\n  ⟦%y⟧ = abs(%x);\n  %y\n}',
    'missing-let',
    'Expected “let” before “%y”.',
    'Insert “let”.',
    'def @main(%x: int32) {\n  let %y = abs(%x);\n  %y\n}',
  ],
  ['def @main(%x: int32) { %x *⟦*⟧ 2 }', 'expected-expression', 'after “*”', 'Write power(…, …)'],
  ['def @main(%x: int32) { ⟦-⟧%x }', 'unary-minus', 'found “-”', 'write negative(…)'],
  ['def @main(%x: int32) { let %f = ⟦\\⟧ %x; %f }', 'unknown-character', 'no meaning', 'Write fn (%x) { … }'],
  [
    '⟦fn main⟧(%x: int32) { %x }',
    'expected-definition',
    'Expected “def @main”, found “fn main”.',
    'Functions start with def @name(…).',
    'def @main(%x: int32) { %x }',
  ],
  [
    'def ⟦main⟧(%x: int32) { %x }',
    'expected-name',
    'Expected the name of the function, such as @main, found “main”.',
    'Names of functions start with @.',
    'def @main(%x: int32) { %x }',
  ],
  [
    '⟦fn⟧ @main(%x: int32) { %x }',
    'expected-definition',
    'Expected “def”, found “fn”.',
    'Functions start with def @name(…).',
    'def @main(%x: int32) { %x }',
  ],
  [
    '⟦@main⟧(%x: int32) { %x }',
    'expected-definition',
    'Expected “def”, found “@main”.',
    'Functions start with def @name(…).',
    'def @main(%x: int32) { %x }',
  ],
  [
    '⟦function⟧ @main(%x: int32) { %x }',
    'expected-definition',
    'Expected “def”, found “function”.',
    'Functions start with def @name(…).',
    'def @main(%x: int32) { %x }',
  ],
  [
    'def @main(⟦x⟧: int32) { %x }',
    'expected-variable',
    'Expected a parameter such as %x, found “x”.',
    'Names of variables start with %: write %x.',
    'def @main(%x: int32) { %x }',
  ],
  [
    'def @main(%x: int32) { let ⟦y⟧ = %x; %y }',
    'expected-variable',
    'Expected a variable such as %x, found “y”.',
    'Names of variables start with %: write %y.',
    'def @main(%x: int32) { let %y = %x; %y }',
  ],
  [
    'def @main(%x: int32) { let %y ⟦%x⟧; %y }',
    'missing-assign',
    'Expected “=” and a value, found “%x”.',
    'Insert “=” before the value.',
    'def @main(%x: int32) { let %y = %x; %y }',
  ],
  [
    'def @main(%x: int32) { let %y ⟦==⟧ %x; %y }',
    'missing-assign',
    'Expected “=” and a value, found “==”.',
    'Write “=” instead of “==”.',
    'def @main(%x: int32) { let %y = %x; %y }',
  ],
  [
    'def @main(%x: int32) { let %y ⟦:=⟧ %x; %y }',
    'missing-assign',
    'Expected “=” and a value, found “:=”.',
    'Write “=” instead of “:=”.',
    'def @main(%x: int32) { let %y = %x; %y }',
  ],
  [
    'def @main(%x: int32) { ⟦let⟧ %0 = %x; %0 }',
    'unexpected-token',
    'Graph numbers such as “%0” are bound without “let”.',
    'Remove “let”, or give it a name.',
    'def @main(%x: int32) { %0 = %x; %0 }',
  ],
  [
    'def @main(%x: int32) { %0 ⟦abs⟧(%x); %0 }',
    'missing-assign',
    'Expected “=” and a value, found “abs”.',
    'Insert “=” before the value.',
    'def @main(%x: int32) { %0 = abs(%x); %0 }',
  ],
  [
    'def @main(%x: int32) ⟦=>⟧ int32 { %x }',
    'expected-body',
    'Expected “->” before the result type, found “=>”.',
    'Write -> and the type, then the body in braces.',
    'def @main(%x: int32) -> int32 { %x }',
  ],
  [
    'def @main(%x: int32)⟦:⟧ int32 { %x }',
    'expected-body',
    'Expected “->” before the result type, found “:”.',
    'Write -> and the type, then the body in braces.',
    'def @main(%x: int32) -> int32 { %x }',
  ],
  [
    'def @main(%x: int32) ⟦int32⟧ { %x }',
    'expected-body',
    'Expected “->” before the result type, found “int32”.',
    'Write -> and the type, then the body in braces.',
    'def @main(%x: int32) -> int32 { %x }',
  ],
  [
    'def @main(%x ⟦int32⟧) { %x }',
    'missing-colon',
    'Expected “:” before the type, found “int32”.',
    'Insert “:”.',
    'def @main(%x: int32) { %x }',
  ],
  [
    'def @main(%x: int32) -> ⟦{⟧ %x }',
    'expected-type',
    'Expected a type, found “{”.',
    'Write for example Tensor[(1, 3), float32] or int32.',
  ],
  [
    'def @main(%x: int32) { match (%x) { _ ⟦->⟧ 1 } }',
    'expected-arm-body',
    'Expected “=>” and the value of the arm, found “->”.',
    'Write pattern => value.',
    'def @main(%x: int32) { match (%x) { _ => 1 } }',
  ],
  [
    'def @main(%x: int32) { match (%x) { _ ⟦=⟧ 1 } }',
    'expected-arm-body',
    'Expected “=>” and the value of the arm, found “=”.',
    'Write pattern => value.',
    'def @main(%x: int32) { match (%x) { _ => 1 } }',
  ],
  [
    'def @main(%x: int32) { match (%x) { _ ⟦1⟧ } }',
    'expected-arm-body',
    'Expected “=>” and the value of the arm, found “1”.',
    'Write pattern => value.',
    'def @main(%x: int32) { match (%x) { _ => 1 } }',
  ],
  [
    'def @main(%x: int32) { match (%x) { _ => ⟦}⟧ }',
    'expected-expression',
    'Expected an expression, found “}”.',
    'Write a variable, a literal, a call or a block.',
  ],
  [
    'def @main(%x: int32) { if (%x ⟦=⟧ 1) { 1 } else { 2 } }',
    'unexpected-token',
    'Expected “)” or an operator, found “=”.',
    'Compare with “==”.',
    'def @main(%x: int32) { if (%x == 1) { 1 } else { 2 } }',
  ],
  [
    'def @main(%x: int32) { if ⟦%x⟧ == 1 { 1 } else { 2 } }',
    'expected-condition',
    'Expected “(” and a condition, found “%x”.',
    'Write if (condition) { … } else { … }.',
  ],
  [
    'def @main(%x: int32) { if (%x == 1) ⟦1⟧ else 2 }',
    'expected-body',
    'Expected the branch in braces, found “1”.',
    'Write { … } after the condition.',
  ],
  [
    'def @main(%x: int32) { if (%x == 1) { 1 }⟦⟧ }',
    'missing-else',
    'Expected “else” and the other branch, found the end.',
    'Add else { … }: an if always has a value.',
  ],
  [
    'def @main(%x: int32) { if (%x == 1) { 1 } else ⟦2⟧ }',
    'expected-body',
    'Expected the other branch in braces, found “2”.',
    'Write else { … }.',
  ],
  [
    'def @main(%x: int32) { add(%x,⟦,⟧ %x) }',
    'unexpected-comma',
    'Expected an argument before the comma.',
    'Remove the comma.',
    'def @main(%x: int32) { add(%x, %x) }',
  ],
  [
    'def @main(%x: int32) { add(%x⟦⟧ %x) }',
    'missing-comma',
    'Expected “,” before the next argument.',
    'Insert a comma.',
    'def @main(%x: int32) { add(%x, %x) }',
  ],
  [
    'def @main(%x: int32) { add(⟦,⟧ %x, %x) }',
    'unexpected-comma',
    'Expected an argument before the comma.',
    'Remove the comma.',
    'def @main(%x: int32) { add( %x, %x) }',
  ],
  [
    'def @main(%x: ⟦f32⟧) { %x }',
    'unknown-type',
    'There is no type `f32`.',
    'Write `float32`.',
    'def @main(%x: float32) { %x }',
  ],
  [
    'def @main(%x: Tensor[⟦4⟧, float32]) { %x }',
    'expected-shape',
    'Expected a shape in parentheses, found “4”.',
    'Write (4).',
    'def @main(%x: Tensor[(4), float32]) { %x }',
  ],
  [
    'def @main(%x: Tensor[(4), float32⟦⟧) { %x }',
    'unclosed-bracket',
    'Expected “]” to close the “[”.',
    'Insert “]”.',
    'def @main(%x: Tensor[(4), float32]) { %x }',
  ],
  [
    'def @main(%x: Tensor[(4) ⟦float32⟧]) { %x }',
    'expected-dtype',
    'Expected “,” and an element type, found “float32”.',
    'Write Tensor[(2, 3), float32].',
  ],
  [
    'def @main(%x: Tensor[(4)⟦]⟧) { %x }',
    'expected-dtype',
    'Expected “,” and an element type, found “]”.',
    'Write Tensor[(2, 3), float32].',
  ],
  [
    'def @main(%x: ⟦Tensor(4, float32)⟧) { %x }',
    'expected-shape',
    'Expected a type such as Tensor[(2, 3), float32], found “Tensor(4, float32)”.',
    'Write Tensor[(4), float32].',
    'def @main(%x: Tensor[(4), float32]) { %x }',
  ],
  [
    'def @main(%x: Tensor[⟦[4]⟧, float32]) { %x }',
    'expected-shape',
    'Expected a shape in parentheses, found “[4]”.',
    'Write (4).',
    'def @main(%x: Tensor[(4), float32]) { %x }',
  ],
  [
    'def @main(%x: Tensor[(4), ⟦"float32"⟧]) { %x }',
    'expected-dtype',
    'Expected an element type, found “"float32"”.',
    'Write float32 without quotes.',
    'def @main(%x: Tensor[(4), float32]) { %x }',
  ],
  [
    'def @main(%x: ⟦Tensor<4, float32>⟧) { %x }',
    'expected-shape',
    'Expected a type such as Tensor[(2, 3), float32], found “Tensor<4, float32>”.',
    'Write Tensor[(4), float32].',
    'def @main(%x: Tensor[(4), float32]) { %x }',
  ],
  [
    'def @main(%x: Tensor[(4), float32]) { sum(%x, axis⟦:⟧[0]) }',
    'unexpected-token',
    'Expected “=” and the value of the attribute, found “:”.',
    'Write axis=….',
    'def @main(%x: Tensor[(4), float32]) { sum(%x, axis=[0]) }',
  ],
  [
    'def @main(%x: Tensor[(4), float32]) { sum(%x, axis⟦==⟧[0]) }',
    'unexpected-token',
    'Expected “=” and the value of the attribute, found “==”.',
    'Write axis=….',
    'def @main(%x: Tensor[(4), float32]) { sum(%x, axis=[0]) }',
  ],
  [
    'def @main(%x: Tensor[(4), float32]) { sum(%x, axis=⟦)⟧ }',
    'expected-attribute-value',
    'Expected an attribute value, found “)”.',
    'Write a number, a string, a list or None.',
  ],
  [
    'def @main(%x: Tensor[(4), float32]) { sum(axis=[0], ⟦%x⟧) }',
    'positional-after-attribute',
    'An argument stands behind an attribute.',
    'Move all arguments before the first attribute.',
  ],
  [
    'def @main() { ⟦true⟧ }',
    'unknown-operator',
    'There is no operator or constructor `true`.',
    'Write `True`.',
    'def @main() { True }',
  ],
  [
    'def @main(%x: int32)⟦⟧\n  abs(%x)\n}',
    'expected-body',
    'Expected the body of the function in braces, found “abs”.',
    'Write { … } after the signature.',
    'def @main(%x: int32) {\n  abs(%x)\n}',
  ],
  [
    'def @main(%x: int32) {\n  ⟦return⟧ %x\n}',
    'return-word',
    'There is no “return” in Relay.',
    'Write the value last, without a word before it and without a semicolon behind it.',
    'def @main(%x: int32) {\n  %x\n}',
  ],
  [
    'def @main(%x: int32) {\n  let %y = abs(%x) ⟦in⟧\n  %y\n}',
    'missing-semicolon',
    'Expected “;” after the binding, found “in”.',
    'Write “;” instead of “in”.',
    'def @main(%x: int32) {\n  let %y = abs(%x) ;\n  %y\n}',
  ],
  [
    'def @main(%x: int32) {\n  let %y = abs(%x)⟦⟧\n  %y\n}',
    'missing-semicolon',
    'Expected “;” before the next statement, found “%y”.',
    'Insert a semicolon.',
    'def @main(%x: int32) {\n  let %y = abs(%x);\n  %y\n}',
  ],
  [
    'def @main(%x: int32) {\n  %0 = abs(%x)⟦⟧\n  (%0, %x)\n}',
    'missing-semicolon',
    'Expected “;” before the next statement, found “(”.',
    'Insert a semicolon.',
    'def @main(%x: int32) {\n  %0 = abs(%x);\n  (%0, %x)\n}',
  ],
  [
    'def @main(%x: int32) {\n  abs(%x);\n⟦⟧}',
    'missing-result',
    'Expected an expression at the end of the block: its value.',
    'Write the value last, without a semicolon behind it.',
  ],
  [
    'def @main(%x: int32) {\n  let %y = abs(%x);\n⟦⟧}',
    'missing-result',
    'Expected an expression at the end of the block: its value.',
    'Write the value last, without a semicolon behind it.',
  ],
  [
    'def @main(%x: int32) {\n  %x⟦⟧\n',
    'unclosed-bracket',
    'Expected “}” to close the “{”.',
    'Insert “}”.',
    'def @main(%x: int32) {\n  %x}\n',
  ],
  [
    'def @main(%x: int32) {\n  abs(%x⟦⟧\n}',
    'unclosed-bracket',
    'Expected “)” to close the “(”.',
    'Insert “)”.',
    'def @main(%x: int32) {\n  abs(%x)\n}',
  ],
  [
    'def @main(%x: int32) {\n  abs ⟦%x⟧\n}',
    'unexpected-token',
    'Expected “;”, an operator or the end of the block, found “%x”.',
    'Insert “;” between two statements, “,” between two arguments, or an operator such as “+”.',
  ],
  [
    'def @main(%x: int32) {\n  abs(%x)⟦)⟧\n}',
    'unmatched-bracket',
    'Nothing is open that “)” could close.',
    'Remove “)”, or add its opening partner.',
    'def @main(%x: int32) {\n  abs(%x)\n}',
  ],
  [
    'def @main(%x: int32) { ⟦/*⟧ note\n  %x\n}',
    'unterminated-comment',
    'The comment never ends.',
    'Close it with */; comments nest, so every /* inside needs its own.',
    'def @main(%x: int32) { /* note */\n  %x\n}',
  ],
  [
    'def @main(%x: int32) {\n  cast(%x, dtype=⟦"int8⟧)\n}',
    'unterminated-string',
    'The string has no closing quotation mark.',
    'Add “"” at its end.',
    'def @main(%x: int32) {\n  cast(%x, dtype="int8")\n}',
  ],
  [
    'def @main(%x: int32) {\n  cast(%x, dtype=⟦“int8”⟧)\n}',
    'string-quotes',
    'Strings stand in straight double quotes.',
    'Write "int8".',
    'def @main(%x: int32) {\n  cast(%x, dtype="int8")\n}',
  ],
  [
    "def @main(%x: int32) {\n  cast(%x, dtype=⟦'int8'⟧)\n}",
    'string-quotes',
    'Strings stand in straight double quotes.',
    'Write "int8".',
    'def @main(%x: int32) {\n  cast(%x, dtype="int8")\n}',
  ],
  [
    'def @main(%x: int32) { ⟦#⟧ note\n  %x\n}',
    'unknown-character',
    'Comments start with //, not with “#”.',
    'Write // instead.',
    'def @main(%x: int32) { // note\n  %x\n}',
  ],
  [
    'def @main(%x: int32) { ⟦-⟧%x }',
    'unary-minus',
    'Expected an expression, found “-”.',
    'There is no unary minus; write negative(…) or 0 - ….',
  ],
  [
    'def @main(%x: int32) { %x +⟦⟧ }',
    'expected-expression',
    'Expected an operand after “+”, found the end.',
    'Write the right side, or remove “+”.',
  ],
  [
    'def @main(%x: int32) { %x * ⟦/⟧ %x }',
    'expected-expression',
    'Expected an operand after “*”, found “/”.',
    'Write the right side, or remove “*”.',
  ],
  [
    'def @main(%x: int32) { %x ⟦&&⟧ %x }',
    'unknown-character',
    '“&&” has no meaning in Relay text.',
    'Write logical_and(…, …).',
  ],
  ['def @main(%x: int32) { ⟦!⟧%x }', 'unknown-character', '“!” has no meaning in Relay text.', 'Write logical_not(…).'],
  [
    'def @main(%x: int32) { ⟦1.5⟧ }',
    'float-needs-suffix',
    'The float literal “1.5” has no suffix.',
    'Write 1.5f for float32, 1.5f16 or 1.5f64 for another width.',
    'def @main(%x: int32) { 1.5f }',
  ],
  [
    'def @main(%x: int32) { ⟦1e3⟧ }',
    'float-needs-suffix',
    'The float literal “1e3” has no suffix.',
    'Write 1e3f for float32, 1e3f16 or 1e3f64 for another width.',
    'def @main(%x: int32) { 1e3f }',
  ],
  [
    'def @main(%x: int32) { ⟦3u8⟧ }',
    'malformed-number',
    '“3u8” is no literal: there are no unsigned ones.',
    'Write cast(3, dtype="uint8").',
  ],
  [
    'def @main(%x: int32) { ⟦1_000⟧ }',
    'malformed-number',
    '“1_000” is no number.',
    'Write 1000.',
    'def @main(%x: int32) { 1000 }',
  ],
  [
    'def @main(%x: int32) { ⟦0x10⟧ }',
    'malformed-number',
    '“0x10” is no number.',
    'Write 16.',
    'def @main(%x: int32) { 16 }',
  ],
  [
    'def @main(%x: (int32, int32)) { %x⟦[0]⟧ }',
    'unexpected-token',
    'There are no subscripts in square brackets.',
    'A field of a tuple is %p.0, an element of a tensor take(%x, 0, axis=0)',
  ],
  [
    'def @main(⟦%if⟧: int32) { %if }',
    'keyword-as-name',
    '“%if” is no name, because “if” is a keyword.',
    'Choose another name, for example %if_.',
  ],
  [
    'type Option { Some(int32)⟦;⟧ None }',
    'unexpected-token',
    'Expected “,” or “}”, found “;”.',
    'Remove “;”, or close the list with “}” before it.',
  ],
  [
    'type option[A] { Some⟦⟧ A, Nothing }',
    'missing-comma',
    'Expected “,” before the next constructor.',
    'Insert a comma.',
    'type option[A] { Some, A, Nothing }',
  ],
  ['⟦extern type T { A }⟧', 'extern-with-constructors', 'An extern type has no constructors.', 'Remove the braces.'],
  [
    'def @main(%x: int32) { %x } ⟦1⟧',
    'unexpected-token',
    'Expected the next definition, found “1”.',
    'Start definitions with def or type, or move this into a function.',
  ],
  [
    'def @main(%x: int32) { %x }⟦;⟧',
    'unexpected-token',
    'Expected the next definition, found “;”.',
    'Start definitions with def or type, or move this into a function.',
  ],
  [
    'def @main(%x: int32, Primitive=⟦)⟧ { %x }',
    'expected-attribute-value',
    'Expected an attribute value, found “)”.',
    'Write a number, a string, a list or None.',
  ],
  [
    'def @main(%x: int32⟦⟧ %y: int32) { %x }',
    'missing-comma',
    'Expected “,” before the next parameter.',
    'Insert a comma.',
    'def @main(%x: int32, %y: int32) { %x }',
  ],
  [
    'def @main(%x: int32) {\n  ⟦return⟧ %x;\n}',
    'return-word',
    'There is no “return” in Relay.',
    'Write the value last',
    'def @main(%x: int32) {\n  %x\n}',
  ],
  [
    'def @main(%x: Tensor[(2, 3), float32]) { sum(%x, axis=⟦0, 1⟧, keepdims=True) }',
    'attribute-list-brackets',
    'A list of attribute values stands in square brackets.',
    'Write axis=[0, 1].',
    'def @main(%x: Tensor[(2, 3), float32]) { sum(%x, axis=[0, 1], keepdims=True) }',
  ],
  [
    'def @main(%x: Tensor[(2, 3, 4), float32]) { transpose(%x, axes=⟦2, 0, 1⟧) }',
    'attribute-list-brackets',
    'A list of attribute values stands in square brackets.',
    'Write axes=[2, 0, 1].',
    'def @main(%x: Tensor[(2, 3, 4), float32]) { transpose(%x, axes=[2, 0, 1]) }',
  ],
  [
    'def @main(%x: int32) { add(⟦% x⟧, %x) }',
    'unknown-character',
    'Expected a variable such as %x, found “% x”.',
    'Write %x.',
    'def @main(%x: int32) { add(%x, %x) }',
  ],
  [
    'def @main(%x: int32) { ⟦$x⟧ }',
    'unknown-character',
    'Expected a variable such as %x, found “$x”.',
    'Write %x.',
    'def @main(%x: int32) { %x }',
  ],
  [
    'def @main(⟦$x⟧: int32) { %x }',
    'unknown-character',
    'Expected a variable such as %x, found “$x”.',
    'Write %x.',
    'def @main(%x: int32) { %x }',
  ],
  [
    'type T ⟦=⟧ A | B(int32)\ndef @main(%x: T) { %x }',
    'unexpected-token',
    'Expected “{” and the constructors of the type, found “=”.',
    'type T { A, B(int32) }',
    'type T { A, B(int32) }\ndef @main(%x: T) { %x }',
  ],
  [
    'type L[A] ⟦=⟧ Nil | Cons(A, L[A])\ndef @main(%x: L[int32]) { %x }',
    'unexpected-token',
    'Expected “{” and the constructors of the type, found “=”.',
    'type T { A, B(int32) }',
    'type L[A] { Nil, Cons(A, L[A]) }\ndef @main(%x: L[int32]) { %x }',
  ],
  [
    'def @main(%x: Tensor[(⟦-1⟧), float32]) { %x }',
    'negative-size',
    'The size -1 is negative',
    'or `?` where it is unknown.',
    'def @main(%x: Tensor[(?), float32]) { %x }',
  ],
  [
    'def @main ⟦{⟧ 1 }',
    'expected-parameters',
    'Expected “(” and parameters, found “{”.',
    'Write (…) with the parameters, or () for none.',
  ],
];

describe('a slip', () => {
  for (const [marked, code, message, remedy, repaired] of slips)
    it(`is told once, with its place and what to do: ${marked.replaceAll('\n', '⏎')}`, () => {
      const text = header + marked.replace(/[⟦⟧]/g, '');
      const tree = parseSource(text);
      const findings = [...tree.errors, ...check(tree).diagnostics].filter((x) => x.severity !== 'hint');
      assert.deepEqual(
        findings.map((x) => x.code),
        [code],
      );
      const [found] = findings;
      assert.ok(found);
      const { start, end } = resolveSpan(tree.anchors, found.span);
      const shown = `${text.slice(0, start)}⟦${text.slice(start, end)}⟧${text.slice(end)}`;
      assert.equal(shown.slice(header.length), marked);
      assert.ok(found.message.includes(message), found.message);
      assert.ok(found.remedy?.includes(remedy), found.remedy);
      const fix = found.fixes?.[0];
      let next: string | undefined;
      if (fix) {
        const edits = fix.edits.map(({ span, newText }) => ({ ...resolveSpan(tree.anchors, span), newText }));
        edits.sort((a, b) => b.start - a.start);
        next = text;
        for (const edit of edits) next = next.slice(0, edit.start) + edit.newText + next.slice(edit.end);
      }
      assert.equal(next?.slice(header.length), repaired);
      if (next !== undefined) assert.deepEqual(parseSource(next).errors, []);
    });
});
