/** "What if" types: which parameters there are, which types to offer for one, and what the answer says in few words. */
import type { Footprint, WhatIfResult } from '../../../server/src/protocol.ts';
import { count, size } from './sizes.ts';

export interface Declared {
  readonly function: string;
  readonly parameter: string;
  readonly type: string;
  /** Line of the function's head. */
  readonly line: number;
}

/** Parameters with a tensor type, found in the text. */
export function declaredParameters(text: string): readonly Declared[] {
  const found: Declared[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  let [current, line] = ['', 0];
  lines.forEach((content, at) => {
    const head = /\bdef\s+@([\w.]+)/.exec(content);
    if (head?.[1] !== undefined) [current, line] = [head[1], at];
    if (current === '' || /^\s*(let\s|%[\w.]+\s*=)/.test(content)) return;
    // Behind the body's brace there are no parameters of the definition any more.
    const body = head ? content.replace(/\{[^}]*$/, '') : content;
    for (const match of body.matchAll(/%([A-Za-z_][\w.]*)\s*:\s*(Tensor\[\([^)]*\),\s*\w+\])/g))
      found.push({ function: current, parameter: match[1] ?? '', type: match[2] ?? '', line });
    if (/\{\s*$/.test(content)) current = '';
  });
  return found;
}

interface TensorText {
  readonly dims: readonly string[];
  readonly dtype: string;
}

/** `Tensor[(1, 3), float32]` in its parts. */
function partsOf(type: string): TensorText | undefined {
  const match = /^Tensor\[\(([^)]*)\),\s*(\w+)\]$/.exec(type.trim());
  if (!match) return undefined;
  return {
    dims: (match[1] ?? '')
      .split(',')
      .map((d) => d.trim())
      .filter((d) => d !== ''),
    dtype: match[2] ?? '',
  };
}

function tensor(dims: readonly string[], dtype: string): string {
  return `Tensor[(${dims.join(', ')}), ${dtype}]`;
}

/**
 * The type that was typed. Short forms take the rest from the declared type: `(4, 32)` its element type, `8` all but
 * the first size, `int8` its shape.
 */
export function typeFrom(typed: string, declared: string): string {
  const text = typed.trim();
  const parts = partsOf(declared);
  if (!parts) return text;
  if (/^\(.*\)$/.test(text)) return `Tensor[${text}, ${parts.dtype}]`;
  if (/^(\d+|\?)$/.test(text) && parts.dims.length > 0) return tensor([text, ...parts.dims.slice(1)], parts.dtype);
  if (/^(u?int|b?float)\d+$|^bool$/.test(text)) return tensor(parts.dims, text);
  return text;
}

/** Types to offer beside the declared one: other first sizes, and a fixed one for each that is open. */
export function suggestions(declared: string): readonly { readonly type: string; readonly why: string }[] {
  const parts = partsOf(declared);
  const [first] = parts?.dims ?? [];
  if (!parts || first === undefined) return [];
  const offered: { type: string; why: string }[] = [];
  const known = Number(first);
  const sizes =
    first === '?' ? [1, 2, 4, 8, 16] : Number.isInteger(known) ? [1, 2, 4, 8, 16].map((n) => n * known) : [];
  for (const n of sizes)
    if (String(n) !== first)
      offered.push({ type: tensor([String(n), ...parts.dims.slice(1)], parts.dtype), why: `first size ${n}` });
  if (parts.dims.length >= 3 && parts.dims.slice(-3).every((d) => Number(d) > 1)) {
    const half = parts.dims.map((d, i) => (i > 0 && Number(d) > 3 ? String(Math.ceil(Number(d) / 2)) : d));
    if (half.join() !== parts.dims.join()) offered.push({ type: tensor(half, parts.dtype), why: 'half of every size' });
  }
  return offered;
}

function change(before: number, after: number, text: (n: number) => string): string {
  if (before === after) return `${text(after)} (as before)`;
  return `${text(after)} (${after > before ? '+' : '−'}${text(Math.abs(after - before))})`;
}

/** The answer in one line: what became of work, RAM and constants; or why there are no figures. */
export function headline(result: WhatIfResult): string {
  if (result.failure) return result.failure.message;
  const { before, after, errors } = result;
  const [error] = errors;
  if (error) return `${errors.length} error${errors.length === 1 ? '' : 's'}, first in line ${error.line + 1}`;
  if (!before || !after) return 'not compiled';
  if (after.failure !== undefined) return `does not compile: ${after.failure}`;
  if (before.failure !== undefined) return figures(after);
  const figure = (name: string, pick: (f: Footprint) => number, text: (n: number) => string): string =>
    `${name} ${change(pick(before), pick(after), text)}`;
  return [
    figure('MACs', (f) => f.macs, count),
    figure('RAM', (f) => f.arenaBytes, size),
    figure('flash', (f) => f.constantBytes, size),
  ].join(' · ');
}

function figures({ macs, arenaBytes, constantBytes }: Footprint): string {
  return `MACs ${count(macs)} · RAM ${size(arenaBytes)} · flash ${size(constantBytes)}`;
}

/** `(4, 32) float32` of `Tensor[(4, 32), float32]`; other types as they are. */
export function brief(type: string): string {
  const parts = partsOf(type);
  return parts ? `(${parts.dims.join(', ')}) ${parts.dtype}` : type;
}
