/** "Show Lowering": a stage of the compiler beside the source, kept in step with it, never taking the focus. */
import * as vscode from 'vscode';
import {
  requests,
  type LineOrigin,
  type LowerParams,
  type LowerResult,
  type StageInfo,
} from '../../server/src/protocol.ts';
import { linkOrigins } from './origins.ts';
import { parametersOf } from './parameters.ts';
import type { Session } from './session.ts';

/** Scheme of the documents of stages. */
export const scheme = 'relay-lowering';
/** Pause after the last change before a stage is made anew. */
const pauseMs = 200;

/** Editor languages of stages. Lowered Relay has one of its own: coloured like Relay, but not checked as a source. */
const languageIds: Record<LowerResult['language'], string> = { relay: 'relay-lowered', c: 'c', text: 'relay-lowered' };

/** `relay-lowering:/model.fused.txt?{"stage":…,"source":…}` */
export interface Address {
  readonly stage: string;
  readonly source: string;
}

/** What a document of a stage shows. */
export function addressOf(uri: vscode.Uri): Address {
  const { stage, source } = JSON.parse(uri.query) as Partial<Address>;
  return { stage: stage ?? '', source: source ?? '' };
}

/** The document of a stage of a source. */
export function uriFor(source: vscode.Uri, stage: string): vscode.Uri {
  const name = source.path.split('/').at(-1) ?? 'program';
  const query = JSON.stringify({ stage, source: source.toString() } satisfies Address);
  return vscode.Uri.from({
    scheme,
    path: `/${name.replace(/\.relay$/, '')}${stage === 'c' ? '.c' : `.${stage}.txt`}`,
    query,
  });
}

export class LoweringProvider implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly session: Session;
  private readonly languages = new Map<string, LowerResult['language']>();
  private readonly originsByUri = new Map<string, readonly LineOrigin[]>();
  private readonly provided = new vscode.EventEmitter<vscode.Uri>();
  /** A document of a stage got new text, and with it new origins. */
  readonly onProvided = this.provided.event;
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(session: Session) {
    this.session = session;
    this.subscriptions = [
      session.onChecked(({ uri }) => this.refreshLater(uri)),
      vscode.workspace.onDidCloseTextDocument((document) => {
        const key = document.uri.toString();
        clearTimeout(this.timers.get(key));
        this.timers.delete(key);
        this.languages.delete(key);
        this.originsByUri.delete(key);
      }),
    ];
  }

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const { stage, source } = addressOf(uri);
    try {
      const weights = await parametersOf(vscode.Uri.parse(source));
      const params: LowerParams = { uri: source, stage, ...(weights === undefined ? {} : { params: weights }) };
      const result = await this.session.client.sendRequest<LowerResult>(requests.lower, params, token);
      if (!result.failure) this.languages.set(uri.toString(), result.language);
      this.originsByUri.set(uri.toString(), result.origins);
      // The editor takes the text over after this call has returned.
      setTimeout(() => this.provided.fire(uri), 50);
      return result.failure ? failureText(stage, result.failure) : result.text;
    } catch (error) {
      return failureText(stage, { message: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Where the lines of a stage's document came from. */
  originsOf(uri: vscode.Uri): readonly LineOrigin[] {
    return this.originsByUri.get(uri.toString()) ?? [];
  }

  /** The editor language of a stage's document that was provided already. */
  languageOf(uri: vscode.Uri): string {
    return languageIds[this.languages.get(uri.toString()) ?? 'text'];
  }

  private refreshLater(source: string): void {
    const open = vscode.workspace.textDocuments.filter(
      (document) => document.uri.scheme === scheme && addressOf(document.uri).source === source,
    );
    for (const document of open) {
      const key = document.uri.toString();
      clearTimeout(this.timers.get(key));
      this.timers.set(
        key,
        setTimeout(() => this.changed.fire(document.uri), pauseMs),
      );
    }
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
    this.changed.dispose();
    this.provided.dispose();
  }
}

function failureText(stage: string, failure: { readonly message: string; readonly remedy?: string }): string {
  const lines = [`The program has no stage "${stage}" yet.`, '', failure.message, failure.remedy ?? ''];
  return lines
    .filter((line, i) => line !== '' || i === 1)
    .map((line) => (line === '' ? '//' : `// ${line}`))
    .join('\n');
}

/** Registers the documents of stages and the command that opens one. */
export function registerLowering(session: Session): vscode.Disposable {
  const provider = new LoweringProvider(session);
  return vscode.Disposable.from(
    provider,
    linkOrigins(provider),
    vscode.workspace.registerTextDocumentContentProvider(scheme, provider),
    vscode.commands.registerCommand('relay.showLowering', (resource?: unknown, stage?: unknown) =>
      showLowering(session, provider, resource, stage),
    ),
    vscode.commands.registerCommand('relay.compareStages', (resource?: unknown, first?: unknown, second?: unknown) =>
      compareStages(session, provider, resource, first, second),
    ),
  );
}

/** The Relay document that a command is about: what it was called on, what a stage was made from, the active editor's. */
export function sourceDocument(resource: unknown): vscode.TextDocument | undefined {
  const given = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
  const wanted = given?.scheme === scheme ? addressOf(given).source : given?.toString();
  const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === wanted);
  if (document?.languageId === 'relay') return document;
  void vscode.window.showInformationMessage('Open a Relay file to see how it is lowered.');
  return undefined;
}

/** Opens a stage beside the source. `resource` and `stage` may be given by a caller; otherwise the user is asked. */
async function showLowering(
  session: Session,
  provider: LoweringProvider,
  resource: unknown,
  wanted: unknown,
): Promise<void> {
  const source = sourceDocument(resource)?.uri;
  if (!source) return;
  const stage = typeof wanted === 'string' ? wanted : await chooseStage(session, 'Stage to show beside the source');
  if (stage === undefined) return;
  await vscode.window.showTextDocument(await stageDocument(provider, source, stage), {
    viewColumn: vscode.ViewColumn.Beside,
    preserveFocus: true,
    preview: false,
  });
}

/** The document of a stage, coloured. */
async function stageDocument(
  provider: LoweringProvider,
  source: vscode.Uri,
  stage: string,
): Promise<vscode.TextDocument> {
  const provided = await vscode.workspace.openTextDocument(uriFor(source, stage));
  const language = provider.languageOf(provided.uri);
  return provided.languageId === language ? provided : vscode.languages.setTextDocumentLanguage(provided, language);
}

/** Two stages side by side as a difference, asked for where the caller names none. */
async function compareStages(
  session: Session,
  provider: LoweringProvider,
  resource: unknown,
  first: unknown,
  second: unknown,
): Promise<void> {
  const source = sourceDocument(resource)?.uri;
  if (!source) return;
  const left = typeof first === 'string' ? first : await chooseStage(session, 'Stage on the left');
  if (left === undefined) return;
  const right = typeof second === 'string' ? second : await chooseStage(session, 'Stage on the right');
  if (right === undefined) return;
  const sides = [await stageDocument(provider, source, left), await stageDocument(provider, source, right)];
  const name = source.path.split('/').at(-1) ?? '';
  await vscode.commands.executeCommand(
    'vscode.diff',
    ...sides.map((document) => document.uri),
    `${name}: ${stageTitle(left)} ↔ ${stageTitle(right)}`,
    {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: true,
      preview: true,
    } satisfies vscode.TextDocumentShowOptions,
  );
}

function stageTitle(stage: string): string {
  const passes = /^pass-(\d+)$/.exec(stage)?.[1];
  return passes === undefined ? stage : `after ${passes} passes`;
}

async function chooseStage(session: Session, placeHolder: string): Promise<string | undefined> {
  const stages = await session.client.sendRequest<readonly StageInfo[]>(requests.stages);
  const picked = await vscode.window.showQuickPick(
    stages.map((stage) => ({ label: stage.title, detail: stage.summary, stage: stage.name })),
    { title: 'Show Lowering', placeHolder, matchOnDetail: true },
  );
  return picked?.stage;
}
