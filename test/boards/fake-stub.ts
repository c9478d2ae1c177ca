/** A debug server in this process: memory, registers and a program written in TypeScript. For tests without a board. */
import { createServer, type Server, type Socket } from 'node:net';
import { framePacket, fromHex, payloadText, RspDecoder, textPayload, toHex } from '../../boards/src/rsp/codec.ts';

export interface FakeOptions {
  readonly features?: string;
  /** Commands answered with the empty packet, as a stub that does not know them does. */
  readonly unknown?: readonly string[];
  /** What a run does; returns where it stops, or undefined when it runs until it is interrupted. */
  readonly program?: (stub: FakeStub) => number | undefined;
  /** Replies are damaged this many times before they come through. */
  readonly damage?: number;
  /** Stops answering at this command. */
  readonly silentAt?: string;
  /** Drops the connection at this command. */
  readonly dropAt?: string;
  /** Sends every byte on its own. */
  readonly trickle?: boolean;
}

export class FakeStub {
  readonly memory = new Map<number, number>();
  readonly registers = new Array<number>(26).fill(0);
  readonly breakpoints = new Map<number, string>();
  readonly log: string[] = [];
  port = 0;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly options: FakeOptions;
  private damage: number;
  private lastReply: Uint8Array = new Uint8Array();
  private running = false;

  constructor(options: FakeOptions = {}) {
    this.options = options;
    this.damage = options.damage ?? 0;
    this.server = createServer((socket) => {
      this.serve(socket);
    });
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    const address = this.server.address();
    this.port = typeof address === 'object' && address ? address.port : 0;
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  bytes(address: number, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.memory.get(address + i) ?? 0);
  }

  set(address: number, bytes: Uint8Array): void {
    bytes.forEach((byte, i) => this.memory.set(address + i, byte));
  }

  word(address: number): number {
    return new DataView(this.bytes(address, 4).buffer).getUint32(0, true);
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    const decoder = new RspDecoder();
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Uint8Array) => {
      if (this.running && bytes.includes(3)) {
        this.running = false;
        this.send(socket, textPayload('T02'));
        return;
      }
      for (const event of decoder.push(bytes)) {
        if (event.kind === 'nack') this.transmit(socket, this.lastReply);
        if (event.kind !== 'packet') continue;
        const command = payloadText(event.payload);
        this.log.push(command);
        if (this.options.dropAt !== undefined && command.startsWith(this.options.dropAt)) {
          socket.destroy();
          return;
        }
        socket.write('+');
        if (this.options.silentAt !== undefined && command.startsWith(this.options.silentAt)) continue;
        const reply = this.answer(command, event.payload);
        if (reply !== undefined) this.send(socket, typeof reply === 'string' ? textPayload(reply) : reply);
      }
    });
  }

  private send(socket: Socket, payload: Uint8Array): void {
    this.lastReply = framePacket(payload);
    if (this.damage > 0) {
      this.damage--;
      const broken = this.lastReply.slice();
      broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
      this.transmit(socket, broken);
    } else {
      this.transmit(socket, this.lastReply);
    }
  }

  private transmit(socket: Socket, bytes: Uint8Array): void {
    if (!this.options.trickle) socket.write(bytes);
    else for (const byte of bytes) socket.write(Uint8Array.of(byte));
  }

  private answer(command: string, raw: Uint8Array): string | Uint8Array | undefined {
    if (this.options.unknown?.some((prefix) => command.startsWith(prefix))) return '';
    const numbers = /^(?:[Zz]\d,|[A-Za-z])([0-9a-f]+)[,:=]?([0-9a-f]*)/.exec(command);
    const [first, second] = [Number.parseInt(numbers?.[1] ?? '', 16), Number.parseInt(numbers?.[2] ?? '', 16)];
    if (command.startsWith('qSupported')) return this.options.features ?? 'PacketSize=100;QStartNoAckMode+';
    if (command === 'QStartNoAckMode') return 'OK';
    if (command === '?') return 'S05';
    if (command.startsWith('qRcmd')) return 'OK';
    if (command.startsWith('m')) return toHex(this.bytes(first, second));
    if (command.startsWith('M')) {
      this.set(first, fromHex(command.slice(command.indexOf(':') + 1)) ?? new Uint8Array());
      return 'OK';
    }
    if (command.startsWith('X')) {
      this.set(first, raw.slice(command.indexOf(':') + 1));
      return 'OK';
    }
    if (command === 'g')
      return this.registers
        .map((value) => wordHex(value))
        .join('')
        .slice(0, 17 * 8);
    if (command.startsWith('G')) {
      for (let i = 0; i < 17; i++)
        this.registers[i] = Number.parseInt(reverse(command.slice(1 + 8 * i, 9 + 8 * i)), 16);
      return 'OK';
    }
    if (command.startsWith('p')) return wordHex(this.registers[first] ?? 0);
    if (command.startsWith('P')) {
      this.registers[first] = Number.parseInt(reverse(command.slice(command.indexOf('=') + 1)), 16);
      return 'OK';
    }
    if (command.startsWith('Z')) {
      this.breakpoints.set(first, command.slice(0, 2));
      return 'OK';
    }
    if (command.startsWith('z')) {
      this.breakpoints.delete(first);
      return 'OK';
    }
    if (command.startsWith('vFlashErase')) return 'OK';
    if (command.startsWith('vFlashWrite')) {
      this.set(Number.parseInt(command.slice(12), 16), raw.slice(command.indexOf(':', 12) + 1));
      return 'OK';
    }
    if (command === 'vFlashDone') return 'OK';
    if (command === 'c') {
      const at = this.options.program?.(this);
      if (at === undefined) {
        this.running = true;
        return undefined;
      }
      this.registers[15] = at;
      return 'T05thread:01;';
    }
    return '';
  }
}

function wordHex(value: number): string {
  return reverse((value >>> 0).toString(16).padStart(8, '0'));
}

function reverse(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join('');
}
