/** Runs jobs of a loaded image: inputs into named buffers, one run, outputs and the counter back. */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { Board, BoardProfile, Image } from './board.ts';

/** A stretch of memory by symbol name. */
export interface BufferRef {
  readonly symbol: string;
  readonly offset?: number;
  readonly bytes: number;
}

export interface Job {
  /** Number that the program's `relay_run_job` gets. */
  readonly index: number;
  readonly writes: readonly { readonly symbol: string; readonly offset?: number; readonly bytes: Uint8Array }[];
  readonly reads: readonly BufferRef[];
  readonly limitMs: number;
}

export interface JobResult {
  readonly reads: readonly Uint8Array[];
  /** Raw ticks of the board's timer between `relay_begin` and `relay_end`. */
  readonly ticks: number;
  /** Ticks in the unit of the profile's timer. */
  readonly cost: number;
}

/** Raw ticks in the unit of the profile's timer (instructions, cycles or nanoseconds). */
export function ticksToUnit(profile: BoardProfile, ticks: number): number {
  const { multiply = 1, divide = 1 } = profile.timer;
  return Math.round((ticks * multiply) / divide);
}

/** Address and size of a symbol; `link-error` when the image lacks it. */
function symbolOf(image: Image, name: string): Result<{ readonly address: number; readonly bytes: number }> {
  const symbol = image.symbols.get(name);
  return symbol ? ok(symbol) : fail('link-error', `The image lacks the symbol ${name}.`);
}

/** A little-endian unsigned integer of up to eight bytes. */
export function readUnsigned(bytes: Uint8Array): number {
  let value = 0;
  for (let i = bytes.length - 1; i >= 0; i--) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

/**
 * Does one job of the image that `board` has loaded. A program that faults fails with `board-fault`, one that does not
 * end with `board-timeout`; the board is ready for the next job after both.
 */
export async function runJob(
  board: Board,
  image: Image,
  job: Job,
  token?: CancellationToken,
): Promise<Result<JobResult>> {
  const number = Uint8Array.of(job.index & 0xff, (job.index >>> 8) & 0xff, (job.index >>> 16) & 0xff, job.index >>> 24);
  for (const write of [{ symbol: 'relay_job', bytes: number }, ...job.writes]) {
    const symbol = symbolOf(image, write.symbol);
    if (!symbol.ok) return symbol;
    const offset = 'offset' in write ? (write.offset ?? 0) : 0;
    const done = await board.write(symbol.value.address + offset, write.bytes);
    if (!done.ok) return done;
  }
  const stopped = await board.run(job.limitMs, token);
  if (!stopped.ok) return stopped;
  if (stopped.value.kind === 'fault') return fail('board-fault', `The program faulted: ${stopped.value.detail}`);
  const reads: Uint8Array[] = [];
  for (const read of [{ symbol: 'relay_ticks', bytes: 8 }, ...job.reads]) {
    const symbol = symbolOf(image, read.symbol);
    if (!symbol.ok) return symbol;
    const offset = 'offset' in read ? (read.offset ?? 0) : 0;
    const bytes = await board.read(symbol.value.address + offset, read.bytes);
    if (!bytes.ok) return bytes;
    reads.push(bytes.value);
  }
  const ticks = readUnsigned(reads[0] ?? new Uint8Array());
  return ok({ reads: reads.slice(1), ticks, cost: ticksToUnit(board.profile, ticks) });
}

/** The deepest use of the stack by the last run, in bytes, from the paint that start-up leaves; undefined on the host. */
export async function stackUsed(board: Board, image: Image): Promise<Result<number | undefined>> {
  const bottom = image.symbols.get('__stack_bottom')?.address;
  const top = image.symbols.get('__stack_top')?.address;
  if (bottom === undefined || top === undefined) return ok(undefined);
  const bytes = await board.read(bottom, top - bottom);
  if (!bytes.ok) return bytes;
  const untouched = bytes.value.findIndex((byte) => byte !== 0xa5);
  return ok(untouched < 0 ? 0 : top - bottom - untouched);
}
