/** «Did you mean …?»: which operator was meant, and the fix that writes it. */
import type { Fix } from '../base/diagnostic.ts';
import { nearest } from '../base/nearest.ts';
import type { Span } from '../base/span.ts';

/** Operators are often written without their namespace: `conv2d` for `nn.conv2d`. */
export function nearestOperator(text: string, names: readonly string[]): string | undefined {
  const tail = text.slice(text.lastIndexOf('.') + 1);
  const sameTails = names.filter((name) => name.slice(name.lastIndexOf('.') + 1) === tail);
  const sameTail = sameTails.find((name) => name === tail || name === `nn.${tail}`) ?? sameTails[0];
  if (sameTail !== undefined && sameTail !== text) return sameTail;
  return nearest(text, names) ?? nearestTail(tail, names);
}

function nearestTail(tail: string, names: readonly string[]): string | undefined {
  const tails = new Map(names.map((name) => [name.slice(name.lastIndexOf('.') + 1), name]));
  const found = nearest(tail, tails.keys());
  return found === undefined ? undefined : tails.get(found);
}

/** A quick fix that replaces `span` by `text`. */
export function replaceFix(span: Span, text: string): Fix {
  return { title: `Replace by ${text}`, edits: [{ span, newText: text }], preferred: true };
}
