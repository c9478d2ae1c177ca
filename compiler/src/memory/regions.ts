/** How much of a board's RAM an arena may take. */

/** The RAM of a board, as far as it limits an arena. */
export interface BoardMemory {
  /** Bytes of each region: the first one also holds data and stack. */
  readonly ram: readonly number[];
  readonly stackBytes: number;
  /** The sizes are no limits: the program is a process of a machine. */
  readonly unlimited: boolean;
}

/** What harness and C library keep in the first RAM region beside stack and arena, at most. */
const harnessBytes = 2048;

function usable({ ram, stackBytes }: BoardMemory): readonly number[] {
  return ram.map((bytes, i) => (i === 0 ? Math.max(0, bytes - stackBytes - harnessBytes) : bytes));
}

/** Bytes of each RAM region that an arena may take, where there are several. */
export function arenaRegions(memory: BoardMemory): readonly number[] | undefined {
  return memory.ram.length < 2 ? undefined : usable(memory).map((bytes) => bytes - (bytes % 8));
}

/** Bytes that an arena may take, over all regions; undefined where memory has no set limit. */
export function arenaCapacity(memory: BoardMemory): number | undefined {
  if (memory.ram.length === 0 || memory.unlimited) return undefined;
  return (arenaRegions(memory) ?? usable(memory)).reduce((sum, bytes) => sum + bytes, 0);
}
