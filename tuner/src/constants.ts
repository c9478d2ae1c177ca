/**
 * Large constants of candidates, kept out of the C text: parsing a hundred thousand numbers costs the compiler more
 * than the kernel. They become binary files that the assembler includes, one for equal contents.
 */
import { createHash } from 'node:crypto';
import type { SourceFile } from '../../boards/src/toolchain.ts';
import type { Buffer, LoweredKernel } from '../../compiler/src/loops/kernel.ts';
import { toBytes } from '../../compiler/src/tensor/bytes.ts';
import type { ElementArray, NDArray } from '../../compiler/src/tensor/ndarray.ts';

/**
 * Constants below this many bytes stay in the text, as in a deployed program: the compiler may fold them, and it
 * reaches them and their neighbours from one base address, which can be some percent of a run.
 */
const LARGE = 65_536;

/** A constant as a binary file; its name is both the symbol and the stem of the file. */
export interface ConstantFile {
  readonly symbol: string;
  readonly align: number;
  readonly bytes: Uint8Array;
}

const known = new WeakMap<ElementArray, ConstantFile>();

/** The file of a constant's values; equal ones are one file. */
export function fileOf(buffer: Buffer, value: NDArray): ConstantFile {
  let file = known.get(value.data);
  if (!file) {
    const half = value.dtype === 'float16' || value.dtype === 'bfloat16';
    const bytes = toBytes(half ? { ...value, dtype: 'float32' } : value);
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
    file = { symbol: `c_${hash}`, align: Math.max(8, buffer.align), bytes };
    known.set(value.data, file);
  }
  return file;
}

/**
 * A kernel whose large constants hold a single element, so that its text is short, and a function that makes external
 * declarations of them in that text. Undefined when there is nothing large, or when the text has another form.
 */
export function withoutLargeConstants(kernel: LoweredKernel):
  | {
      readonly kernel: LoweredKernel;
      readonly files: readonly ConstantFile[];
      readonly declare: (text: string) => string | undefined;
    }
  | undefined {
  const files: { readonly file: ConstantFile; readonly buffer: Buffer }[] = [];
  const constants = kernel.constants.map(({ buffer, value }) => {
    if (value.data.byteLength < LARGE) return { buffer, value };
    files.push({ file: fileOf(buffer, value), buffer });
    return { buffer, value: { ...value, data: value.data.slice(0, 1) } };
  });
  if (files.length === 0) return undefined;
  const declare = (text: string): string | undefined => {
    let changed = text;
    for (const { file, buffer } of files) {
      const form = new RegExp(`static (const \\w+ )(\\w+_${buffer.name})\\[1\\]([^=;]*) =[^;]*;`);
      const found = form.exec(changed);
      if (!found) return undefined;
      const [definition, type = '', name = '', rest = ''] = found;
      changed = changed.replace(definition, `extern ${type}${name}[${buffer.length}]${rest};`);
      changed = changed.replace(new RegExp(`\\b${name}\\b`, 'g'), file.symbol);
    }
    return changed;
  };
  return { kernel: { ...kernel, constants }, files: files.map(({ file }) => file), declare };
}

/** The C file that defines constants from their binary files. */
export function constantsSource(files: readonly ConstantFile[]): SourceFile {
  const definitions = files.map(({ symbol, align }) =>
    [
      `.section .rodata.${symbol},\\"a\\"`,
      `.balign ${align}`,
      `.global ${symbol}`,
      `${symbol}:`,
      `.incbin \\"${symbol}.bin\\"`,
      `.size ${symbol}, . - ${symbol}`,
      '.text',
    ].join('\\n'),
  );
  const text = definitions.map((definition) => `__asm__("${definition}\\n");\n`).join('');
  return { name: 'constants.c', text, flags: ['-O0'] };
}
