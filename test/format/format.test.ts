import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { format } from '../../compiler/src/format/format.ts';

const header = '#[version = "0.0.5"]\n';

function formatted(text: string, range?: { start: number; end: number }): string {
  const result = format(text, range ? { range } : {});
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value.text;
}

/** What a user would notice → text before, text after. The version header is put in front of both. */
const rows: readonly (readonly [string, string, string])[] = [
  [
    'puts blanks where one reads them',
    'def @f(%x:int32,%y :  int32)->int32{%x*%y+1}',
    'def @f(%x: int32, %y: int32) -> int32 {\n  %x * %y + 1\n}\n',
  ],
  [
    'puts each binding on a line of its own and keeps one empty line between paragraphs',
    'def @f() {\n\n let %a=1;let %b=2;\n\n\n\n%0=add(%a,%b);\n%0\n\n}',
    'def @f() {\n  let %a = 1;\n  let %b = 2;\n\n  %0 = add(%a, %b);\n  %0\n}\n',
  ],
  [
    'parts definitions by an empty line',
    'type Two { A(int32), B }\nextern type T\nextern type U\ndef @f() { 1 }\ndef @g() { 2 }',
    'type Two {\n  A(int32),\n  B\n}\n\nextern type T\nextern type U\n\ndef @f() {\n  1\n}\n\ndef @g() {\n  2\n}\n',
  ],
  [
    'keeps comments where they were',
    '// top\ndef @f(%x: int32 /* in */) { // body\n// first\nlet %a = 1; // one\n  /* two */ let %b = /* v */ 2;\n' +
      'add(%a, /* c */ %b) // value\n// last\n} // end\n\n// behind\n',
    '// top\ndef @f(%x: int32 /* in */) { // body\n  // first\n  let %a = 1; // one\n  /* two */ let %b = /* v */ 2;\n' +
      '  add(%a, /* c */ %b) // value\n  // last\n} // end\n\n// behind\n',
  ],
  [
    'gives long parameter lists a line each',
    `def @f(${['a', 'b', 'c'].map((x) => `%${x}: Tensor[(1, 3, 224, 224), float32]`).join(',')}) -> int32 { 1 }`,
    `def @f(\n${['a', 'b', 'c'].map((x) => `  %${x}: Tensor[(1, 3, 224, 224), float32]`).join(',\n')}\n) -> int32 {\n  1\n}\n`,
  ],
  [
    'breaks long calls by arguments and keeps attributes together',
    'def @f() { %0 = nn.conv2d(%x,%w,strides=[2,2],padding=[3,3,3,3],channels=64,kernel_size=[7,7],data_layout="NHWC"' +
      ',out_dtype="int32"); nn.relu(%0) }',
    'def @f() {\n  %0 = nn.conv2d(\n    %x, %w,\n    strides=[2, 2], padding=[3, 3, 3, 3], channels=64, kernel_size=[7, 7], data_layout="NHWC",' +
      '\n    out_dtype="int32"\n  );\n  nn.relu(%0)\n}\n',
  ],
  [
    'does not break a binding because of the type comment behind it',
    `def @f() { %0 = add(%x, %y) /* ty=Tensor[(${'1, '.repeat(40)}1), float32] */; %0 }`,
    `def @f() {\n  %0 = add(%x, %y) /* ty=Tensor[(${'1, '.repeat(40)}1), float32] */;\n  %0\n}\n`,
  ],
  [
    'breaks long sums before their operators',
    `def @f() { let %s = ${'%a_rather_long_name * 2 + '.repeat(5)}%b; %s }`,
    `def @f() {\n  let %s = %a_rather_long_name * 2\n${'    + %a_rather_long_name * 2\n'.repeat(4)}    + %b;\n  %s\n}\n`,
  ],
  [
    'keeps short branches on one line and opens written-out ones',
    'def @f(%c: bool) { let %a=if(%c){1}else{2}; if (%a) {\n 1 } else { 2 } }',
    'def @f(%c: bool) {\n  let %a = if (%c) { 1 } else { 2 };\n  if (%a) {\n    1\n  } else {\n    2\n  }\n}\n',
  ],
  [
    'gives each arm of a match a line',
    'def @f(%l: List[int32]) { match?(%l){Cons(%h,_)=>{let %a=%h; %a},Nil=>0} }',
    'def @f(%l: List[int32]) {\n  match? (%l) {\n    Cons(%h, _) => {\n      let %a = %h;\n      %a\n    },\n    Nil => 0\n  }\n}\n',
  ],
  [
    'lets brackets hug what is in them',
    `def @f() { f((${'%some_name, '.repeat(9)}%b)) }`,
    `def @f() {\n  f((\n    ${'%some_name, '.repeat(7)}%some_name,\n    %some_name, %b\n  ))\n}\n`,
  ],
  [
    'leaves what has errors as it is and formats the rest',
    'def @f() {\n  let %a=1;\n    let %b=(1,,2;\n  let %c=2;\n  %a\n}\ndef @g( {  1 }\ndef @h(){1}',
    'def @f() {\n  let %a = 1;\n    let %b=(1,,2;\n  let %c = 2;\n  %a\n}\ndef @g( {  1 }\n\ndef @h() {\n  1\n}\n',
  ],
  [
    'leaves the metadata section alone',
    'def @f() { 1 }\n#[metadata]\n{ "a":\n   1 }  ',
    'def @f() {\n  1\n}\n\n#[metadata]\n{ "a":\n   1 }  ',
  ],
  ['does not join tokens', 'def @f() { (1 .0, %x .0, %a - -1, %a -1) }', ''],
];

describe('the formatter', () => {
  for (const [name, before, after] of rows)
    it(name, () => {
      const once = formatted(header + before);
      if (after !== '') assert.equal(once, header + after);
      assert.equal(formatted(once), once);
    });

  it('formats expressions without a module, and empty files', () => {
    assert.equal(formatted('let %x=1;\n%x+ %x'), 'let %x = 1;\n%x + %x\n');
    assert.equal(formatted(''), '');
    assert.equal(formatted('\n\n'), '');
    assert.equal(formatted('  // only a comment'), '// only a comment\n');
  });

  it('keeps line ends of the file', () => {
    const text = '#[version = "0.0.5"]\r\ndef @f() { // c\r\nlet %a=1; // one \r\n%a }\r\n';
    assert.equal(formatted(text), '#[version = "0.0.5"]\r\ndef @f() { // c\r\n  let %a = 1; // one\r\n  %a\r\n}\r\n');
  });

  it('formats only the bindings of a range', () => {
    const text = `${header}def @f() {\nlet %a=1;\nlet %b=2;\n%a\n}`;
    const at = text.indexOf('%b');
    assert.equal(formatted(text, { start: at, end: at }), `${header}def @f() {\nlet %a=1;\n  let %b = 2;\n%a\n}`);
  });

  it('gives edits that change white space only', () => {
    const text = `${header}def @f() { let %a=1; // c\n%a }`;
    const result = format(text);
    assert.ok(result.ok);
    for (const edit of result.value.edits) assert.match(text.slice(edit.start, edit.end) + edit.newText, /^\s*$/);
  });
});
