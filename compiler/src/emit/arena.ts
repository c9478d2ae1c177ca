/** The static memory of a program in C: one piece, or one in each of several memory regions. */

/** A piece of the arena: places from `start` on, in a region of its own. */
export interface ArenaPiece {
  readonly start: number;
  readonly bytes: number;
}

/** The arena's pieces as C says them; offsets count over all of them. */
export class ArenaText {
  private readonly pieces: readonly ArenaPiece[];
  private readonly stem: string;

  constructor(stem: string, pieces: readonly ArenaPiece[]) {
    this.stem = stem;
    this.pieces = pieces.length > 0 ? pieces : [{ start: 0, bytes: 0 }];
  }

  /** The array that holds an offset, and the place in it. */
  at(offset: number): { readonly array: string; readonly offset: number } {
    const i = Math.max(
      0,
      this.pieces.findLastIndex((p) => p.start <= offset),
    );
    return { array: `${name(i)}.bytes`, offset: offset - (this.pieces[i]?.start ?? 0) };
  }

  /** The same for the caller, by the pointers that the header declares. */
  outside(offset: number): string {
    const i = Math.max(
      0,
      this.pieces.findLastIndex((p) => p.start <= offset),
    );
    return `${this.stem}_${name(i)} + ${offset - (this.pieces[i]?.start ?? 0)}`;
  }

  declarations(): string[] {
    return this.pieces.map((_, i) => `extern uint8_t *const ${this.stem}_${name(i)};`);
  }

  definitions(): string[] {
    return this.pieces.map((piece, i) =>
      [
        i === 0
          ? '/* Activations, inputs and outputs; the union gives the alignment of the widest element. */'
          : `/* What lies in memory region ${i + 1} of the board: its linker script places this section. */`,
        ...(i === 0 ? [] : ['#if defined(__ELF__)', `__attribute__((section(".bss.${name(i)}")))`, '#endif']),
        `static union {`,
        `  uint8_t bytes[${Math.max(1, piece.bytes)}];`,
        '  int64_t align;',
        `} ${name(i)};`,
        `uint8_t *const ${this.stem}_${name(i)} = ${name(i)}.bytes;`,
      ].join('\n'),
    );
  }
}

/** `arena`, `arena_2` … */
function name(i: number): string {
  return i === 0 ? 'arena' : `arena_${i + 1}`;
}
