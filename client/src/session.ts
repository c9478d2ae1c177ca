/** The language server's life: start, restart after a crash, restart by hand, log. */
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  State,
  type BaseLanguageClient,
  type ErrorHandler,
  type LanguageClientOptions,
} from 'vscode-languageclient';
import { notifications, readSettings, type CheckedParams, type ServerOptions } from '../../server/src/protocol.ts';
import { createBackoff } from './engine/backoff.ts';

export type ClientFactory = (options: LanguageClientOptions) => BaseLanguageClient;

export type SessionState = 'starting' | 'running' | 'stopped';

/** One language server and its client. The client object lives as long as the extension; the server may be restarted. */
export class Session implements vscode.Disposable {
  readonly output: vscode.LogOutputChannel;
  readonly client: BaseLanguageClient;
  private readonly stateChanged = new vscode.EventEmitter<SessionState>();
  private readonly documentChecked = new vscode.EventEmitter<CheckedParams>();
  readonly onState = this.stateChanged.event;
  readonly onChecked = this.documentChecked.event;
  private readonly backoff = createBackoff();

  constructor(create: ClientFactory, output: vscode.LogOutputChannel) {
    this.output = output;
    const settings = readSettings(plainSettings());
    const initializationOptions: ServerOptions = { ...settings, pushDiagnostics: true };
    this.client = create({
      documentSelector: [{ language: 'relay' }],
      outputChannel: output,
      traceOutputChannel: output,
      initializationOptions,
      synchronize: { configurationSection: 'relay' },
      errorHandler: this.errorHandler(),
      markdown: { isTrusted: false, supportHtml: false },
    });
    // A request that a crash cut off is no news for the user: it goes to the log, and the restart follows.
    const log = this.client.error.bind(this.client);
    this.client.error = (message, data) => log(message, data, false);
    this.client.onDidChangeState(({ newState }) => {
      this.stateChanged.fire(
        newState === State.Running ? 'running' : newState === State.Starting ? 'starting' : 'stopped',
      );
    });
    this.client.onNotification(notifications.checked, (params: CheckedParams) => this.documentChecked.fire(params));
  }

  async start(): Promise<void> {
    try {
      await this.client.start();
    } catch (error) {
      this.output.error(`The language server did not start: ${String(error)}`);
    }
  }

  /** Restart by hand: also after the server was given up. */
  async restart(): Promise<void> {
    this.backoff.reset();
    if (this.client.isRunning()) await this.client.stop();
    await this.start();
  }

  /** Asks the server to report on every file of the workspace, open or not. */
  checkFiles(): void {
    void this.client.sendNotification(notifications.checkFiles).catch(() => undefined);
  }

  dispose(): void {
    this.stateChanged.dispose();
    this.documentChecked.dispose();
    void this.client.dispose().catch(() => undefined);
  }

  private errorHandler(): ErrorHandler {
    return {
      error: (error) => {
        this.output.error(`Connection to the language server: ${error.message}`);
        return { action: ErrorAction.Continue, handled: true };
      },
      closed: async () => {
        const wait = this.backoff.next(Date.now());
        if (wait === undefined) {
          const message = 'The Relay language server crashed again and again and was not restarted.';
          void offerRestart(message);
          return { action: CloseAction.DoNotRestart, message, handled: true };
        }
        this.output.warn(`The language server ended unexpectedly; it is started again in ${wait} ms.`);
        await new Promise((resolve) => setTimeout(resolve, wait));
        return { action: CloseAction.Restart, handled: true };
      },
    };
  }
}

async function offerRestart(message: string): Promise<void> {
  const restart = 'Restart';
  const show = 'Show Output';
  const choice = await vscode.window.showErrorMessage(message, restart, show);
  if (choice === restart) await vscode.commands.executeCommand('relay.restartServer');
  if (choice === show) await vscode.commands.executeCommand('relay.showOutput');
}

/** The settings that the server reads, as plain data. */
function plainSettings(): unknown {
  const section = vscode.workspace.getConfiguration('relay');
  return {
    inlayHints: {
      types: section.get('inlayHints.types'),
      shapesOnly: section.get('inlayHints.shapesOnly'),
      parameterNames: section.get('inlayHints.parameterNames'),
      valueRanges: section.get('inlayHints.valueRanges'),
    },
    valueRanges: { diagnostics: section.get('valueRanges.diagnostics') },
    diagnostics: { workspace: section.get('diagnostics.workspace') },
  };
}
