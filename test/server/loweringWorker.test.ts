import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  isLoweringWorker,
  runInWorker,
  serveLoweringWorker,
  type WorkerScope,
} from '../../server/src/loweringWorker.ts';
import type { LowerResult } from '../../server/src/protocol.ts';

const job = { uri: 'file:///a.relay', version: 1, text: '#[version = "0.0.5"]\ndef @main() { 1 }\n', stage: 'typed' };

/** A worker's scope whose workers run in this thread; `broken` ones cannot be loaded. */
function scope(broken = false): { readonly scope: WorkerScope; readonly log: string[] } {
  const log: string[] = [];
  class FakeWorker {
    onmessage: ((event: { readonly data: unknown }) => void) | null = null;
    onerror: ((event: object) => void) | null = null;
    private readonly inner: WorkerScope;
    private ended = false;

    constructor(url: string, options: { readonly name: string }) {
      log.push(`start ${url}`);
      this.inner = {
        name: options.name,
        onmessage: null,
        postMessage: (data) => {
          if (!this.ended) this.onmessage?.({ data });
        },
      };
      if (isLoweringWorker(this.inner)) serveLoweringWorker(this.inner);
    }
    postMessage(data: unknown): void {
      setTimeout(() => (broken ? this.onerror?.({}) : this.inner.onmessage?.({ data })), 0);
    }
    terminate(): void {
      this.ended = true;
      log.push('end');
    }
  }
  const outer = {
    location: { href: 'blob:server' },
    Worker: FakeWorker,
    onmessage: null,
    postMessage: () => undefined,
  };
  return { scope: outer as unknown as WorkerScope, log };
}

describe('previews in a browser', () => {
  it('are made in a worker that is kept for the next, and started anew after one was given up', async () => {
    const { scope: own, log } = scope();
    const runner = runInWorker(own);
    assert.match(((await runner.run(job)) as LowerResult).text, /@main/);
    await runner.run(job);
    assert.deepEqual(log, ['start blob:server']);
    void runner.run(job);
    runner.stop();
    assert.match(((await runner.run(job)) as LowerResult).text, /@main/);
    assert.deepEqual(log, ['start blob:server', 'end', 'start blob:server']);
  });

  it('are made where the server runs when a worker may start no other', async () => {
    const { scope: own, log } = scope(true);
    const runner = runInWorker(own);
    assert.match(((await runner.run(job)) as LowerResult).text, /@main/);
    assert.match(((await runner.run(job)) as LowerResult).text, /@main/);
    assert.deepEqual(log, ['start blob:server', 'end']);
    const none = runInWorker({ onmessage: null, postMessage: () => undefined });
    assert.match(((await none.run(job)) as LowerResult).text, /@main/);
  });
});
