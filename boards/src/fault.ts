/** What a Cortex-M fault record says, for people. Bits as in the ARMv7-M architecture manual, CFSR and HFSR. */
import type { Image } from './board.ts';

/** Size of `relay_fault_record`: pc, lr, xpsr, cfsr, hfsr, bfar, mmfar, frame_valid. */
export const faultRecordBytes = 32;

const causes: readonly (readonly [bit: number, text: string])[] = [
  [0, 'instruction fetch from protected memory'],
  [1, 'access to protected memory'],
  [4, 'stack overflow'],
  [8, 'instruction fetch from an address without memory'],
  [9, 'access to an address without memory'],
  [10, 'access to an address without memory'],
  [12, 'stack overflow'],
  [16, 'undefined instruction'],
  [17, 'jump to an address that is no Thumb code'],
  [18, 'damaged exception return'],
  [19, 'floating-point instruction without the floating-point unit'],
  [24, 'unaligned access'],
  [25, 'division by zero'],
];

/** One sentence: the cause, the address accessed where it is known, and the function it happened in. */
export function describeFault(record: Uint8Array, image: Image | undefined): string {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const word = (index: number): number => view.getUint32(4 * index, true);
  const [pc, cfsr, bfar, mmfar, valid] = [word(0), word(3), word(5), word(6), word(7)];
  const found = causes.filter(([bit]) => (cfsr >>> bit) & 1).map(([, text]) => text);
  const cause = found.length > 0 ? [...new Set(found)].join(', ') : 'hard fault';
  const address = (cfsr >>> 15) & 1 ? ` ${hex(bfar)}` : (cfsr >>> 7) & 1 ? ` ${hex(mmfar)}` : '';
  const where = valid === 0 ? '' : ` at ${placeOf(pc, image)}`;
  return `${cause}${address}${where} (CFSR ${hex(cfsr)}).`;
}

/** `function+0x12`, or the address when no symbol covers it. */
function placeOf(pc: number, image: Image | undefined): string {
  for (const [name, symbol] of image?.symbols ?? []) {
    const start = (symbol.address & ~1) >>> 0;
    if (pc >= start && pc < start + symbol.bytes) return `${name}+0x${(pc - start).toString(16)}`;
  }
  return hex(pc);
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
