/** Tensor types as other languages and libraries write them: `float32[2, 3]`, `tensor<2x3xf32>`, `Tensor((2, 3), "int8")`. */
import type { IToken } from 'chevrotain';
import { dtypeNamed } from '../tensor/dtype.ts';
import * as t from './vocabulary.ts';

/** Words that stand for the type of tensors, alone or behind the name of a library. */
const tensorWord = /^(?:\w+\.)*(?:[Tt]ensor(?:Type)?|[Nn][Dd][Aa]rray|memref)$/;

/** Whether a word stands for the type of tensors in another language. */
export function isTensorWord(word: string): boolean {
  return tensorWord.test(word);
}

/** Whether a type of tensors starts with `word` before a bracket. */
export function startsTensor(word: string, bracket: IToken): boolean {
  const { tokenType } = bracket;
  if (tokenType === t.LSquare) return isTensorWord(word) || dtypeNamed(word) !== undefined;
  return (tokenType === t.LParen || tokenType === t.Less) && isTensorWord(word);
}

/** Whether what stands behind `Tensor[` is in a form of another language. */
export function isForeignShape(first: IToken): boolean {
  if (first.tokenType === t.NumberLiteral) return /^\d+x/.test(first.image);
  return first.tokenType === t.Identifier && dtypeNamed(first.image) !== undefined;
}

export interface TensorForm {
  /** Sizes, names of sizes, and `?`. */
  readonly dims: readonly string[];
  /** Undefined where no element type is written. */
  readonly dtype: string | undefined;
}

/** What the tokens behind `word` say, in whatever order they say it. */
export function readTensorForm(word: string, tokens: readonly IToken[]): TensorForm {
  const dims: string[] = [];
  let dtype = dtypeNamed(word);
  const read = (text: string): void => {
    const named = dtypeNamed(text);
    if (named !== undefined) dtype ??= named;
    else if (/^(?:\d+|\?|[A-Za-z_]\w*)$/.test(text)) dims.push(text);
  };
  for (const { tokenType, image } of tokens) {
    if (tokenType === t.StringLiteral) read(image.slice(1, -1));
    else if (tokenType === t.Question) read('?');
    else if (tokenType === t.Identifier || tokenType === t.NumberLiteral) {
      // `2x3xf32`, or what is left of `?x3xf32`.
      const parts = /^(?:x|\d+x)/.test(image) ? image.split('x').filter((part) => part !== '') : [image];
      parts.forEach(read);
    }
  }
  return { dims, dtype };
}
