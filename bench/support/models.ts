/** The large networks, and where one types in them. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Milliseconds of TVM's C++ parser and type inference on a machine of this kind; half of it is the goal. */
export const tvmMilliseconds: Readonly<Record<string, number>> = {
  resnet50: 92,
  resnet152: 262,
  inception_v3: 147,
  densenet121: 179,
  lstm_64: 183,
  lstm_512: 2080,
};

/** The text of a network of the shared models; undefined where they are absent. */
export function largeModel(root: string, name: string): string | undefined {
  const file = path.join(root, '../shared/models/large', `${name}.relay`);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** One key, and the one that takes it back. */
export interface Keystroke {
  readonly what: string;
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

/** `count` keystrokes spread over the text: digits in attributes (which change types), letters in names, spaces. */
export function keystrokes(text: string, count: number): Keystroke[] {
  const kinds: readonly (readonly [string, RegExp, number, string])[] = [
    ['an attribute digit', /(?:axis|units|indices_or_sections|newshape)=\[?(?=\d)/g, 0, '1'],
    ['a name', /%[A-Za-z_0-9]*(?=[,)])/g, 0, 'x'],
    ['a comma', /, /g, 1, ''],
    ['a space', / = /g, 0, ' '],
    ['an operator', /[a-z]\(/g, -1, 'q'],
  ];
  const found: Keystroke[] = [];
  for (let i = 0; i < count; i++) {
    const [what, pattern, shift, insert] = kinds[i % kinds.length] ?? ['', /,/g, 0, 'x'];
    pattern.lastIndex = Math.floor((text.length * (i + 0.5)) / count);
    const match = pattern.exec(text) ?? /;/.exec(text);
    if (!match) continue;
    const removes = insert === '';
    const at = removes ? match.index : match.index + match[0].length + shift;
    found.push({ what, at, remove: removes ? 1 : 0, insert });
  }
  return found;
}
