/** A client of the language server over standard input and output. */
import { spawn, type ChildProcess } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';

export interface LanguageClient {
  readonly connection: MessageConnection;
  /** Whether changes of semantic tokens can be asked for. */
  readonly tokenDeltas: boolean;
  stop(): Promise<void>;
}

interface Capabilities {
  readonly semanticTokensProvider?: { readonly full?: { readonly delta?: boolean } };
}

/** Starts the bundled server and initialises it as an editor that takes diagnostics as they come, on a folder. */
export async function startServer(bundle: string, folder?: string): Promise<LanguageClient> {
  const child: ChildProcess = spawn(process.execPath, [bundle, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (!child.stdin || !child.stdout) throw new Error('The server has no standard streams.');
  const connection = createMessageConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  connection.listen();
  const { capabilities } = await connection.sendRequest<{ readonly capabilities: Capabilities }>('initialize', {
    processId: process.pid,
    rootUri: folder === undefined ? null : pathToFileURL(folder).href,
    capabilities: { textDocument: { semanticTokens: { requests: { full: { delta: true } } } } },
  });
  await connection.sendNotification('initialized', {});
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    connection,
    tokenDeltas: capabilities.semanticTokensProvider?.full?.delta === true,
    stop: async () => {
      await connection.sendRequest('shutdown');
      await connection.sendNotification('exit');
      await exited;
      connection.dispose();
    },
  };
}
