/** Texts that nobody writes on purpose, of any length, and what the editor does with them. */
import { check } from '../../compiler/src/check/check.ts';
import { format } from '../../compiler/src/format/format.ts';
import { reparse } from '../../compiler/src/syntax/incremental.ts';
import { parseSource } from '../../compiler/src/syntax/parser.ts';
import { nodeAt } from '../../compiler/src/syntax/walk.ts';

const header = '#[version = "0.0.5"]\n';
const repeated = (piece: string) => (length: number) => piece.repeat(Math.ceil(length / piece.length));
const inBody = (piece: string) => (length: number) =>
  `${header}def @main(%x: int32) {\n${repeated(piece)(length)}\n}\n`;
const nested = (open: string, middle: string, close: string) => (length: number) => {
  const count = Math.ceil(length / (open.length + close.length));
  return `${header}def @main(%x: int32) {\n  ${open.repeat(count)}${middle}${close.repeat(count)}\n}\n`;
};

/** By name, texts of about a given number of characters. */
export const hostileTexts: Readonly<Record<string, (length: number) => string>> = {
  ...Object.fromEntries(
    [
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '=',
      ':',
      ';',
      ',',
      '<',
      '|',
      '"',
      '/*',
      '*/',
      '//',
      '%',
      '@',
      '-',
      '.',
      '#',
      '?',
      'é',
    ].map((piece) => [piece, repeated(piece)]),
  ),
  ...Object.fromEntries(
    [
      '%x,',
      '%x ',
      '%x = ',
      '%0 = ',
      'let ',
      'if ',
      'match ',
      'fn ',
      'def ',
      'type ',
      'def @f(',
      '@f(',
      'f(\n',
      '{\n',
      '(;',
      ')(',
      '[(',
      '/*\n',
      '"\n',
      'Tensor[',
    ].map((piece) => [piece.replace('\n', '⏎'), repeated(piece)]),
  ),
  'body: (': inBody('('),
  'body: =': inBody('='),
  'body: %x,': inBody('%x,'),
  'body: let': inBody('let %x = 1\n'),
  'body: )⏎': inBody(')\n'),
  'body: }⏎': inBody('}\n'),
  'body: f(%x;⏎': inBody('f(%x;\n'),
  'body: %0 = f(%x);⏎': inBody('%0 = f(%x);\n'),
  'calls behind a binding without end': (length) =>
    `${header}def @main(%x: int32) {
  let %y = %x
${repeated('(%x)\n')(length)};
  let %z = (%y;
}
`,
  'nested calls': nested('abs(', '%x', ')'),
  'nested parentheses': nested('(', '%x', ')'),
  'nested tuples': nested('(', '%x', ',)'),
  'nested blocks': nested('{', '%x', '}'),
  'nested ifs': nested('if (True) {', '%x', '} else {%x}'),
  'nested functions': nested('fn () {', '%x', '}'),
  'nested lets': nested('(let %y = 1; ', '%x', ')'),
  'nested matches': nested('match (%x) { _ => ', '%x', '}'),
  'infix chain': (length) => `${header}def @main(%x: int32) {\n  %x${repeated(' + %x')(length)}\n}\n`,
  'call chain': (length) => `${header}def @main(%x: int32) {\n  %x${repeated('(%x)')(length)}\n}\n`,
  'else-if chain': (length) =>
    `${header}def @main(%x: int32) {\n  ${repeated('if (True) {%x} else ')(length)} {%x}\n}\n`,
  'nested types': (length) => `${header}def @main(%x: ${'('.repeat(length / 2)}int32${')'.repeat(length / 2)}) { 1 }\n`,
  'long shape': (length) =>
    `${header}def @main(%x: Tensor[(${repeated('9223372036854775807, ')(length)}1), int8]) {\n  add(%x, %x)\n}\n`,
  'long name': (length) => `${header}def @main(%${'x'.repeat(length)}: int32) { %y }\n`,
  'long string': (length) => `${header}def @main() { f(a="${'x'.repeat(length)}") }\n`,
  'long comment': (length) => `${header}/* ${'x '.repeat(length / 2)} */ def @main() { 1 }\n`,
};

export interface HostileTimes {
  readonly open: number;
  readonly keystroke: number;
  readonly format: number;
  readonly hover: number;
}

/** Milliseconds that each step takes. */
export function measureHostile(text: string): HostileTimes {
  const timed = <T>(run: () => T): [number, T] => {
    const began = performance.now();
    const value = run();
    return [performance.now() - began, value];
  };
  const [open, result] = timed(() => check(parseSource(text)));
  const middle = text.length >> 1;
  const next = `${text.slice(0, middle)} ${text.slice(middle)}`;
  const [keystroke] = timed(() => {
    const change = { start: middle, end: middle, newLength: 1 };
    return check(reparse(result.tree, text, next, [change]), { previous: result });
  });
  const [formatted] = timed(() => format(text));
  const [hover] = timed(() => {
    for (let i = 0; i < 20; i++) nodeAt(result.tree, Math.floor((text.length * i) / 20));
  });
  return { open, keystroke, format: formatted, hover };
}
