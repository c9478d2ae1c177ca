/** The commands of the GDB remote serial protocol that loading, running and reading back a program needs. */
import type { CancellationToken } from '../../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import { escapeBinary, fromHex, payloadText, textPayload, toHex } from './codec.ts';
import type { RspConnection } from './connection.ts';
import type { StubDialect } from './stubs.ts';

/** Why a running target stopped. */
export interface Stop {
  /** POSIX-like signal number of the stop reply (5: breakpoint, 2: interrupted, 11: fault). */
  readonly signal: number;
  /** Set when the stop was asked for, because the limit passed or the token was cancelled. */
  readonly interrupted?: 'limit' | 'cancelled';
}

/** Number of the status register in the ARM M-profile description. */
const armStatus = 25;

const REQUEST_MS = 5000;
/** Time for a target to halt after the interrupt byte. */
const HALT_MS = 3000;
const DEFAULT_PACKET_BYTES = 400;

/** A session with one stub. All calls fail with `board-lost` once the connection is gone. */
export class GdbClient {
  readonly dialect: StubDialect;
  private readonly connection: RspConnection;
  private features = new Map<string, string>();
  private packetBytes = DEFAULT_PACKET_BYTES;
  private binaryWrites: boolean | undefined;
  private singleRegisters: boolean | undefined;
  private readonly breakpoints = new Map<number, 'Z0' | 'Z1'>();

  constructor(connection: RspConnection, dialect: StubDialect) {
    this.connection = connection;
    this.dialect = dialect;
  }

  /** Negotiates features, attaches as the server needs it, and learns that the target is halted. */
  async start(): Promise<Result<void>> {
    const supported = await this.text('qSupported:swbreak+;hwbreak+;xmlRegisters=arm;qXfer:features:read+');
    if (!supported.ok) return supported;
    this.features = parseFeatures(supported.value);
    const size = Number.parseInt(this.features.get('PacketSize') ?? '', 16);
    if (size >= 64) this.packetBytes = Math.min(size, 0x10000);
    if (this.features.get('QStartNoAckMode') === '+') {
      const agreed = await this.text('QStartNoAckMode');
      if (!agreed.ok) return agreed;
      if (agreed.value === 'OK') this.connection.disableAcks();
    }
    // Some stubs (QEMU) number registers one by one only after their description has been asked for.
    if (this.features.get('qXfer:features:read') === '+') {
      const description = await this.text('qXfer:features:read:target.xml:0,3fb');
      if (!description.ok) return description;
    }
    for (const command of this.dialect.attach) {
      const done = await this.monitor(command);
      if (!done.ok && done.error.code !== 'board-refused') return done;
    }
    for (const packet of this.dialect.attachPackets) {
      const done = await this.text(packet, 10_000);
      if (!done.ok) return done;
      if (done.value.startsWith('E')) {
        return fail('board-lost', `${this.dialect.label} found no target.`, 'Check power and wiring of the board.');
      }
    }
    const state = await this.text('?');
    return state.ok ? ok(undefined) : state;
  }

  /** Memory `[address, address + length)`. */
  async read(address: number, length: number): Promise<Result<Uint8Array>> {
    const out = new Uint8Array(length);
    const chunk = Math.max(1, Math.floor((this.packetBytes - 16) / 2));
    for (let at = 0; at < length; at += chunk) {
      const count = Math.min(chunk, length - at);
      const reply = await this.text(`m${hex(address + at)},${hex(count)}`);
      if (!reply.ok) return reply;
      const bytes = isError(reply.value) ? undefined : fromHex(reply.value);
      if (bytes?.length !== count) {
        return fail('board-refused', `The board could not read ${count} bytes at ${hexAddress(address + at)}.`);
      }
      out.set(bytes, at);
    }
    return ok(out);
  }

  /** Writes memory, in binary packets where the stub takes them and in hex where it does not. */
  async write(address: number, bytes: Uint8Array, token?: CancellationToken): Promise<Result<void>> {
    if (this.binaryWrites === undefined) {
      const probe = await this.text(`X${hex(address)},0:`);
      if (!probe.ok) return probe;
      this.binaryWrites = probe.value === 'OK';
    }
    let at = 0;
    while (at < bytes.length) {
      if (token?.isCancellationRequested) return fail('cancelled', 'Cancelled.');
      const count = Math.min(bytes.length - at, this.writeChunk());
      const part = bytes.subarray(at, at + count);
      const head = `${this.binaryWrites ? 'X' : 'M'}${hex(address + at)},${hex(count)}:`;
      const reply = await this.bytes(
        this.binaryWrites ? concat(textPayload(head), escapeBinary(part)) : textPayload(head + toHex(part)),
      );
      if (!reply.ok) return reply;
      if (payloadText(reply.value) !== 'OK') {
        return fail(
          'board-refused',
          `The board refused a write of ${count} bytes at ${hexAddress(address + at)}.`,
          'Check the memory regions of the board profile.',
        );
      }
      at += count;
    }
    return ok(undefined);
  }

  private writeChunk(): number {
    return Math.max(1, Math.floor((this.packetBytes - 24) / 2));
  }

  /** Erases and programs flash through the server's own flash driver. `blockBytes` is the erase granularity. */
  async writeFlash(
    parts: readonly { readonly address: number; readonly bytes: Uint8Array }[],
    blockBytes: number,
  ): Promise<Result<void>> {
    for (const part of parts) {
      const start = Math.floor(part.address / blockBytes) * blockBytes;
      const length = Math.ceil((part.address + part.bytes.length - start) / blockBytes) * blockBytes;
      const erased = await this.expectOk(`vFlashErase:${hex(start)},${hex(length)}`, 'erase flash', 60_000);
      if (!erased.ok) return erased;
    }
    for (const part of parts) {
      for (let at = 0; at < part.bytes.length; at += this.writeChunk()) {
        const bytes = part.bytes.subarray(at, at + this.writeChunk());
        const payload = concat(textPayload(`vFlashWrite:${hex(part.address + at)}:`), escapeBinary(bytes));
        const reply = await this.bytes(payload, 60_000);
        if (!reply.ok) return reply;
        if (payloadText(reply.value) !== 'OK') {
          return fail('board-refused', `The board refused to write flash at ${hexAddress(part.address + at)}.`);
        }
      }
    }
    return this.expectOk('vFlashDone', 'finish writing flash', 60_000);
  }

  /** A core register by its number in the target description. */
  async readRegister(number: number): Promise<Result<number>> {
    if (this.singleRegisters !== false) {
      const reply = await this.text(`p${hex(number)}`);
      if (!reply.ok) return reply;
      const value = isError(reply.value) ? undefined : word(reply.value);
      if (value !== undefined) {
        this.singleRegisters = true;
        return ok(value);
      }
      this.singleRegisters = false;
    }
    const all = await this.text('g');
    if (!all.ok) return all;
    const offset = registerOffset(number, all.value.length / 2);
    const value = offset === undefined ? undefined : word(all.value.slice(2 * offset));
    return value === undefined ? fail('board-refused', `The board does not show register ${number}.`) : ok(value);
  }

  /** Sets a core register, alone or, where the stub knows only that, within the whole set. */
  async writeRegister(number: number, value: number): Promise<Result<void>> {
    if (this.singleRegisters !== false) {
      const reply = await this.text(`P${hex(number)}=${wordHex(value)}`);
      if (!reply.ok) return reply;
      if (reply.value === 'OK') return ok(undefined);
    }
    const all = await this.text('g');
    if (!all.ok) return all;
    const offset = registerOffset(number, all.value.length / 2);
    if (offset === undefined) return fail('board-refused', `The board does not let register ${number} be set.`);
    const changed = all.value.slice(0, 2 * offset) + wordHex(value) + all.value.slice(2 * offset + 8);
    return this.expectOk(`G${changed}`, 'set registers');
  }

  /** Sets a breakpoint: in memory, or in hardware where memory is read-only or the stub knows no other. */
  async setBreakpoint(address: number, prefer: 'Z0' | 'Z1' = 'Z0'): Promise<Result<void>> {
    if (this.breakpoints.has(address)) return ok(undefined);
    for (const kind of prefer === 'Z0' ? (['Z0', 'Z1'] as const) : (['Z1', 'Z0'] as const)) {
      const reply = await this.text(`${kind},${hex(address)},2`);
      if (!reply.ok) return reply;
      if (reply.value === 'OK') {
        this.breakpoints.set(address, kind);
        return ok(undefined);
      }
    }
    return fail('board-refused', `The board has no breakpoint left for ${hexAddress(address)}.`);
  }

  async clearBreakpoints(): Promise<Result<void>> {
    for (const [address, kind] of this.breakpoints) {
      const reply = await this.text(`${kind.toLowerCase()},${hex(address)},2`);
      if (!reply.ok) return reply;
    }
    this.breakpoints.clear();
    return ok(undefined);
  }

  /** Lets the target run until it stops by itself, the limit passes or the token is cancelled; it is halted after. */
  async run(limitMs: number, token?: CancellationToken): Promise<Result<Stop>> {
    let interrupted: Stop['interrupted'];
    const halt = (why: NonNullable<Stop['interrupted']>): void => {
      if (interrupted) return;
      interrupted = why;
      this.connection.interrupt();
    };
    const limit = setTimeout(() => {
      halt('limit');
    }, limitMs);
    const poll = token
      ? setInterval(() => {
          if (token.isCancellationRequested) halt('cancelled');
        }, 50)
      : undefined;
    const reply = await this.connection.request('c', { limitMs: limitMs + HALT_MS, interim: isConsole });
    clearTimeout(limit);
    clearInterval(poll);
    if (!reply.ok) {
      if (reply.error.code !== 'board-timeout') return reply;
      return fail('board-lost', 'The board did not halt when asked to.', 'Power the board off and on, then try again.');
    }
    const text = payloadText(reply.value);
    const kind = text[0];
    if (kind === 'W' || kind === 'X') return fail('board-lost', 'The debug server ended the program.');
    if (kind !== 'S' && kind !== 'T')
      return fail('board-lost', `The board did not start: it answered \`${text.slice(0, 20)}\`.`);
    const signal = Number.parseInt(text.slice(1, 3), 16);
    return ok(interrupted ? { signal, interrupted } : { signal });
  }

  /** A server command such as `reset halt`; returns what it printed. */
  async monitor(command: string): Promise<Result<string>> {
    let printed = '';
    const reply = await this.connection.request(`qRcmd,${toHex(textPayload(command))}`, {
      limitMs: REQUEST_MS,
      interim: (payload) => {
        if (!isConsole(payload)) return false;
        printed += payloadText(fromHex(payloadText(payload).slice(1)) ?? new Uint8Array());
        return true;
      },
    });
    if (!reply.ok) return reply;
    const text = payloadText(reply.value);
    if (text === '' || isError(text)) return fail('board-refused', `${this.dialect.label} refused \`${command}\`.`);
    if (text !== 'OK') printed += payloadText(fromHex(text) ?? new Uint8Array());
    return ok(printed);
  }

  /** Resets the core and leaves it halted: by monitor commands, else through the system reset register. */
  async reset(): Promise<Result<void>> {
    for (const command of this.dialect.reset) {
      const done = await this.monitor(command);
      if (!done.ok && done.error.code !== 'board-refused') return done;
      if (!done.ok) return this.resetByRegister();
    }
    return this.dialect.reset.length > 0 ? ok(undefined) : this.resetByRegister();
  }

  /** AIRCR: vector key and SYSRESETREQ. */
  private async resetByRegister(): Promise<Result<void>> {
    const done = await this.write(0xe000ed0c, Uint8Array.of(0x04, 0x00, 0xfa, 0x05));
    return done.ok || done.error.code !== 'board-refused' ? done : fail('board-lost', 'The board could not be reset.');
  }

  private async text(command: string, limitMs = REQUEST_MS): Promise<Result<string>> {
    const reply = await this.connection.request(command, { limitMs, interim: isConsole });
    return reply.ok ? ok(payloadText(reply.value)) : reply;
  }

  private bytes(payload: Uint8Array, limitMs = REQUEST_MS): Promise<Result<Uint8Array>> {
    return this.connection.requestBytes(payload, { limitMs, interim: isConsole });
  }

  private async expectOk(command: string, what: string, limitMs = REQUEST_MS): Promise<Result<void>> {
    const reply = await this.text(command, limitMs);
    if (!reply.ok) return reply;
    return reply.value === 'OK'
      ? ok(undefined)
      : fail(
          'board-refused',
          `The board refused to ${what}.`,
          `See what ${this.dialect.label} says of it; check the memory regions of the profile.`,
        );
  }
}

/** Console output of the target or server: `O` and hex, sent while a command is under way. */
function isConsole(reply: Uint8Array): boolean {
  return reply[0] === 0x4f && reply[1] !== 0x4b && reply.length % 2 === 1 && reply.length > 1;
}

function isError(reply: string): boolean {
  return reply === '' || /^E[0-9a-fA-F]{2}$/.test(reply) || reply.startsWith('E.');
}

function parseFeatures(reply: string): Map<string, string> {
  const features = new Map<string, string>();
  for (const item of reply.split(';')) {
    const equals = item.indexOf('=');
    if (equals > 0) features.set(item.slice(0, equals), item.slice(equals + 1));
    else if (item.length > 1) features.set(item.slice(0, -1), item.slice(-1));
  }
  return features;
}

function hex(value: number): string {
  return value.toString(16);
}

function hexAddress(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** Little-endian hex of a 32-bit value, and back. */
function wordHex(value: number): string {
  return toHex(Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24));
}

function word(text: string): number | undefined {
  const bytes = fromHex(text.slice(0, 8));
  if (bytes?.length !== 4) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

/** Byte offset in a `g` reply. The status register lies behind eight 12-byte FPA registers in the old layout. */
function registerOffset(number: number, total: number): number | undefined {
  if (number <= 15) return 4 * number;
  if (number !== armStatus) return undefined;
  if (total >= 168) return 164;
  return total >= 68 ? 64 : undefined;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
