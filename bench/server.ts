/** What an editor feels: latencies of the language server over stdio with a file of 14,854 lines open. */
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { LineIndex } from '../compiler/src/base/span.ts';
import { startServer, type LanguageClient } from './support/language-client.ts';
import { quantile, type Row } from './support/measure.ts';
import { keystrokes, largeModel } from './support/models.ts';

const uri = 'file:///lstm_512.relay';
const textDocument = { uri };

export async function serverLatencies(root: string, bundle: string): Promise<Row[]> {
  const text = largeModel(root, 'lstm_512');
  if (text === undefined) return [];
  const client = await startServer(bundle);
  try {
    return await new Session(client, text).measure();
  } finally {
    await client.stop();
  }
}

class Session {
  private readonly client: LanguageClient;
  private readonly text: string;
  private readonly lines: LineIndex;
  private version = 1;
  private readonly published = new Map<number, () => void>();

  constructor(client: LanguageClient, text: string) {
    this.client = client;
    this.text = text;
    this.lines = new LineIndex(text);
    client.connection.onNotification('textDocument/publishDiagnostics', (params: { version?: number }) => {
      if (params.version === undefined) return;
      for (const [version, resolve] of this.published)
        if (version <= params.version) {
          this.published.delete(version);
          resolve();
        }
    });
  }

  async measure(): Promise<Row[]> {
    const began = performance.now();
    const first = this.diagnosticsOf(1);
    await this.client.connection.sendNotification('textDocument/didOpen', {
      textDocument: { ...textDocument, languageId: 'relay', version: 1, text: this.text },
    });
    await first;
    const open = performance.now() - began;
    const places = keystrokes(this.text, 100).map(({ at }) => this.lines.position(at));
    const asked = async (method: string, more: object = {}): Promise<number> => {
      const times: number[] = [];
      for (const [i, position] of places.entries()) {
        const ms = await this.elapsed(() =>
          this.client.connection.sendRequest(method, { textDocument, position, ...more }),
        );
        if (i >= 5) times.push(ms);
      }
      return quantile(times, 0.95);
    };
    const row = (name: string, value: number, goal?: number): Row => ({
      section: 'editor',
      name,
      value,
      unit: 'ms',
      ...(goal === undefined ? {} : { goal }),
    });
    return [
      row('open to first diagnostics', open, 1000),
      row('hover p95', await asked('textDocument/hover'), 10),
      row('definition p95', await asked('textDocument/definition'), 10),
      row('completion p95', await asked('textDocument/completion'), 40),
      row('references p95', await asked('textDocument/references', { context: { includeDeclaration: true } })),
      ...(await this.typing(row)),
      row('cancellation p95', await this.cancellation(), 20),
    ];
  }

  /** Keystrokes, each followed by what an editor asks for. */
  private async typing(row: (name: string, value: number, goal?: number) => Row): Promise<Row[]> {
    const { connection } = this.client;
    const all = 'textDocument/semanticTokens/full';
    let tokens = await connection.sendRequest<{ resultId?: string }>(all, { textDocument });
    const found: number[] = [];
    const deltas: number[] = [];
    const step = async (at: number, remove: number, insert: string, counted: boolean): Promise<void> => {
      const began = performance.now();
      const shown = this.change(at, remove, insert);
      await shown;
      const diagnostics = performance.now() - began;
      const delta = await this.elapsed(async () => {
        const previousResultId = tokens.resultId;
        tokens = this.client.tokenDeltas
          ? await connection.sendRequest(`${all}/delta`, { textDocument, previousResultId })
          : await connection.sendRequest(all, { textDocument });
      });
      if (!counted) return;
      found.push(diagnostics);
      deltas.push(delta);
    };
    for (const [i, { at, remove, insert }] of keystrokes(this.text, 60).entries()) {
      await step(at, remove, insert, i >= 5);
      await step(at, insert.length, this.text.slice(at, at + remove), i >= 5);
    }
    return [
      row('diagnostics after a keystroke p50', quantile(found, 0.5)),
      row('diagnostics after a keystroke p95', quantile(found, 0.95), 50),
      row(`semantic token ${this.client.tokenDeltas ? 'delta' : 'full'} p95`, quantile(deltas, 0.95), 20),
    ];
  }

  /** How soon a request that is given up lets go: asked for right after a keystroke, cancelled at once. */
  private async cancellation(): Promise<number> {
    const { connection } = this.client;
    const times: number[] = [];
    for (const { at, remove, insert } of keystrokes(this.text, 25)) {
      const shown = this.change(at, remove, insert);
      const source = new CancellationTokenSource();
      const asked = Promise.resolve(
        connection.sendRequest('textDocument/inlayHint', { textDocument, range: this.whole() }, source.token),
      ).catch(() => undefined);
      const began = performance.now();
      source.cancel();
      await asked;
      times.push(performance.now() - began);
      await shown;
      await this.change(at, insert.length, this.text.slice(at, at + remove));
    }
    return quantile(times, 0.95);
  }

  private whole(): object {
    return { start: { line: 0, character: 0 }, end: this.lines.position(this.text.length) };
  }

  /** Sends an edit of the original text's places; resolves when its diagnostics are there. */
  private change(at: number, remove: number, insert: string): Promise<void> {
    const start = this.lines.position(at);
    const range = { start, end: { line: start.line, character: start.character + remove } };
    const version = ++this.version;
    const shown = this.diagnosticsOf(version);
    void this.client.connection.sendNotification('textDocument/didChange', {
      textDocument: { ...textDocument, version },
      contentChanges: [{ range, text: insert }],
    });
    return shown;
  }

  private diagnosticsOf(version: number): Promise<void> {
    return new Promise((resolve) => this.published.set(version, resolve));
  }

  private async elapsed(run: () => Promise<unknown>): Promise<number> {
    const began = performance.now();
    await run();
    return performance.now() - began;
  }
}
