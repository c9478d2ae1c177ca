import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, describe, it } from 'mocha';
import type {
  DocumentSymbol,
  Hover,
  Location,
  LocationLink,
  Range,
  SymbolInformation,
  TextEdit,
  WorkspaceEdit,
} from 'vscode-languageserver-protocol/node.js';
import { Client } from './client.ts';
import { header } from './fixture.ts';

const good = `${header}def @main(%x: Tensor[(2, 3), float32]) {\n  nn.relu(%x)\n}\n`;

/** A message of the base protocol, whatever it holds. */
function raw(client: Client, body: string, head = `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`): void {
  client.process.stdin?.write(head + body);
}

async function alive(client: Client): Promise<void> {
  assert.match(JSON.stringify(await client.hover(2, 5)), /Tensor\[\(2, 3\), float32\]/);
}

describe('a language server that is treated badly', () => {
  let client: Client;
  let version = 1;
  before(async () => {
    client = new Client();
    await client.initialize();
    await client.connection.sendNotification('initialized', {});
    await client.open(version, good);
  });
  after(() => {
    if (client.process.exitCode === null) client.process.kill();
    client.connection.dispose();
  });

  it('lives through messages that are no messages', async () => {
    raw(client, '{"jsonrpc":"2.0","method":');
    raw(client, '[]');
    raw(client, '"hello"');
    raw(client, '{"jsonrpc":"2.0","id":"x","method":"textDocument/hover"}');
    raw(client, '{"jsonrpc":"2.0","id":"y","method":"textDocument/hover","params":{"textDocument":{}}}');
    raw(client, '{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"contentChanges":[{}]}}');
    await alive(client);
  });

  it('refuses methods that it does not know, and ignores unknown notifications', async () => {
    await assert.rejects(client.connection.sendRequest('relay/makeCoffee', {}), /Unhandled method|not found/i);
    await client.connection.sendNotification('relay/nonsense', { a: 1 });
    await client.connection.sendNotification('$/nonsense', { a: 1 });
    await alive(client);
  });

  it('takes changes beyond the ends of the text at its ends', async () => {
    const change = (range: Range, text: string): Promise<void> =>
      client.connection.sendNotification('textDocument/didChange', {
        textDocument: { uri: client.uri, version: ++version },
        contentChanges: [{ range, text }],
      });
    const at = (line: number, character: number): Range['start'] => ({ line, character });
    await change({ start: at(99, 0), end: at(2 ** 31 - 1, 2 ** 31 - 1) }, '// end\n');
    await change({ start: at(4, 0), end: at(1000, 0) }, '');
    await change({ start: at(2, 5), end: at(1, 3) }, '');
    assert.deepEqual((await client.diagnostics(version)).diagnostics, []);
    await alive(client);
  });

  it('answers at positions far outside of the text', async () => {
    const far = { line: 2 ** 31 - 1, character: 2 ** 31 - 1 };
    const methods = ['hover', 'definition', 'completion', 'references', 'documentHighlight', 'signatureHelp'];
    for (const method of methods)
      for (const position of [far, { line: 0, character: 9e9 }, { line: -1, character: -5 }])
        await client.request(`textDocument/${method}`, { position, context: { includeDeclaration: true } });
    const range = { start: far, end: { line: 0, character: 0 } };
    await client.request('textDocument/codeAction', { range, context: { diagnostics: [] } });
    await client.request('textDocument/inlayHint', { range });
    await client.request('textDocument/semanticTokens/range', { range });
    await client.request('textDocument/rangeFormatting', { range, options: { tabSize: 2, insertSpaces: true } });
    await client.request('textDocument/selectionRange', { positions: [far] });
    await alive(client);
  });

  it('goes by the order of changes, whatever their versions say', async () => {
    const change = (v: number, text: string): Promise<void> =>
      client.connection.sendNotification('textDocument/didChange', {
        textDocument: { uri: client.uri, version: v },
        contentChanges: [{ text }],
      });
    await change(500, good.replace('(2, 3)', '(5, 5)'));
    await change(500, good.replace('(2, 3)', '(6, 6)'));
    await change(7, good.replace('(2, 3)', '(7, 7)'));
    assert.match(JSON.stringify(await client.hover(2, 5)), /\(7, 7\)/);
    await change(501, good);
    await alive(client);
  });

  it('survives a document that is closed while it is asked about', async () => {
    const uri = 'file:///work/other.relay';
    const long = `${header}def @main(%x: Tensor[(2, 3), float32]) {\n  %0 = %x;\n${Array.from({ length: 3000 }, (_, i) => `  %${i + 1} = nn.relu(%${i});\n`).join('')}  %3000\n}\n`;
    await client.open(1, long, uri);
    const asked = ['documentSymbol', 'semanticTokens/full', 'foldingRange', 'codeLens'].map((method) =>
      client.request(`textDocument/${method}`, {}, uri).then(
        () => 'answered',
        () => 'refused',
      ),
    );
    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
    for (const answer of await Promise.all(asked)) assert.ok(answer === 'answered' || answer === 'refused');
    await client.open(2, good, uri);
    await client.open(3, good, uri);
    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
    await alive(client);
  });

  it('still ends when asked', async () => {
    assert.equal(await client.stop(), 0);
  });
});

describe('positions in a document', () => {
  let client: Client;
  before(async () => {
    client = new Client();
    await client.initialize();
    await client.connection.sendNotification('initialized', {});
  });
  after(async () => void (await client.stop()));

  it('are right behind characters of two code units, in comments and strings', async () => {
    const line = '  /* 😀𝒳 */ nn.rellu(%x)';
    await client.open(1, `${header}def @main(%x: Tensor[(2), float32], a="😀") {\n${line}\n}\n`);
    const [problem] = (await client.diagnostics(1)).diagnostics;
    assert.deepEqual(problem?.range, {
      start: { line: 2, character: line.indexOf('nn') },
      end: { line: 2, character: line.indexOf('(%x)') },
    });
    await client.change(2, 2, line.indexOf('rellu'), line.indexOf('(%x)'), 'relu');
    assert.deepEqual((await client.diagnostics(2)).diagnostics, []);
  });

  it('are right in files whose lines end with CR LF, and edits keep their line ends', async () => {
    const text = `${header}def @f(%x:int32) {\n  let %a=%x;\n  %a\n}\n`.replaceAll('\n', '\r\n');
    const uri = 'file:///work/windows.relay';
    await client.open(1, text, uri);
    const links: LocationLink[] = await client.request(
      'textDocument/definition',
      { position: { line: 3, character: 3 } },
      uri,
    );
    assert.deepEqual(links[0]?.targetSelectionRange, {
      start: { line: 2, character: 6 },
      end: { line: 2, character: 8 },
    });
    const edits: TextEdit[] = await client.request(
      'textDocument/formatting',
      { options: { tabSize: 2, insertSpaces: true } },
      uri,
    );
    assert.ok(edits.length > 0 && edits.every(({ newText }) => !/(?<!\r)\n/.test(newText)), JSON.stringify(edits));
    const symbols: DocumentSymbol[] = await client.request('textDocument/documentSymbol', {}, uri);
    assert.deepEqual(symbols[0]?.range.end, { line: 4, character: 1 });
  });
});

describe('a workspace of several folders', () => {
  let client: Client;
  let folder: string;
  const uriOf = (...names: string[]): string => pathToFileURL(path.join(folder, ...names)).href;
  const library = `${header}type Box { Full(int32), Empty }\ndef @twice(%x: int32) { add(%x, %x) }\n`;
  const user = (name: string): string =>
    `${header}import "../lib/library.relay"\ndef @${name}(%b: Box) { match (%b) { Full(%n) => @twice(%n), Empty => 0 } }\n`;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'relay-folders-'));
    for (const name of ['lib', 'one', 'two & more', 'node_modules']) mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, 'lib', 'library.relay'), library);
    writeFileSync(path.join(folder, 'one', 'a.relay'), user('a'));
    writeFileSync(path.join(folder, 'two & more', 'b.relay'), user('b'));
    writeFileSync(path.join(folder, 'node_modules', 'c.relay'), user('c'));
    writeFileSync(
      path.join(folder, 'one', 'own.relay'),
      `${header}def @twice(%x: int32) { %x }\ndef @main() { @twice(1) }\n`,
    );
    client = new Client(uriOf('one', 'a.relay'));
    await client.initialize({
      capabilities: { workspace: { workspaceFolders: true } },
      workspaceFolders: ['lib', 'one', 'two & more'].map((name) => ({ uri: uriOf(name), name })),
    });
    await client.connection.sendNotification('initialized', {});
    await client.open(1, user('a'));
    assert.deepEqual(
      (await client.diagnostics(1)).diagnostics.filter((d) => d.severity === 1),
      [],
    );
  });
  after(async () => {
    await client.stop();
    rmSync(folder, { recursive: true });
  });
  const nameOf = (uri: string): string => decodeURIComponent(uri).split('/').at(-1) ?? '';
  const line = user('a').split('\n')[2] ?? '';
  const at = (what: string): { position: { line: number; character: number } } => ({
    position: { line: 2, character: line.indexOf(what) + 1 },
  });

  it('leads from an imported function, type and constructor to their definitions in a closed file', async () => {
    const target = async (what: string): Promise<string> => {
      const [link]: LocationLink[] = await client.request('textDocument/definition', at(what));
      return link ? `${nameOf(link.targetUri)}:${link.targetSelectionRange.start.line}` : 'nowhere';
    };
    assert.deepEqual(await Promise.all(['@twice', 'Box', 'Full'].map(target)), [
      'library.relay:2',
      'library.relay:1',
      'library.relay:1',
    ]);
  });

  it('finds the uses of an imported name in all folders, and none of another declaration', async () => {
    const found: Location[] = await client.request('textDocument/references', {
      ...at('@twice'),
      context: { includeDeclaration: true },
    });
    assert.deepEqual(found.map(({ uri, range }) => `${nameOf(uri)}:${range.start.line}`).sort(), [
      'a.relay:2',
      'b.relay:2',
      'library.relay:2',
    ]);
  });

  it('renames in files that are not open, from a use', async () => {
    const edit: WorkspaceEdit = await client.request('textDocument/rename', { ...at('@twice'), newName: 'double' });
    const changed = (edit.documentChanges ?? []).flatMap((file) =>
      'edits' in file ? [`${nameOf(file.textDocument.uri)} ${file.textDocument.version} ${file.edits.length}`] : [],
    );
    assert.deepEqual(changed.sort(), ['a.relay 1 1', 'b.relay null 1', 'library.relay null 1']);
    const constructor: WorkspaceEdit = await client.request('textDocument/rename', { ...at('Full'), newName: 'Solid' });
    assert.equal(constructor.documentChanges?.length, 3);
  });

  it('refuses a new name that another file has already', async () => {
    await assert.rejects(
      client.request('textDocument/rename', { ...at('@twice'), newName: 'b' }),
      /b is taken already/,
    );
  });

  it('searches symbols in every file', async () => {
    const found: SymbolInformation[] = await client.connection.sendRequest('workspace/symbol', { query: 'twi' });
    assert.deepEqual(found.map(({ location }) => nameOf(location.uri)).sort(), ['library.relay', 'own.relay']);
  });

  it('shows who calls a function from other files', async () => {
    const [item]: { uri: string }[] = await client.request('textDocument/prepareCallHierarchy', at('@twice'));
    const calls: { from: { name: string } }[] = await client.connection.sendRequest('callHierarchy/incomingCalls', {
      item,
    });
    assert.deepEqual(calls.map(({ from }) => from.name).sort(), ['@a', '@b']);
  });

  it('forgets a folder that is removed', async () => {
    await client.connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: { added: [], removed: [{ uri: uriOf('two & more'), name: 'two' }] },
    });
    const found: SymbolInformation[] = await client.connection.sendRequest('workspace/symbol', { query: '@b' });
    assert.deepEqual(found, []);
  });

  it('reports on closed programs where that is wanted, and takes it back', async () => {
    writeFileSync(path.join(folder, 'one', 'wrong.relay'), `${header}def @main() { nn.rellu(1f) }\n`);
    const configure = (workspace: boolean): Promise<void> =>
      client.connection.sendNotification('workspace/didChangeConfiguration', {
        settings: { relay: { diagnostics: { workspace } } },
      });
    await configure(true);
    const ofWrong = (uri: string): boolean => nameOf(uri) === 'wrong.relay';
    const { diagnostics } = await client.report(({ uri }) => ofWrong(uri));
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['unknown-operator'],
    );
    await configure(false);
    await client.report(({ uri, diagnostics: found }) => ofWrong(uri) && found.length === 0);
  });

  it('reports what value ranges prove, and where it is explained', async () => {
    const uri = uriOf('one', 'clip.relay');
    await client.open(71, `${header}def @main(%x: Tensor[(3), uint8]) { clip(%x, a_min=0f, a_max=255f) }\n`, uri);
    const { diagnostics } = await client.report((r) => nameOf(r.uri) === 'clip.relay' && r.diagnostics.length > 0);
    const [found] = diagnostics;
    assert.equal(found?.code, 'dead-clip');
    const page: { text?: string } = await client.connection.sendRequest('relay/virtualDocument', {
      uri: found.codeDescription?.href,
    });
    assert.match(page.text ?? '', /^# A clip changes nothing/);
  });

  it('leads from names of the prelude to the prelude as a document', async () => {
    const uri = uriOf('one', 'prelude-user.relay');
    await client.open(1, `${header}def @main(%xs: List[int32]) { @map(@id, Cons(1, %xs)) }\n`, uri);
    const target = async (character: number): Promise<string> => {
      const links: LocationLink[] = await client.request(
        'textDocument/definition',
        { position: { line: 1, character } },
        uri,
      );
      return links[0]?.targetUri ?? 'nowhere';
    };
    for (const character of [16, 32, 42]) assert.equal(await target(character), 'relay-prelude:/prelude.relay');
    const answer: { text?: string } = await client.connection.sendRequest('relay/virtualDocument', {
      uri: 'relay-prelude:/prelude.relay',
    });
    assert.match(answer.text ?? '', /def @map/);
    await client.open(1, answer.text ?? '', 'relay-prelude:/prelude.relay');
    const hover: Hover | null = await client.request(
      'textDocument/hover',
      { position: { line: 1, character: 6 } },
      'relay-prelude:/prelude.relay',
    );
    assert.ok(hover);
    await assert.rejects(
      client.request('textDocument/rename', { position: { line: 1, character: 33 }, newName: 'm' }, uri),
      /prelude/,
    );
  });
});
