import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'mocha';
import {
  createProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type DocumentDiagnosticReport,
  type DocumentLink,
  type ProtocolConnection,
  type SemanticTokens,
  type SemanticTokensDelta,
  type WorkspaceDiagnosticReport,
  type WorkspaceEdit,
} from 'vscode-languageserver-protocol/node.js';
import { requests, type BuildResult, type LowerResult } from '../../server/src/protocol.ts';
import { header } from './fixture.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const library = 'file:///work/lib%20of%20layers/layers.relay';
const model = 'file:///work/lib%20of%20layers/model.relay';
const layers = `${header}def @twice(%x: Tensor[(2, 3), float32]) {\n  add(%x, %x)\n}\n`;
const main = `${header}import "layers.relay"\ndef @main(%x: Tensor[(2, 3), float32]) {\n  @twice(%x)\n}\n`;

describe('files that import others', () => {
  let connection: ProtocolConnection;
  let server: ChildProcess;
  before(async () => {
    server = spawn(process.execPath, ['--import', 'tsx', 'server/src/main.ts', '--stdio'], {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    assert.ok(server.stdin && server.stdout);
    connection = createProtocolConnection(
      new StreamMessageReader(server.stdout),
      new StreamMessageWriter(server.stdin),
    );
    connection.listen();
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: null,
      capabilities: { textDocument: { diagnostic: {} } },
    });
    await connection.sendNotification('initialized', {});
    await open(library, layers);
    await open(model, main);
  });
  after(async () => {
    await connection.sendRequest('shutdown');
    await connection.sendNotification('exit');
    connection.dispose();
    if (server.exitCode === null) server.kill();
  });

  const open = (uri: string, text: string): Promise<void> =>
    connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'relay', version: 1, text },
    });
  const change = (uri: string, version: number, text: string): Promise<void> =>
    connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version },
      contentChanges: [{ text }],
    });
  const codes = async (uri: string): Promise<readonly unknown[]> => {
    const report: DocumentDiagnosticReport = await connection.sendRequest('textDocument/diagnostic', {
      textDocument: { uri },
    });
    return report.kind === 'full'
      ? report.items.filter((item) => item.severity === 1).map((item) => item.code)
      : ['unchanged'];
  };

  it('are lowered with what they import; places are those of the document', async () => {
    const lowered: LowerResult = await connection.sendRequest(requests.lower, { uri: model, stage: 'typed' });
    assert.equal(lowered.failure, undefined);
    assert.match(lowered.text, /add\(/);
    assert.ok(lowered.origins.length > 0);
    assert.ok(lowered.origins.every(({ source }) => source.start.line < main.split('\n').length));
    const built: BuildResult = await connection.sendRequest(requests.build, { uri: model });
    assert.equal(built.failure, undefined);
    const closed: BuildResult = await connection.sendRequest(requests.build, { uri: `${model}2`, text: main });
    assert.equal(closed.failure, undefined);
  });
  it('know what the other file declares', async () => {
    assert.deepEqual(await codes(model), []);
  });

  it('are checked again when the other file changes', async () => {
    await change(library, 2, layers.replaceAll('twice', 'thrice'));
    assert.deepEqual(await codes(model), ['unknown-global']);
    await change(library, 3, layers);
    assert.deepEqual(await codes(model), []);
  });

  it('link to the other file', async () => {
    const links: readonly DocumentLink[] = await connection.sendRequest('textDocument/documentLink', {
      textDocument: { uri: model },
    });
    assert.deepEqual(
      links.map(({ target }) => target),
      [library],
    );
  });

  it('follow a rename', async () => {
    const edit: WorkspaceEdit = await connection.sendRequest('textDocument/rename', {
      textDocument: { uri: library },
      position: { line: 1, character: 6 },
      newName: '@double',
    });
    const changes = (edit.documentChanges ?? []).flatMap((file) =>
      'edits' in file
        ? file.edits.map((e) => [file.textDocument.uri, 'newText' in e ? e.newText : '', e.range.start])
        : [],
    );
    assert.deepEqual(changes, [
      [library, '@double', { line: 1, character: 4 }],
      [model, '@double', { line: 3, character: 2 }],
    ]);
  });

  it('answer for the whole workspace, and only with what is new', async () => {
    const first: WorkspaceDiagnosticReport = await connection.sendRequest('workspace/diagnostic', {
      previousResultIds: [],
    });
    assert.deepEqual(
      first.items.map(({ uri, kind }) => [uri, kind]),
      [
        [library, 'full'],
        [model, 'full'],
      ],
    );
    const previousResultIds = first.items.map(({ uri, resultId }) => ({ uri, value: resultId ?? '' }));
    const second: WorkspaceDiagnosticReport = await connection.sendRequest('workspace/diagnostic', {
      previousResultIds,
    });
    assert.deepEqual(
      second.items.map(({ kind }) => kind),
      ['unchanged', 'unchanged'],
    );
  });

  it('send only the tokens that changed', async () => {
    const textDocument = { uri: model };
    const full: SemanticTokens = await connection.sendRequest('textDocument/semanticTokens/full', { textDocument });
    assert.ok(full.resultId !== undefined && full.data.length > 0);
    await change(model, 2, main.replace('@twice(%x)', '@twice(nn.relu(%x))'));
    const delta: SemanticTokensDelta = await connection.sendRequest('textDocument/semanticTokens/full/delta', {
      textDocument,
      previousResultId: full.resultId,
    });
    assert.equal(delta.edits.length, 1);
    const data = [...full.data];
    for (const edit of delta.edits) data.splice(edit.start, edit.deleteCount, ...(edit.data ?? []));
    const fresh: SemanticTokens = await connection.sendRequest('textDocument/semanticTokens/full', { textDocument });
    assert.deepEqual(data, fresh.data);
  });
});
