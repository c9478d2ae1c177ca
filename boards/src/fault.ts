/** What a fault record says, for people. */
import type { Image } from './board.ts';

/** Size of `relay_fault_record`: eight words, as the family's start-up code says. */
export const faultRecordBytes = 32;

/** Bits of CFSR in the ARMv7-M architecture manual. */
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

/** A Cortex-M's record in one sentence: the cause, the address accessed where it is known, and the function it happened in. */
export function describeCortexMFault(record: Uint8Array, image: Image | undefined): string {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const word = (index: number): number => view.getUint32(4 * index, true);
  const [pc, cfsr, bfar, mmfar, valid] = [word(0), word(3), word(5), word(6), word(7)];
  const found = causes.filter(([bit]) => (cfsr >>> bit) & 1).map(([, text]) => text);
  const cause = found.length > 0 ? [...new Set(found)].join(', ') : 'hard fault';
  const address = (cfsr >>> 15) & 1 ? ` ${hex(bfar)}` : (cfsr >>> 7) & 1 ? ` ${hex(mmfar)}` : '';
  const where = valid === 0 ? '' : ` at ${placeOf(pc, image)}`;
  return `${cause}${address}${where} (CFSR ${hex(cfsr)}).`;
}

/** Exception codes of `mcause` in the RISC-V privileged architecture. */
const traps: Readonly<Record<number, string>> = {
  0: 'jump to a misaligned address',
  1: 'instruction fetch from an address without memory',
  2: 'illegal instruction',
  3: 'trap instruction',
  4: 'misaligned load',
  5: 'load from an address without memory',
  6: 'misaligned store',
  7: 'store to an address without memory',
};

/** A RISC-V record (pc, ra, mcause, mtval) in one sentence. */
export function describeRiscvFault(record: Uint8Array, image: Image | undefined): string {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const word = (index: number): number => view.getUint32(4 * index, true);
  const [pc, cause, value] = [word(0), word(2), word(3)];
  const address = cause >= 4 && cause <= 7 ? ` ${hex(value)}` : '';
  return `${traps[cause] ?? 'trap'}${address} at ${placeOf(pc, image)} (mcause ${hex(cause)}).`;
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
