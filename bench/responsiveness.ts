/**
 * Whether slow work ever keeps a keystroke waiting: while the server is busy a tiny request is asked again and again,
 * and the longest wait for its answer is the longest stop of the server.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startServer, type LanguageClient } from './support/language-client.ts';
import type { Row } from './support/measure.ts';
import { keystrokes, largeModel } from './support/models.ts';
import { DocumentSession } from './support/server-session.ts';

const goal = 50;

export async function responsiveness(root: string, bundle: string): Promise<Row[]> {
  const text = largeModel(root, 'lstm_512');
  const small = largeModel(root, 'resnet152');
  if (text === undefined || small === undefined) return [];
  const folder = mkdtempSync(path.join(tmpdir(), 'relay-workspace-'));
  const rows: Row[] = [];
  try {
    writeWorkspace(folder, small);
    const client = await startServer(bundle, folder);
    const measured = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      const began = performance.now();
      const wait = await longestWait(client, work);
      rows.push({ section: 'waits', name, value: wait, unit: 'ms', goal });
      rows.push({ section: 'waits', name: `… which took`, value: performance.now() - began, unit: 'ms' });
    };
    const session = new DocumentSession(client, 'file:///lstm_512.relay', text);
    const { connection } = client;
    await measured('opening 1.2 MB', () => session.open());
    const document = async (): Promise<void> => {
      await Promise.all([
        session.request('textDocument/semanticTokens/full'),
        session.request('textDocument/documentSymbol'),
        session.request('textDocument/foldingRange'),
        session.request('textDocument/codeLens'),
        session.request('textDocument/inlayHint', { range: session.whole() }),
      ]);
    };
    await measured('what an editor asks on opening', document);
    await measured('formatting 1.2 MB', () =>
      session.request('textDocument/formatting', { options: { tabSize: 2, insertSpaces: true } }),
    );
    await measured('typing with tokens and hints', async () => {
      for (const { at, remove, insert } of keystrokes(text, 15)) {
        const shown = session.change(at, remove, insert);
        void session.request('textDocument/semanticTokens/full').catch(() => undefined);
        void session.request('textDocument/inlayHint', { range: session.whole() }).catch(() => undefined);
        await shown;
        await session.change(at, insert.length, text.slice(at, at + remove));
      }
    });
    await measured('an open string, which parses everything again', async () => {
      const at = text.indexOf('%10 =');
      await session.change(at, 0, '"');
      await session.change(at, 1, '');
    });
    await measured('searching 200 closed files for a symbol', () =>
      connection.sendRequest('workspace/symbol', { query: 'main' }),
    );
    await measured('checking 200 closed files', () =>
      connection.sendRequest('workspace/diagnostic', { previousResultIds: [] }),
    );
    await client.stop();
  } finally {
    rmSync(folder, { recursive: true });
  }
  return rows;
}

/** Two hundred programs, each a little different, of some hundred lines. */
function writeWorkspace(folder: string, model: string): void {
  mkdirSync(path.join(folder, 'models'));
  const lines = model.split('\n');
  for (let i = 0; i < 200; i++) {
    const statements = lines.slice(2, 60 + (i % 50));
    const last = /^\s*(%\d+) =/.exec(statements.at(-1) ?? '')?.[1] ?? '%0';
    const text = [...lines.slice(0, 2), ...statements, `  ${last}`, '}', ''].join('\n');
    writeFileSync(path.join(folder, 'models', `m${i}.relay`), text);
  }
}

/** Milliseconds of the longest wait for an answer that costs nothing. */
async function longestWait({ connection }: LanguageClient, work: () => Promise<unknown>): Promise<number> {
  let busy = true;
  let longest = 0;
  const pings = (async () => {
    while (busy) {
      const began = performance.now();
      await connection.sendRequest('relay/stages');
      longest = Math.max(longest, performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  await work();
  busy = false;
  await pings;
  return longest;
}
