/** What compiling open documents tells, kept in step with their text; the views and decorations read it here. */
import * as vscode from 'vscode';
import { requests, type BuildParams, type BuildResult } from '../../server/src/protocol.ts';
import type { Profiles } from './profiles.ts';
import type { Session } from './session.ts';
import type { Tuned } from './tuned.ts';

/** Pause after the last change before a document is compiled anew. */
const pauseMs = 300;

export interface Built {
  readonly uri: vscode.Uri;
  readonly result: BuildResult;
}

/** What the language server says of the builds of open documents; one answer a version is kept. */
export class Builds implements vscode.Disposable {
  readonly profiles: Profiles;
  private readonly tuned: Tuned;
  private readonly session: Session;
  private readonly built = new vscode.EventEmitter<Built>();
  readonly onBuilt = this.built.event;
  private readonly results = new Map<string, BuildResult>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(session: Session, profiles: Profiles, tuned: Tuned) {
    this.session = session;
    this.profiles = profiles;
    this.tuned = tuned;
    this.subscriptions = [
      this.built,
      session.onChecked(({ uri }) => this.later(uri)),
      tuned.onChanged(() => {
        for (const key of this.results.keys()) this.later(key);
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget(uri.toString())),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        const document = editor?.document;
        if (document?.languageId !== 'relay') return;
        const key = document.uri.toString();
        if (this.results.get(key)?.version !== document.version && !this.timers.has(key)) this.later(key);
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('relay.boards.paths')) profiles.forget();
        if (!event.affectsConfiguration('relay.board')) return;
        for (const key of this.results.keys()) this.later(key);
      }),
    ];
  }

  /** The last build of a document, perhaps of an older version. */
  get(uri: vscode.Uri): BuildResult | undefined {
    return this.results.get(uri.toString());
  }

  /** Compiles a program that need not be open. */
  async compile(uri: vscode.Uri, text: string): Promise<BuildResult> {
    return this.request({ uri: uri.toString(), text });
  }

  /** Compiles the open document now. */
  async refresh(uri: vscode.Uri): Promise<BuildResult | undefined> {
    const key = uri.toString();
    try {
      const result = await this.request({ uri: key });
      if (!vscode.workspace.textDocuments.some((document) => document.uri.toString() === key)) return undefined;
      this.results.set(key, result);
      this.built.fire({ uri, result });
      return result;
    } catch (error) {
      this.session.output.debug(`No build of ${key}: ${String(error)}`);
      return undefined;
    }
  }

  private async request(params: BuildParams): Promise<BuildResult> {
    const settings = await this.tuned.settingsFor(vscode.Uri.parse(params.uri));
    const asked: BuildParams = { ...params, ...settings };
    return this.session.client.sendRequest<BuildResult>(requests.build, asked);
  }

  /** Documents that nobody looks at are compiled when they come to the front. */
  private later(key: string): void {
    if (!vscode.window.visibleTextEditors.some((editor) => editor.document.uri.toString() === key)) return;
    clearTimeout(this.timers.get(key));
    const start = (): void => {
      this.timers.delete(key);
      void this.refresh(vscode.Uri.parse(key));
    };
    this.timers.set(key, setTimeout(start, pauseMs));
  }

  private forget(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.results.delete(key);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
