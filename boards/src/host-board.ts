/** A native process behind the board interface: the harness of `runtime/boards/host` serves memory and runs. */
import type { ChildProcess } from 'node:child_process';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { Board, BoardProfile, Image, StopReason } from './board.ts';
import { killChild, startChild } from './child.ts';

const STEP_MS = 5000;

interface Waiting {
  readonly bytes: number;
  readonly resolve: (bytes: Uint8Array | undefined) => void;
}

/** Reads exact numbers of bytes from a process; undefined when it ends first. */
class Replies {
  private chunks: Buffer[] = [];
  private available = 0;
  private waiting: Waiting | undefined;
  private ended = false;

  constructor(child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.available += chunk.length;
      this.serve();
    });
    child.stdout?.on('close', () => {
      this.ended = true;
      this.serve();
    });
  }

  take(bytes: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      this.waiting = { bytes, resolve };
      this.serve();
    });
  }

  private serve(): void {
    const { waiting } = this;
    if (!waiting || (this.available < waiting.bytes && !this.ended)) return;
    this.waiting = undefined;
    if (this.available < waiting.bytes) {
      waiting.resolve(undefined);
      return;
    }
    const all = Buffer.concat(this.chunks);
    this.chunks = [all.subarray(waiting.bytes)];
    this.available = all.length - waiting.bytes;
    waiting.resolve(Uint8Array.from(all.subarray(0, waiting.bytes)));
  }
}

interface Process {
  readonly child: ChildProcess;
  readonly replies: Replies;
  readonly exited: Promise<void>;
  /** Distance between where the process lies and its link addresses. */
  slide: bigint;
}

export class HostBoard implements Board {
  readonly profile: BoardProfile;
  private image: Image | undefined;
  private process: Process | undefined;

  constructor(profile: BoardProfile) {
    this.profile = profile;
  }

  async load(image: Image): Promise<Result<void>> {
    await this.close();
    this.image = image;
    const live = await this.live();
    return live.ok ? ok(undefined) : live;
  }

  async write(address: number, bytes: Uint8Array): Promise<Result<void>> {
    const reply = await this.exchange('w', address, bytes.length, bytes, 1, STEP_MS);
    return reply.ok ? ok(undefined) : reply;
  }

  read(address: number, length: number): Promise<Result<Uint8Array>> {
    return this.exchange('r', address, length, undefined, length, STEP_MS);
  }

  async run(limitMs: number, token?: CancellationToken): Promise<Result<StopReason>> {
    const live = await this.live();
    if (!live.ok) return live;
    const poll = setInterval(() => {
      if (token?.isCancellationRequested) killChild(live.value.child);
    }, 50);
    live.value.child.stdin?.write('g');
    const reply = await this.reply(live.value, 1, limitMs);
    clearInterval(poll);
    if (reply.ok) return ok({ kind: 'breakpoint', address: this.image?.symbols.get('relay_ready')?.address ?? 0 });
    if (token?.isCancellationRequested) return fail('cancelled', 'Cancelled.');
    if (reply.error.code === 'board-fault')
      return ok({ kind: 'fault', detail: reply.error.message.replace('The program', 'it') });
    return reply;
  }

  async reset(): Promise<Result<void>> {
    await this.close();
    if (!this.image) return ok(undefined);
    const live = await this.live();
    return live.ok ? ok(undefined) : live;
  }

  async close(): Promise<void> {
    const { process: live } = this;
    this.process = undefined;
    if (!live) return;
    killChild(live.child);
    await live.exited;
  }

  private async live(): Promise<Result<Process>> {
    if (this.process) return ok(this.process);
    const { image } = this;
    const ready = image?.symbols.get('relay_ready');
    if (!image || !ready) return fail('board-lost', 'No program is loaded.');
    const child = startChild(image.path, [], { stdin: 'pipe' });
    child.stderr?.resume();
    // Writing to a process that has just died must not end this one.
    child.stdin?.on('error', () => undefined);
    const exited = new Promise<void>((resolve) => {
      child.once('close', () => {
        resolve();
      });
      child.once('error', () => {
        resolve();
      });
    });
    const started: Process = { child, replies: new Replies(child), exited, slide: 0n };
    this.process = started;
    const hello = await this.reply(started, 8, STEP_MS);
    if (!hello.ok) return hello;
    const at = new DataView(hello.value.buffer).getBigUint64(0, true);
    started.slide = at - BigInt(ready.address);
    return ok(started);
  }

  private async exchange(
    request: string,
    address: number,
    length: number,
    bytes: Uint8Array | undefined,
    replyBytes: number,
    limitMs: number,
  ): Promise<Result<Uint8Array>> {
    const live = await this.live();
    if (!live.ok) return live;
    const head = new DataView(new ArrayBuffer(17));
    head.setUint8(0, request.charCodeAt(0));
    head.setBigUint64(1, BigInt(address) + live.value.slide, true);
    head.setBigUint64(9, BigInt(length), true);
    live.value.child.stdin?.write(new Uint8Array(head.buffer));
    if (bytes) live.value.child.stdin?.write(bytes);
    return this.reply(live.value, replyBytes, limitMs);
  }

  /** Waits for bytes; a process that ends or is silent is closed, and a later step starts a new one. */
  private async reply(live: Process, bytes: number, limitMs: number): Promise<Result<Uint8Array>> {
    let silent = false;
    const timer = setTimeout(() => {
      silent = true;
      killChild(live.child);
    }, limitMs);
    const got = await live.replies.take(bytes);
    clearTimeout(timer);
    if (got) return ok(got);
    await live.exited;
    if (this.process === live) this.process = undefined;
    if (silent) return fail('board-timeout', `The program did not end within ${limitMs} ms.`, 'The process was ended.');
    const how = live.child.signalCode ?? `exit code ${live.child.exitCode ?? 'unknown'}`;
    if (live.child.signalCode === 'SIGKILL') {
      return fail('board-lost', 'The process was killed from outside.', 'Start the operation again.');
    }
    return fail('board-fault', `The program ended by ${how}.`);
  }
}
