import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { InitializeResult } from 'vscode-languageserver-protocol/node.js';
import { requests, type LowerResult, type StatusResult } from '../../server/src/protocol.ts';
import { Client } from './client.ts';
import { header } from './fixture.ts';

const uri = 'file:///work/model.relay';
const good = `${header}def @main(%x: Tensor[(2, 3), float32]) {\n  nn.relu(%x)\n}\n`;

describe('language server over stdio', () => {
  let client: Client;
  let initialized: InitializeResult;
  before(async () => {
    client = new Client();
    initialized = await client.initialize();
    await client.connection.sendNotification('initialized', {});
  });
  after(() => {
    if (client.process.exitCode === null) client.process.kill();
  });

  it('announces its services, with incremental synchronisation', () => {
    const { capabilities } = initialized;
    assert.deepEqual(capabilities.textDocumentSync, { openClose: true, change: 2 });
    assert.equal(capabilities.hoverProvider, true);
    assert.equal(capabilities.diagnosticProvider, undefined, 'a client that cannot ask gets diagnostics unasked');
  });

  it('reports an error as one types it, and takes it back', async () => {
    await client.open(1, good);
    assert.deepEqual((await client.diagnostics(1)).diagnostics, []);
    await client.change(2, 2, 2, 9, 'nn.rellu');
    const [problem, ...more] = (await client.diagnostics(2)).diagnostics;
    assert.ok(problem);
    assert.equal(more.length, 0);
    assert.deepEqual(problem.range, { start: { line: 2, character: 2 }, end: { line: 2, character: 10 } });
    assert.match(problem.message, /nn\.rellu/);
    assert.equal(problem.source, 'relay');
    await client.change(3, 2, 2, 10, 'nn.relu');
    assert.deepEqual((await client.diagnostics(3)).diagnostics, []);
  });

  it('answers a hover with the type of the text as it is now', async () => {
    const before = await client.hover(2, 5);
    assert.match(JSON.stringify(before), /Tensor\[\(2, 3\), float32\]/);
    await client.change(4, 1, 22, 23, '7');
    const now = await client.hover(2, 5);
    assert.match(JSON.stringify(now), /Tensor\[\(7, 3\), float32\]/);
  });

  it('keeps up with a burst of changes and reports on the last', async () => {
    const last = 4 + 200;
    for (let version = 5; version <= last; version++) {
      const odd = version % 2 === 1;
      await (odd ? client.change(version, 2, 2, 9, 'nn.rel') : client.change(version, 2, 2, 8, 'nn.relu'));
    }
    assert.deepEqual((await client.diagnostics(last)).diagnostics, []);
  });

  it('answers about a document that is not open with nothing', async () => {
    const answer = await client.connection.sendRequest('textDocument/hover', {
      textDocument: { uri: 'file:///elsewhere.relay' },
      position: { line: 0, character: 0 },
    });
    assert.equal(answer, null);
  });

  it('lowers a document in a process of its own', async () => {
    const result: LowerResult = await client.connection.sendRequest(requests.lower, { uri, stage: 'c' });
    assert.equal(result.failure, undefined);
    assert.equal(result.version, 204);
    assert.match(result.text, /#include/);
  });

  it('tells its state', async () => {
    const status: StatusResult = await client.connection.sendRequest(requests.status);
    assert.deepEqual(status.documents, [{ uri, version: 204, lines: 5 }]);
    assert.ok(status.operators > 50);
  });

  it('ends with exit code 0 when asked', async () => {
    assert.equal(await client.stop(), 0);
  });
});
