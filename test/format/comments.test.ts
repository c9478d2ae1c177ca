import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { format } from '../../compiler/src/format/format.ts';
import { tokenize } from '../../compiler/src/syntax/tokens.ts';

const header = '#[version = "0.0.5"]\n';
const example = (name: string): string =>
  readFileSync(new URL(`../../examples/${name}/${name}.relay`, import.meta.url), 'utf8');

/** Programs with every construct that the formatter lays out its own way. */
const programs: readonly (readonly [string, string])[] = [
  ['the control flow example', example('control_flow')],
  [
    'the keyword spotting example',
    example('keyword_spotting')
      .slice(0, 1200)
      .replace(/[^;]*$/, '  %0\n}\n'),
  ],
  [
    'types, patterns and closures',
    `${header}import "a.relay"
extern type File
type List[A] { Cons(A, List[A]), Nil }
def @f[A](%xs: List[A], %g: fn (A) -> bool, attr=1) -> List[(A, int32)] {
  let %h = fn (%x: A) -> bool { if (%g(%x)) { True } else { False } };
  match? (%xs) {
    Cons(%a, _) => Cons((%a, 1), Nil),
    _ => { ref_write(ref(1f), 2f); Nil }
  }
}`,
  ],
  [
    'calls with attributes and nested lists',
    `${header}def @main(%x: Tensor[(1, 3, 224, 224), float32], %w: Tensor[(?, 3, 3, 3), float32]) {
  %0 = nn.conv2d(%x, %w, strides=[2, 2], padding=[1, 1, 1, 1], kernel_size=[3, 3]) /* ty=_ */;
  %1 = nn.pad(%0, 0f, pad_width=[[0, 0], [0, 0], [1, 1], [1, 1]]).0;
  (-%1 + %0 * meta[relay.Constant][0], %1 == %0,)
}`,
  ],
];

/** Places between two tokens, and before the first and behind the last. */
function boundaries(text: string): readonly number[] {
  const { tokens } = tokenize(text);
  return [...new Set([0, ...tokens.flatMap(({ start, end }) => [start, end]), text.length])];
}

const commentsOf = (text: string): readonly string[] => tokenize(text).comments.map((c) => c.text.trimEnd());
const tokensOf = (text: string): string =>
  tokenize(text)
    .tokens.map((token) => token.text)
    .join(' ');

describe('a comment anywhere between two tokens', () => {
  for (const [name, program] of programs)
    for (const [kind, comment] of [
      ['line', ' // note\n'],
      ['block', ' /* note */ '],
      ['block over two lines', '\n/* no\n te */\n'],
    ] as const)
      it(`stays where it is: a ${kind} comment in ${name}`, () => {
        for (const at of boundaries(program)) {
          const text = program.slice(0, at) + comment + program.slice(at);
          const once = format(text);
          assert.ok(once.ok, text);
          assert.deepEqual(commentsOf(once.value.text), commentsOf(text), once.value.text);
          assert.equal(tokensOf(once.value.text), tokensOf(text));
          const twice = format(once.value.text);
          assert.ok(twice.ok);
          assert.equal(twice.value.text, once.value.text);
        }
      });
});
