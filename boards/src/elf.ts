/** A reader for linked ELF files (32 and 64 bits, little endian): what is loaded where, and which symbol lies where. */
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';

export interface ElfSegment {
  /** Where the program expects the bytes. */
  readonly address: number;
  /** Where a loader puts them; differs for initialised data kept in flash. */
  readonly loadAddress: number;
  readonly bytes: Uint8Array;
  readonly memoryBytes: number;
}

export interface ElfSymbol {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  readonly kind: 'object' | 'function' | 'other';
}

export interface ElfSection {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  /** Occupies memory at run time. */
  readonly allocated: boolean;
  readonly writable: boolean;
  readonly executable: boolean;
  /** Has no bytes in the file (`.bss`). */
  readonly empty: boolean;
}

export interface Elf {
  readonly bits: 32 | 64;
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
}

const damaged = (what: string): ReturnType<typeof fail> =>
  fail('not-an-elf', `This is not a usable ELF file: ${what}.`, 'Link the program again.');

/** Parses an ELF file. Every offset is checked against the length of the file. */
export function readElf(bytes: Uint8Array): Result<Elf> {
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof RangeError) return damaged('it is cut off');
    throw error;
  }
}

function parse(bytes: Uint8Array): Result<Elf> {
  if (bytes.length < 52 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    return damaged('the first bytes are not those of an ELF file');
  }
  if (bytes[5] !== 1) return damaged('it is not little endian');
  const wide = bytes[4] === 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, true)) : u32(at));
  /** A field of a header that lies at different offsets in the two classes. */
  const field = (base: number, narrow: number, broad: number): number => word(base + (wide ? broad : narrow));

  const entry = word(24);
  const programs = field(0, 28, 32);
  const sectionsAt = field(0, 32, 40);
  const tail = wide ? 52 : 40;
  const [programSize, programCount] = [u16(tail + 2), u16(tail + 4)];
  const [sectionSize, sectionCount, namesIndex] = [u16(tail + 6), u16(tail + 8), u16(tail + 10)];

  const slice = (at: number, length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('cut');
    return bytes.subarray(at, at + length);
  };
  const text = (at: number): string => {
    let end = at;
    while (end < bytes.length && bytes[end] !== 0) end++;
    return String.fromCharCode(...slice(at, end - at));
  };

  const segments: ElfSegment[] = [];
  for (let i = 0; i < programCount; i++) {
    const at = programs + i * programSize;
    const memoryBytes = field(at, 20, 40);
    if (u32(at) !== 1 || memoryBytes === 0) continue;
    segments.push({
      address: field(at, 8, 16),
      loadAddress: field(at, 12, 24),
      bytes: slice(field(at, 4, 8), field(at, 16, 32)),
      memoryBytes,
    });
  }

  interface Raw extends ElfSection {
    readonly nameAt: number;
    readonly type: number;
    readonly offset: number;
    readonly link: number;
  }
  const raw: Raw[] = [];
  for (let i = 0; i < sectionCount; i++) {
    const at = sectionsAt + i * sectionSize;
    const flags = field(at, 8, 8);
    raw.push({
      nameAt: u32(at),
      name: '',
      type: u32(at + 4),
      offset: field(at, 16, 24),
      link: u32(at + (wide ? 40 : 24)),
      address: field(at, 12, 16),
      bytes: field(at, 20, 32),
      allocated: (flags & 2) !== 0,
      writable: (flags & 1) !== 0,
      executable: (flags & 4) !== 0,
      empty: u32(at + 4) === 8,
    });
  }
  const names = raw[namesIndex];
  const sections = raw.map((section): ElfSection => {
    const { address, bytes: size, allocated, writable, executable, empty } = section;
    const name = names ? text(names.offset + section.nameAt) : '';
    return { name, address, bytes: size, allocated, writable, executable, empty };
  });

  const symbols: ElfSymbol[] = [];
  const table = raw.find((section) => section.type === 2);
  const strings = table && raw[table.link];
  if (table && strings) {
    const size = wide ? 24 : 16;
    for (let at = table.offset; at + size <= table.offset + table.bytes; at += size) {
      const name = text(strings.offset + u32(at));
      const info = view.getUint8(at + (wide ? 4 : 12));
      const section = u16(at + (wide ? 6 : 14));
      if (name === '' || section === 0) continue;
      const kind = (info & 15) === 1 ? 'object' : (info & 15) === 2 ? 'function' : 'other';
      symbols.push({ name, address: field(at, 4, 8), bytes: field(at, 8, 16), kind });
    }
  }
  return ok({ bits: wide ? 64 : 32, entry, segments, sections, symbols });
}
