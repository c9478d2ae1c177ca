/**
 * Packets of the GDB remote serial protocol as bytes: framing, checksums, escapes and run-length encoding. Pure; knows
 * nothing of sockets, so every packet can be replayed split at every byte.
 */

const DOLLAR = 0x24;
const HASH = 0x23;
const PERCENT = 0x25;
const PLUS = 0x2b;
const MINUS = 0x2d;
const STAR = 0x2a;
const ESCAPE = 0x7d;

/** The byte that interrupts a running target; sent outside any packet. */
export const interruptByte = Uint8Array.of(0x03);

/** What the bytes from a stub amount to. */
export type RspEvent =
  | { readonly kind: 'packet'; readonly payload: Uint8Array }
  | { readonly kind: 'notification'; readonly payload: Uint8Array }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack' }
  /** A packet whose checksum does not fit its bytes, or whose escapes are cut. */
  | { readonly kind: 'corrupt' };

/** Text of a payload; the protocol's text is ASCII, binary parts keep their byte values. */
export function payloadText(payload: Uint8Array): string {
  let text = '';
  for (let i = 0; i < payload.length; i += 4096) text += String.fromCharCode(...payload.subarray(i, i + 4096));
  return text;
}

/** Bytes of a text in which every character stands for one byte. */
export function textPayload(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 0xff;
  return bytes;
}

/** Escapes the bytes that have a meaning inside a packet. */
export function escapeBinary(bytes: Uint8Array): Uint8Array {
  let extra = 0;
  for (const byte of bytes) if (isSpecial(byte)) extra++;
  if (extra === 0) return bytes;
  const out = new Uint8Array(bytes.length + extra);
  let at = 0;
  for (const byte of bytes) {
    if (isSpecial(byte)) {
      out[at++] = ESCAPE;
      out[at++] = byte ^ 0x20;
    } else {
      out[at++] = byte;
    }
  }
  return out;
}

function isSpecial(byte: number): boolean {
  return byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR;
}

/** A whole packet around an already escaped payload. */
export function framePacket(payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(payload.length + 4);
  packet[0] = DOLLAR;
  packet.set(payload, 1);
  const sum = checksum(payload);
  packet[payload.length + 1] = HASH;
  packet[payload.length + 2] = hexDigit(sum >> 4);
  packet[payload.length + 3] = hexDigit(sum & 15);
  return packet;
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = (sum + byte) & 0xff;
  return sum;
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Lower-case hex of bytes. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte < 16 ? `0${byte.toString(16)}` : byte.toString(16);
  return text;
}

/** Bytes of a hex text; undefined when it is none or has an odd length. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = hexValue(text.charCodeAt(2 * i));
    const low = hexValue(text.charCodeAt(2 * i + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

/** Undoes escapes and run lengths (`0*` and a count character, minus 29, of further copies); undefined when cut. */
export function decodePayload(raw: Uint8Array): Uint8Array | undefined {
  if (!raw.includes(ESCAPE) && !raw.includes(STAR)) return raw;
  const out: number[] = [];
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i] ?? 0;
    if (byte === ESCAPE) {
      i++;
      const next = raw[i];
      if (next === undefined) return undefined;
      out.push(next ^ 0x20);
    } else if (byte === STAR) {
      i++;
      const count = (raw[i] ?? 0) - 29;
      const last = out.at(-1);
      if (last === undefined || count < 3 || count > 97) return undefined;
      for (let k = 0; k < count; k++) out.push(last);
    } else {
      out.push(byte);
    }
  }
  return Uint8Array.from(out);
}

/** Turns a stream of bytes, however it is cut, into events. Bytes between packets that mean nothing are skipped. */
export class RspDecoder {
  private state: 'idle' | 'body' | 'high' | 'low' = 'idle';
  private notification = false;
  private body = new Uint8Array(1024);
  private length = 0;
  private sum = 0;
  private expected = 0;

  /** Feeds bytes; returns the events completed by them. */
  push(bytes: Uint8Array): RspEvent[] {
    const events: RspEvent[] = [];
    for (const byte of bytes) {
      const event = this.step(byte);
      if (event) events.push(event);
    }
    return events;
  }

  private step(byte: number): RspEvent | undefined {
    switch (this.state) {
      case 'idle':
        if (byte === PLUS) return { kind: 'ack' };
        if (byte === MINUS) return { kind: 'nack' };
        if (byte === DOLLAR || byte === PERCENT) this.begin(byte);
        return undefined;
      case 'body':
        // A new start inside a body means that the rest of the old packet was lost on the line.
        if (byte === DOLLAR) this.begin(byte);
        else if (byte === HASH) this.state = 'high';
        else this.append(byte);
        return undefined;
      case 'high':
        this.expected = hexValue(byte);
        this.state = 'low';
        return undefined;
      case 'low': {
        this.state = 'idle';
        const low = hexValue(byte);
        if (this.expected < 0 || low < 0 || this.expected * 16 + low !== this.sum) return { kind: 'corrupt' };
        const payload = decodePayload(this.body.slice(0, this.length));
        if (!payload) return { kind: 'corrupt' };
        return { kind: this.notification ? 'notification' : 'packet', payload };
      }
    }
  }

  private begin(byte: number): void {
    this.state = 'body';
    this.notification = byte === PERCENT;
    this.length = 0;
    this.sum = 0;
  }

  private append(byte: number): void {
    if (this.length === this.body.length) {
      const larger = new Uint8Array(this.body.length * 2);
      larger.set(this.body);
      this.body = larger;
    }
    this.body[this.length++] = byte;
    this.sum = (this.sum + byte) & 0xff;
  }
}
