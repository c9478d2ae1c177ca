/** What a linked program occupies, and why one does not fit. */
import type { Failure } from '../../compiler/src/base/result.ts';
import type { BoardProfile, Image } from './board.ts';
import type { Elf, ElfSymbol } from './elf.ts';
import type { Placement } from './linker.ts';

/** Bytes by kind. Flash holds code, constants and the initial values of data; RAM holds data, zeroed data and stack. */
export interface ProgramSize {
  readonly code: number;
  readonly constants: number;
  readonly data: number;
  readonly zeroed: number;
  /** Reserved for the stack. */
  readonly stack: number;
  readonly flash: number;
  readonly ram: number;
}

export interface LinkedImage extends Image {
  readonly size: ProgramSize;
}

/** Sums the sections of a linked program by what they hold. */
export function programSize(elf: Elf, profile: BoardProfile, placement: Placement): ProgramSize {
  let [code, constants, data, zeroed, stack] = [0, 0, 0, 0, 0];
  for (const section of elf.sections) {
    if (!section.allocated) continue;
    if (section.name === '.stack') stack += section.bytes;
    else if (section.executable || section.name === '.vectors') code += section.bytes;
    else if (section.empty) zeroed += section.bytes;
    else if (section.writable) data += section.bytes;
    else constants += section.bytes;
  }
  if (profile.transport.kind === 'process') stack = profile.stackBytes;
  const inRam = data + zeroed + stack;
  const image = code + constants;
  const flash = placement === 'flash' ? image + data : 0;
  return { code, constants, data, zeroed, stack, flash, ram: placement === 'flash' ? inRam : inRam + image };
}

/** An image whose segments are placed where a loader writes them. */
export function imageOf(elf: Elf, path: string, size: ProgramSize): LinkedImage {
  return {
    segments: elf.segments
      .filter((segment) => segment.bytes.length > 0)
      .map((segment) => ({ address: segment.loadAddress, bytes: segment.bytes })),
    entry: elf.entry,
    symbols: new Map(elf.symbols.map((symbol) => [symbol.name, { address: symbol.address, bytes: symbol.bytes }])),
    path,
    size,
  };
}

/** By how much a program does not fit and what takes the room, from the linker's words and a link with larger regions. */
export function explainOverflow(linkerOutput: string, roomy: Elf | undefined, profile: BoardProfile): Failure {
  const over = new Map<string, number>();
  for (const match of linkerOutput.matchAll(/region `(\w+)' overflowed by (\d+) bytes/g)) {
    over.set(match[1] ?? '', Math.max(over.get(match[1] ?? '') ?? 0, Number(match[2])));
  }
  const parts: string[] = [];
  const enough: string[] = [];
  for (const [name, bytes] of over) {
    const region = profile.memory.find((candidate) => candidate.name === name);
    if (region) enough.push(`${name} of ${group(region.bytes + bytes)} bytes`);
    const capacity = region ? ` of ${group(region.bytes)} bytes` : '';
    const largest = roomy && region ? largestIn(roomy, region.start, region.start + region.bytes + bytes) : [];
    const named = largest.map((symbol) => `${symbol.name} ${group(symbol.bytes)}`).join(', ');
    const takes = named === '' ? '' : `; the largest parts are ${named}`;
    parts.push(`${name}${capacity} is exceeded by ${group(bytes)} bytes${takes}`);
  }
  const what = parts.length > 0 ? parts.join('. ') : 'a memory region is exceeded';
  return {
    code: 'does-not-fit',
    message: `The program does not fit the board ${profile.name}: ${what}.`,
    remedy: `Choose a board with more memory${enough.length > 0 ? ` (${enough.join(', ')} would do)` : ''} or a smaller model.`,
  };
}

function largestIn(elf: Elf, start: number, end: number): ElfSymbol[] {
  return elf.symbols
    .filter((symbol) => symbol.bytes > 0 && symbol.address >= start && symbol.address < end)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 4);
}

function group(value: number): string {
  return value.toLocaleString('en-US');
}
