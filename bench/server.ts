/** What an editor feels: latencies of the language server over stdio with a file of 14,854 lines open. */
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { startServer } from './support/language-client.ts';
import { quantile, type Row } from './support/measure.ts';
import { keystrokes, largeModel } from './support/models.ts';
import { DocumentSession, elapsed } from './support/server-session.ts';

type MakeRow = (name: string, value: number, goal?: number) => Row;

const row: MakeRow = (name, value, goal) => ({
  section: 'editor',
  name,
  value,
  unit: 'ms',
  ...(goal === undefined ? {} : { goal }),
});

export async function serverLatencies(root: string, bundle: string): Promise<Row[]> {
  const text = largeModel(root, 'lstm_512');
  if (text === undefined) return [];
  const client = await startServer(bundle);
  try {
    const session = new DocumentSession(client, 'file:///lstm_512.relay', text);
    const open = await elapsed(() => session.open());
    return [
      row('open to first diagnostics', open, 1000),
      ...(await places(session)),
      ...(await wholeDocument(session)),
      ...(await typing(session)),
      row('cancellation p95', quantile(await cancellation(session), 0.95), 20),
    ];
  } finally {
    await client.stop();
  }
}

/** Requests at a hundred places; the first few warm the code up. */
async function places(session: DocumentSession): Promise<Row[]> {
  const positions = keystrokes(session.text, 100).map(({ at }) => session.lines.position(at));
  const rows: Row[] = [];
  const asked = async (name: string, method: string, goal?: number, more: object = {}): Promise<void> => {
    const times: number[] = [];
    for (const [i, position] of positions.entries()) {
      const ms = await elapsed(() => session.request(method, { position, ...more }));
      if (i >= 5) times.push(ms);
    }
    rows.push(row(`${name} p50`, quantile(times, 0.5)), row(`${name} p95`, quantile(times, 0.95), goal));
  };
  await asked('hover', 'textDocument/hover', 10);
  await asked('definition', 'textDocument/definition', 10);
  await asked('completion', 'textDocument/completion', 40);
  await asked('signature help', 'textDocument/signatureHelp');
  await asked('references', 'textDocument/references', undefined, { context: { includeDeclaration: true } });
  await asked('highlights', 'textDocument/documentHighlight');
  await asked('prepare rename', 'textDocument/prepareRename').catch(() => undefined);
  const actions: number[] = [];
  for (const position of positions)
    actions.push(
      await elapsed(() =>
        session.request('textDocument/codeAction', {
          range: { start: position, end: position },
          context: { diagnostics: [] },
        }),
      ),
    );
  rows.push(row('code actions p50', quantile(actions, 0.5)), row('code actions p95', quantile(actions, 0.95)));
  return rows;
}

/** Requests about the whole document: they take their time, in slices. */
async function wholeDocument(session: DocumentSession): Promise<Row[]> {
  const rows: Row[] = [];
  const asked = async (name: string, method: string, more: object = {}): Promise<void> => {
    const times: number[] = [];
    for (let i = 0; i < 5; i++) times.push(await elapsed(() => session.request(method, more)));
    rows.push(row(`${name} p50`, quantile(times, 0.5)));
  };
  await asked('semantic tokens', 'textDocument/semanticTokens/full');
  await asked('outline', 'textDocument/documentSymbol');
  await asked('folding', 'textDocument/foldingRange');
  await asked('inlay hints of the document', 'textDocument/inlayHint', { range: session.whole() });
  await asked('formatting', 'textDocument/formatting', { options: { tabSize: 2, insertSpaces: true } });
  return rows;
}

/** Keystrokes, each followed by what an editor asks for. */
async function typing(session: DocumentSession): Promise<Row[]> {
  const all = 'textDocument/semanticTokens/full';
  const { tokenDeltas } = session.client;
  let tokens = await session.request<{ resultId?: string }>(all);
  const found: number[] = [];
  const deltas: number[] = [];
  const step = async (at: number, remove: number, insert: string, counted: boolean): Promise<void> => {
    const diagnostics = await elapsed(() => session.change(at, remove, insert));
    const delta = await elapsed(async () => {
      const previousResultId = tokens.resultId;
      tokens = tokenDeltas ? await session.request(`${all}/delta`, { previousResultId }) : await session.request(all);
    });
    if (!counted) return;
    found.push(diagnostics);
    deltas.push(delta);
  };
  for (const [i, { at, remove, insert }] of keystrokes(session.text, 60).entries()) {
    await step(at, remove, insert, i >= 5);
    await step(at, insert.length, session.text.slice(at, at + remove), i >= 5);
  }
  const kind = tokenDeltas ? 'delta' : 'full';
  return [
    row('diagnostics after a keystroke p50', quantile(found, 0.5)),
    row('diagnostics after a keystroke p95', quantile(found, 0.95), 50),
    row(`semantic token ${kind} p50`, quantile(deltas, 0.5)),
    row(`semantic token ${kind} p95`, quantile(deltas, 0.95), 20),
  ];
}

/** How soon a request that is given up lets go: asked for right after a keystroke, cancelled at once. */
async function cancellation(session: DocumentSession): Promise<number[]> {
  const { connection } = session.client;
  const times: number[] = [];
  for (const { at, remove, insert } of keystrokes(session.text, 25)) {
    const shown = session.change(at, remove, insert);
    const source = new CancellationTokenSource();
    const params = { textDocument: session.textDocument, range: session.whole() };
    const asked = connection.sendRequest('textDocument/inlayHint', params, source.token).catch(() => undefined);
    const began = performance.now();
    source.cancel();
    await asked;
    times.push(performance.now() - began);
    await shown;
    await session.change(at, insert.length, session.text.slice(at, at + remove));
  }
  return times;
}
