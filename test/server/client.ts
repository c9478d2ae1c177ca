/** A language server in a process of its own, for tests of the protocol. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type Hover,
  type InitializeParams,
  type InitializeResult,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
} from 'vscode-languageserver-protocol/node.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** A language server spoken to over standard input and output, with one document. */
export class Client {
  readonly uri: string;
  readonly connection: ProtocolConnection;
  readonly process: ChildProcess;
  private readonly published: PublishDiagnosticsParams[] = [];
  private readonly waiting: {
    wanted(params: PublishDiagnosticsParams): boolean;
    resolve(params: PublishDiagnosticsParams): void;
  }[] = [];

  constructor(uri = 'file:///work/model.relay') {
    this.uri = uri;
    const args = ['--import', 'tsx', 'server/src/main.ts', '--stdio'];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    this.process = child;
    this.connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    this.connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
      this.published.push(params);
      for (const wait of this.waiting) if (wait.wanted(params)) wait.resolve(params);
    });
    this.connection.listen();
  }

  initialize(more: Partial<InitializeParams> = {}): Promise<InitializeResult> {
    const params = { processId: process.pid, rootUri: null, capabilities: {}, ...more };
    return this.connection.sendRequest('initialize', params);
  }

  open(version: number, text: string, uri = this.uri): Promise<void> {
    return this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'relay', version, text },
    });
  }

  change(version: number, line: number, from: number, to: number, text: string): Promise<void> {
    return this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri: this.uri, version },
      contentChanges: [{ range: { start: { line, character: from }, end: { line, character: to } }, text }],
    });
  }

  /** The diagnostics of one version of the document. */
  diagnostics(version: number): Promise<PublishDiagnosticsParams> {
    return this.report((params) => params.version === version);
  }

  /** The first report of diagnostics that is wanted, come already or still to come. */
  report(wanted: (params: PublishDiagnosticsParams) => boolean): Promise<PublishDiagnosticsParams> {
    const known = this.published.find(wanted);
    return known ? Promise.resolve(known) : new Promise((resolve) => this.waiting.push({ wanted, resolve }));
  }

  hover(line: number, character: number): Promise<Hover | null> {
    return this.request('textDocument/hover', { position: { line, character } });
  }

  /** A request about the document. */
  request<T>(method: string, more: object = {}, uri = this.uri): Promise<T> {
    return this.connection.sendRequest(method, { textDocument: { uri }, ...more });
  }

  /** Ends the server as LSP wants it; resolves to its exit code. */
  async stop(): Promise<number | null> {
    const ended = new Promise<number | null>((resolve) => this.process.once('exit', resolve));
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    const code = await ended;
    this.connection.dispose();
    return code;
  }
}
