import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { lowerDocument, refusedLowering, stageList, type LoweringJob } from '../../server/src/features/lowering.ts';
import { LoweringQueue, type LoweringRunner } from '../../server/src/loweringQueue.ts';
import type { LowerResult } from '../../server/src/protocol.ts';
import { header } from './fixture.ts';

const program = `def @main(%x: Tensor[(1, 8), float32], %w: Tensor[(4, 8), float32]) {
  %0 = nn.dense(%x, %w, units=4);
  nn.relu(%0)
}`;

function job(stage: string, options: Partial<LoweringJob> = {}): LoweringJob {
  return { uri: 'file:///test.relay', version: 1, text: header + program, stage, ...options };
}

describe('lowering previews', () => {
  it('show every stage of the list as text', () => {
    for (const { name, title, summary } of stageList()) {
      const lowered = lowerDocument(job(name));
      assert.equal(lowered.failure, undefined, `${name}: ${lowered.failure?.message}`);
      assert.notEqual(lowered.text, '', name);
      assert.ok(title !== '' && summary.endsWith('.'), name);
    }
  });
  it('end in C, whose lines lead back to the source', () => {
    const { text, language, origins } = lowerDocument(job('c'));
    assert.equal(language, 'c');
    assert.match(text, /#include/);
    // Line 2 (the header not counted) is the call of nn.dense.
    assert.ok(origins.some(({ source }) => source.start.line === 2));
    const lines = text.split('\n').length;
    for (const { line } of origins) assert.ok(line < lines);
  });
  it('of a broken program say what is wrong', () => {
    const { failure, text } = lowerDocument(job('fused', { text: `${header}def @main() { %x }` }));
    assert.equal(text, '');
    assert.match(failure?.message ?? '', /%x/);
  });
  it('of an unknown stage name the stages there are', () => {
    assert.match(lowerDocument(job('nonsense')).failure?.remedy ?? '', /fused/);
  });
  it('take a file name that C would not', () => {
    assert.match(lowerDocument(job('c', { uri: 'file:///a/3%20b-c.relay' })).text, /model_3_b_c/);
  });
  it('refuse parameters that are none', () => {
    const { failure } = lowerDocument(job('typed', { params: 'AQID' }));
    assert.ok(failure);
  });
});

describe('a queue of previews', () => {
  /** A runner whose jobs end when the test says so. */
  class Slow implements LoweringRunner {
    readonly started: LoweringJob[] = [];
    stopped = 0;
    private resolve: ((result: LowerResult) => void) | undefined;

    run(started: LoweringJob): Promise<LowerResult> {
      this.started.push(started);
      return new Promise((resolve) => (this.resolve = resolve));
    }
    finish(text: string): void {
      this.resolve?.({ version: 0, text, language: 'text', origins: [] });
    }
    stop(): void {
      this.stopped++;
    }
    dispose(): void {
      this.stop();
    }
  }

  it('gives up the older version when a newer one comes, and answers both with the newer', async () => {
    const slow = new Slow();
    const queue = new LoweringQueue(slow);
    const older = queue.request(job('c', { version: 1 }));
    const newer = queue.request(job('c', { version: 2, text: 'changed' }));
    assert.equal(slow.stopped, 1);
    slow.finish('new');
    assert.equal((await older).text, 'new');
    assert.equal((await newer).text, 'new');
    assert.deepEqual(
      slow.started.map((j) => j.version),
      [1, 2],
    );
  });
  it('lets other stages wait their turn', async () => {
    const slow = new Slow();
    const queue = new LoweringQueue(slow);
    const first = queue.request(job('c'));
    const second = queue.request(job('fused'));
    assert.equal(slow.started.length, 1);
    slow.finish('C');
    assert.equal((await first).text, 'C');
    slow.finish('fused');
    assert.equal((await second).text, 'fused');
  });
  it('lets what is looked at go before what tells about whole programs', async () => {
    const slow = new Slow();
    const queue = new LoweringQueue(slow);
    const first = queue.request(job('c'));
    void queue.request({ kind: 'build', uri: 'file:///large.relay', version: 1, text: '' });
    const looked = queue.request(job('fused'));
    slow.finish('C');
    await first;
    slow.finish('fused');
    assert.equal((await looked).text, 'fused');
    assert.deepEqual(
      slow.started.map((j) => j.uri),
      ['file:///test.relay', 'file:///test.relay', 'file:///large.relay'],
    );
  });
  it('gives up what belongs to a closed document', async () => {
    const slow = new Slow();
    const queue = new LoweringQueue(slow);
    const pending = queue.request(job('c'));
    queue.closed('file:///test.relay');
    assert.match((await pending).failure?.message ?? '', /closed/);
    assert.equal(slow.stopped, 1);
  });
  it('tells of a runner that broke', async () => {
    const broken: LoweringRunner = {
      run: () => Promise.reject(new Error('no process')),
      stop: () => undefined,
      dispose: () => undefined,
    };
    const result = await new LoweringQueue(broken).request(job('c'));
    assert.deepEqual(result, refusedLowering(1, 'Lowering failed: no process'));
  });
});
