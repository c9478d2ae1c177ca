/**
 * A board behind a GDB server, emulated or real: loads by memory (or flash) writes, initialises, and runs from
 * `relay_ready` to a breakpoint at `relay_exit` or `relay_fault`, as the start-up codes in `runtime/boards` provide.
 */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import type { Board, BoardProfile, Image, StopReason } from './board.ts';
import { coreOf } from './cores.ts';
import { faultRecordBytes } from './fault.ts';
import type { GdbClient } from './rsp/client.ts';

/** A live session; `ended` explains why it broke when the other side knows (an emulator's last words). */
export interface GdbLink {
  readonly client: GdbClient;
  readonly ended: () => Promise<Failure | undefined>;
  readonly close: () => Promise<void>;
}

const INIT_LIMIT_MS = 10_000;

interface Landmarks {
  readonly ready: number;
  readonly exit: number;
  readonly fault: number;
  readonly record: number;
  readonly stackTop: number;
}

export class GdbBoard implements Board {
  readonly profile: BoardProfile;
  private readonly open: () => Promise<Result<GdbLink>>;
  private link: GdbLink | undefined;
  private image: Image | undefined;
  private landmarks: Landmarks | undefined;
  /** What flash holds; it survives resets and lost connections, so it is written once. */
  private flashed: Image | undefined;
  /** Whether memory is initialised and the core is halted in thread mode. */
  private initialised = false;

  /** `open` connects (and starts an emulator); it is called again after the board was lost. */
  constructor(profile: BoardProfile, open: () => Promise<Result<GdbLink>>) {
    this.profile = profile;
    this.open = open;
  }

  /** Connects now instead of at the first use. */
  async connect(): Promise<Result<void>> {
    const client = await this.session();
    return client.ok ? ok(undefined) : client;
  }

  async load(image: Image, token?: CancellationToken): Promise<Result<void>> {
    const landmarks = findLandmarks(image);
    if (!landmarks.ok) return landmarks;
    this.image = image;
    this.landmarks = landmarks.value;
    this.initialised = false;
    return this.prepare(token);
  }

  async write(address: number, bytes: Uint8Array): Promise<Result<void>> {
    const ready = await this.prepare();
    if (!ready.ok) return ready;
    return this.guard((client) => client.write(address, bytes));
  }

  async read(address: number, length: number): Promise<Result<Uint8Array>> {
    return this.guard((client) => client.read(address, length));
  }

  async run(limitMs: number, token?: CancellationToken): Promise<Result<StopReason>> {
    const ready = await this.prepare(token);
    if (!ready.ok) return ready;
    const { landmarks } = this;
    if (!landmarks) return fail('board-lost', 'No program is loaded.');
    return this.runFrom(landmarks.ready, landmarks.exit, landmarks, limitMs, token);
  }

  async reset(): Promise<Result<void>> {
    this.initialised = false;
    const done = await this.guard((client) => client.reset());
    if (!done.ok) return done;
    return this.image ? this.prepare() : ok(undefined);
  }

  async close(): Promise<void> {
    const { link } = this;
    this.link = undefined;
    this.initialised = false;
    await link?.close();
  }

  /** The session, opened when there is none. A fresh one has an empty board. */
  private async session(): Promise<Result<GdbClient>> {
    if (!this.link) {
      const opened = await this.open();
      if (!opened.ok) return opened;
      this.link = opened.value;
      this.initialised = false;
    }
    return ok(this.link.client);
  }

  /** Runs a step; a broken session is closed, so that the next step opens a new one. */
  private async guard<T>(step: (client: GdbClient) => Promise<Result<T>>): Promise<Result<T>> {
    const client = await this.session();
    if (!client.ok) return client;
    const done = await step(client.value);
    if (done.ok || (done.error.code !== 'board-lost' && done.error.code !== 'board-timeout')) return done;
    const why = (await this.link?.ended()) ?? done.error;
    await this.close();
    return { ok: false, error: why };
  }

  /** Brings the loaded image to `relay_ready`, writing it again after a loss or reset. */
  private async prepare(token?: CancellationToken): Promise<Result<void>> {
    const { image, landmarks } = this;
    if (this.initialised || !image || !landmarks) return ok(undefined);
    const written = await this.guard((client) =>
      writeImage(client, this.profile, image, this.flashed === image, token),
    );
    if (!written.ok) return written;
    this.flashed = image;
    const stopped = await this.runFrom(image.entry, landmarks.ready, landmarks, INIT_LIMIT_MS, token);
    if (!stopped.ok) return stopped;
    if (stopped.value.kind === 'fault') {
      return fail('board-fault', `The program faulted before it started: ${stopped.value.detail}`);
    }
    this.initialised = true;
    return ok(undefined);
  }

  private async runFrom(
    start: number,
    end: number,
    landmarks: Landmarks,
    limitMs: number,
    token?: CancellationToken,
  ): Promise<Result<StopReason>> {
    const inFlash = this.profile.memory.some(
      (region) => region.kind === 'flash' && end >= region.start && end < region.start + region.bytes,
    );
    const { registers, state, describeFault } = coreOf(this.profile);
    const result = await this.guard(async (client): Promise<Result<StopReason>> => {
      const steps = [
        () => client.clearBreakpoints(),
        () => client.setBreakpoint(end, inFlash ? 'Z1' : 'Z0'),
        () => client.setBreakpoint(landmarks.fault, inFlash ? 'Z1' : 'Z0'),
        ...state.map(
          ([register, value]) =>
            () =>
              client.writeRegister(register, value),
        ),
        () => client.writeRegister(registers.sp, landmarks.stackTop),
        () => client.writeRegister(registers.pc, (start & ~1) >>> 0),
      ];
      for (const step of steps) {
        const done = await step();
        if (!done.ok) return done;
      }
      const stop = await client.run(limitMs, token);
      if (!stop.ok) return stop;
      if (stop.value.interrupted === 'cancelled') return fail('cancelled', 'Cancelled.');
      const pc = await client.readRegister(registers.pc);
      if (!pc.ok) return pc;
      const at = (pc.value & ~1) >>> 0;
      if (at === end) return ok({ kind: 'breakpoint', address: at });
      if (at === landmarks.fault) {
        const record = await client.read(landmarks.record, faultRecordBytes);
        return record.ok ? ok({ kind: 'fault', detail: describeFault(record.value, this.image) }) : record;
      }
      if (stop.value.interrupted === 'limit') {
        return fail('program-timeout', `The program did not end within ${limitMs} ms.`);
      }
      return ok({
        kind: 'fault',
        detail: `The core stopped at 0x${at.toString(16)} with signal ${stop.value.signal}.`,
      });
    });
    // Whatever did not end at its breakpoint may have left an exception active or memory overwritten.
    if (!result.ok || result.value.kind === 'fault') {
      this.initialised = false;
      if (this.link) await this.guard((client) => client.reset());
    }
    if (result.ok) return result;
    if (result.error.code === 'program-timeout') {
      return fail('board-timeout', result.error.message, 'The board was halted and reset.');
    }
    if (result.error.code === 'core-locked-up') return ok({ kind: 'fault', detail: result.error.message });
    return result;
  }
}

function findLandmarks(image: Image): Result<Landmarks> {
  const at = (name: string): number => ((image.symbols.get(name)?.address ?? Number.NaN) & ~1) >>> 0;
  const names = ['relay_ready', 'relay_exit', 'relay_fault', 'relay_fault_record', '__stack_top'];
  const missing = names.find((name) => !image.symbols.has(name));
  if (missing)
    return fail('link-error', `The image lacks the symbol ${missing}.`, 'Link it with the board start-up code.');
  return ok({
    ready: at('relay_ready'),
    exit: at('relay_exit'),
    fault: at('relay_fault'),
    record: at('relay_fault_record'),
    stackTop: at('__stack_top'),
  });
}

async function writeImage(
  client: GdbClient,
  profile: BoardProfile,
  image: Image,
  keepFlash: boolean,
  token?: CancellationToken,
): Promise<Result<void>> {
  const inFlash = (address: number): number | undefined => {
    if (client.dialect.flash === 'memory') return undefined;
    const region = profile.memory.find((one) => address >= one.start && address < one.start + one.bytes);
    return region?.kind === 'flash' ? (region.eraseBytes ?? 4096) : undefined;
  };
  const flash = image.segments.filter((segment) => inFlash(segment.address) !== undefined);
  for (const segment of image.segments) {
    if (flash.includes(segment)) continue;
    const done = await client.write(segment.address, segment.bytes, token);
    if (!done.ok) return done;
  }
  const [first] = flash;
  return first && !keepFlash ? client.writeFlash(flash, inFlash(first.address) ?? 4096) : ok(undefined);
}
