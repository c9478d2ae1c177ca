/** "Show Lowering": a stage of the compiler beside the source, kept in step with it, never taking the focus. */
import * as vscode from 'vscode';
import { requests, type LowerParams, type LowerResult, type StageInfo } from '../../server/src/protocol.ts';
import type { Session } from './session.ts';

const scheme = 'relay-lowering';
/** Pause after the last change before a stage is made anew. */
const pauseMs = 200;

/** Editor languages of stages. Lowered Relay has one of its own: coloured like Relay, but not checked as a source. */
const languageIds: Record<LowerResult['language'], string> = { relay: 'relay-lowered', c: 'c', text: 'relay-lowered' };

/** `relay-lowering:/model.fused.txt?{"stage":…,"source":…}` */
interface Address {
  readonly stage: string;
  readonly source: string;
}

function addressOf(uri: vscode.Uri): Address {
  const { stage, source } = JSON.parse(uri.query) as Partial<Address>;
  return { stage: stage ?? '', source: source ?? '' };
}

function uriFor(source: vscode.Uri, stage: string): vscode.Uri {
  const name = source.path.split('/').at(-1) ?? 'program';
  const query = JSON.stringify({ stage, source: source.toString() } satisfies Address);
  return vscode.Uri.from({
    scheme,
    path: `/${name.replace(/\.relay$/, '')}${stage === 'c' ? '.c' : `.${stage}.txt`}`,
    query,
  });
}

class LoweringProvider implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly session: Session;
  private readonly languages = new Map<string, LowerResult['language']>();
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
      return result.failure ? failureText(stage, result.failure) : result.text;
    } catch (error) {
      return failureText(stage, { message: error instanceof Error ? error.message : String(error) });
    }
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
  }
}

/** Larger parameter files are left out of previews: they would be sent again with every change. */
const largestParams = 16 * 1024 * 1024;

/** The parameter file beside the source in base64, when there is one. Works in virtual workspaces, too. */
async function parametersOf(source: vscode.Uri): Promise<string | undefined> {
  const file = source.with({ path: source.path.replace(/\.[^./]*$/, '.params') });
  try {
    const { size } = await vscode.workspace.fs.stat(file);
    if (size > largestParams) return undefined;
    return base64(await vscode.workspace.fs.readFile(file));
  } catch {
    return undefined;
  }
}

/** In pieces: a call with a million arguments overflows the stack. */
function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 0x6000) parts.push(String.fromCharCode(...bytes.subarray(i, i + 0x6000)));
  return btoa(parts.join(''));
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
    vscode.workspace.registerTextDocumentContentProvider(scheme, provider),
    vscode.commands.registerCommand('relay.showLowering', (resource?: unknown, stage?: unknown) =>
      showLowering(session, provider, resource, stage),
    ),
  );
}

/** Opens a stage beside the source. `resource` and `stage` may be given by a caller; otherwise the user is asked. */
async function showLowering(
  session: Session,
  provider: LoweringProvider,
  resource: unknown,
  wanted: unknown,
): Promise<void> {
  const active = vscode.window.activeTextEditor;
  const source = resource instanceof vscode.Uri ? resource : active?.document.uri;
  const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === source?.toString());
  if (!source || document?.languageId !== 'relay') {
    void vscode.window.showInformationMessage('Open a Relay file to see how it is lowered.');
    return;
  }
  const stage = typeof wanted === 'string' ? wanted : await chooseStage(session);
  if (stage === undefined) return;
  const provided = await vscode.workspace.openTextDocument(uriFor(source, stage));
  const language = provider.languageOf(provided.uri);
  const lowered =
    provided.languageId === language ? provided : await vscode.languages.setTextDocumentLanguage(provided, language);
  await vscode.window.showTextDocument(lowered, {
    viewColumn: vscode.ViewColumn.Beside,
    preserveFocus: true,
    preview: false,
  });
}

async function chooseStage(session: Session): Promise<string | undefined> {
  const stages = await session.client.sendRequest<readonly StageInfo[]>(requests.stages);
  const picked = await vscode.window.showQuickPick(
    stages.map((stage) => ({ label: stage.title, detail: stage.summary, stage: stage.name })),
    { title: 'Show Lowering', placeHolder: 'Stage to show beside the source', matchOnDetail: true },
  );
  return picked?.stage;
}
