/**
 * One connection to a stub: requests one after the other, acknowledgements, deadlines, cancellation and the interrupt
 * byte. It carries payloads and knows no command.
 */
import type { Duplex } from 'node:stream';
import type { CancellationToken } from '../../../compiler/src/base/cancellation.ts';
import { fail, ok, type Failure, type Result } from '../../../compiler/src/base/result.ts';
import { framePacket, interruptByte, payloadText, RspDecoder, textPayload } from './codec.ts';

/** How a request waits. */
export interface RequestOptions {
  /** Milliseconds until the request fails with `board-timeout`; the connection is unusable after that. */
  readonly limitMs: number;
  readonly token?: CancellationToken | undefined;
  /** Sees every reply; true means that it is an interim one (console output) and the wait goes on. */
  readonly interim?: (reply: Uint8Array) => boolean;
}

interface Pending {
  readonly packet: Uint8Array;
  readonly options: RequestOptions;
  readonly resolve: (result: Result<Uint8Array>) => void;
  timer: NodeJS.Timeout | undefined;
  resends: number;
}

const MAX_RESENDS = 3;

const silence: Failure = {
  code: 'board-timeout',
  message: 'The board did not answer in time.',
  remedy: 'Check the cable and the debug server, then try again.',
};

/** A byte stream with the protocol's framing. Requests queue; at most one is on the line. */
export class RspConnection {
  private readonly stream: Duplex;
  private readonly decoder = new RspDecoder();
  private readonly queue: Pending[] = [];
  private active: Pending | undefined;
  private acks = true;
  private lost: Failure | undefined;
  private readonly lostListeners: ((failure: Failure) => void)[] = [];

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (bytes: Uint8Array) => {
      this.receive(bytes);
    });
    stream.on('error', (error: Error) => {
      this.lose(`The connection to the board broke: ${error.message}.`);
    });
    stream.on('close', () => {
      this.lose('The board closed the connection.');
    });
  }

  /** Set once the connection is gone. */
  get failure(): Failure | undefined {
    return this.lost;
  }

  /** Calls back once when the connection is lost. */
  onLost(listener: (failure: Failure) => void): void {
    this.lostListeners.push(listener);
  }

  /** Stops sending and expecting acknowledgements, after the stub agreed to. */
  disableAcks(): void {
    this.acks = false;
  }

  /** Sends a text command and waits for its reply. */
  request(command: string, options: RequestOptions): Promise<Result<Uint8Array>> {
    return this.requestBytes(textPayload(command), options);
  }

  /** Sends an already escaped payload and waits for its reply. */
  requestBytes(payload: Uint8Array, options: RequestOptions): Promise<Result<Uint8Array>> {
    if (this.lost) return Promise.resolve({ ok: false, error: this.lost });
    return new Promise((resolve) => {
      this.queue.push({ packet: framePacket(payload), options, resolve, timer: undefined, resends: 0 });
      this.pump();
    });
  }

  /** Sends the interrupt byte at once, beside any request that is waiting. */
  interrupt(): void {
    if (!this.lost) this.stream.write(interruptByte);
  }

  /** Ends the connection; requests that wait fail with `board-lost`. */
  close(): void {
    this.lose('The connection to the board was closed.');
    this.stream.destroy();
  }

  private pump(): void {
    if (this.active || this.lost) return;
    const next = this.queue.shift();
    if (!next) return;
    if (next.options.token?.isCancellationRequested) {
      next.resolve(fail('cancelled', 'Cancelled.'));
      this.pump();
      return;
    }
    this.active = next;
    next.timer = setTimeout(() => {
      this.lose(silence);
    }, next.options.limitMs);
    this.stream.write(next.packet);
  }

  private finish(result: Result<Uint8Array>): void {
    const done = this.active;
    this.active = undefined;
    if (!done) return;
    clearTimeout(done.timer);
    done.resolve(result);
    this.pump();
  }

  private receive(bytes: Uint8Array): void {
    for (const event of this.decoder.push(bytes)) {
      if (event.kind === 'packet') {
        if (this.acks) this.stream.write('+');
        this.reply(event.payload);
      } else if (event.kind === 'corrupt') {
        if (this.acks) this.stream.write('-');
        else this.lose('The board sent a damaged packet.');
      } else if (event.kind === 'nack') {
        this.resend();
      }
    }
  }

  private reply(payload: Uint8Array): void {
    if (!this.active) return;
    if (this.active.options.interim?.(payload)) return;
    this.finish(ok(payload));
  }

  private resend(): void {
    if (!this.active || !this.acks) return;
    if (++this.active.resends > MAX_RESENDS) {
      this.lose(`The board refused ${payloadText(this.active.packet.slice(1, 12))} as damaged ${MAX_RESENDS} times.`);
      return;
    }
    this.stream.write(this.active.packet);
  }

  private lose(reason: string | Failure): void {
    if (this.lost) return;
    const remedy = 'Check that the board and its debug server are running, then try again.';
    this.lost = typeof reason === 'string' ? { code: 'board-lost', message: reason, remedy } : reason;
    const waiting = this.queue.splice(0);
    this.finish({ ok: false, error: this.lost });
    for (const pending of waiting) pending.resolve({ ok: false, error: this.lost });
    for (const listener of this.lostListeners) listener(this.lost);
    this.stream.destroy();
  }
}
