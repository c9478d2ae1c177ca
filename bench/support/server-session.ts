/** One document in a language server: edits, and waiting for their diagnostics. */
import { LineIndex } from '../../compiler/src/base/span.ts';
import type { LanguageClient } from './language-client.ts';

export class DocumentSession {
  readonly client: LanguageClient;
  readonly uri: string;
  readonly text: string;
  readonly lines: LineIndex;
  private version = 1;
  private readonly published = new Map<number, () => void>();

  constructor(client: LanguageClient, uri: string, text: string) {
    this.client = client;
    this.uri = uri;
    this.text = text;
    this.lines = new LineIndex(text);
    client.connection.onNotification(
      'textDocument/publishDiagnostics',
      (params: { readonly uri: string; readonly version?: number }) => {
        const newest = params.version;
        if (params.uri !== uri || newest === undefined) return;
        for (const [version, resolve] of this.published)
          if (version <= newest) {
            this.published.delete(version);
            resolve();
          }
      },
    );
  }

  get textDocument(): { readonly uri: string } {
    return { uri: this.uri };
  }

  /** Opens the document; resolves when its first diagnostics are there. */
  async open(): Promise<void> {
    const shown = this.diagnosticsOf(1);
    await this.client.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri: this.uri, languageId: 'relay', version: 1, text: this.text },
    });
    await shown;
  }

  /** Sends an edit of the original text's places; resolves when its diagnostics are there. */
  change(at: number, remove: number, insert: string): Promise<void> {
    const start = this.lines.position(at);
    const range = { start, end: { line: start.line, character: start.character + remove } };
    const version = ++this.version;
    const shown = this.diagnosticsOf(version);
    void this.client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri: this.uri, version },
      contentChanges: [{ range, text: insert }],
    });
    return shown;
  }

  whole(): object {
    return { start: { line: 0, character: 0 }, end: this.lines.position(this.text.length) };
  }

  request<T>(method: string, more: object = {}): Promise<T> {
    return this.client.connection.sendRequest<T>(method, { textDocument: this.textDocument, ...more });
  }

  private diagnosticsOf(version: number): Promise<void> {
    return new Promise((resolve) => this.published.set(version, resolve));
  }
}

export async function elapsed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}
