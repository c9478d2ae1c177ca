/** JavaScript that brings the exact result of an operation to a value of an element type. */

/**
 * `text` (an operand or in brackets) wrapped to an integer type, or rounded to float32; undefined for types that need no
 * operator of JavaScript or more than one.
 */
export function wrapText(dtype: string, text: string): string | undefined {
  switch (dtype) {
    case 'int8':
      return `(${text} << 24 >> 24)`;
    case 'int16':
      return `(${text} << 16 >> 16)`;
    case 'int32':
      return `(${text} | 0)`;
    case 'uint8':
      return `(${text} & 255)`;
    case 'uint16':
      return `(${text} & 65535)`;
    case 'uint32':
      return `(${text} >>> 0)`;
    case 'int64':
      return `BigInt.asIntN(64, ${text})`;
    case 'uint64':
      return `BigInt.asUintN(64, ${text})`;
    case 'float32':
      return `Math.fround(${text})`;
    default:
      return undefined;
  }
}
