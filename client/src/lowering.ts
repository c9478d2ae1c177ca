/** Documents of the stages of a program: made anew as the source changes, and kept while the source does not compile. */
import * as vscode from 'vscode';
import {
  requests,
  type LineOrigin,
  type LowerParams,
  type LowerResult,
  type StageInfo,
} from '../../server/src/protocol.ts';
import type { Assemble } from './assembly.ts';
import type { Profiles } from './profiles.ts';
import type { Session } from './session.ts';
import type { Tuned } from './tuned.ts';

/** Scheme of the documents of stages. */
export const scheme = 'relay-lowering';
/** Pause after the last change before a stage is made anew; assembly takes a compiler. */
const pauseMs = { asm: 700, other: 200 } as const;

/** The stage behind C that needs a compiler. */
export const assemblyStage: StageInfo = {
  name: 'asm',
  title: 'Assembly',
  summary: 'What the C compiler of the chosen board makes of the C.',
};

/** Editor languages of stages. Lowered Relay has one of its own: coloured like Relay, but not checked as a source. */
const languageIds: Record<LowerResult['language'], string> = {
  relay: 'relay-lowered',
  c: 'c',
  text: 'relay-lowered',
  asm: 'relay-assembly',
};

/** `relay-lowering:/model.fused.txt?{"stage":…,"source":…}` */
export interface Address {
  readonly stage: string;
  readonly source: string;
  /** Of assembly: one kernel alone. */
  readonly kernel?: string;
}

type Failure = NonNullable<LowerResult['failure']>;

/** What a document of a stage shows. */
export function addressOf(uri: vscode.Uri): Address {
  const { stage, source, kernel } = JSON.parse(uri.query) as Partial<Address>;
  return { stage: stage ?? '', source: source ?? '', ...(kernel === undefined ? {} : { kernel }) };
}

const endings: Readonly<Record<string, string>> = { c: '.c', asm: '.s' };

/** The document of a stage of a source. */
export function uriFor(source: vscode.Uri, stage: string, kernel?: string): vscode.Uri {
  const name = (source.path.split('/').at(-1) ?? 'program').replace(/\.relay$/, '');
  const address: Address = { stage, source: source.toString(), ...(kernel === undefined ? {} : { kernel }) };
  const title = kernel === undefined ? name : `${name}.${kernel}`;
  return vscode.Uri.from({
    scheme,
    path: `/${title}${endings[stage] ?? `.${stage}.txt`}`,
    query: JSON.stringify(address),
  });
}

export class LoweringProvider implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly provided = new vscode.EventEmitter<vscode.Uri>();
  /** A document of a stage got new text, and with it new origins, or its source ceased to compile. */
  readonly onProvided = this.provided.event;
  private readonly session: Session;
  private readonly profiles: Profiles;
  private readonly tuned: Tuned;
  private readonly assemble: Assemble | undefined;
  /** The last text of each document. */
  private readonly results = new Map<string, LowerResult>();
  private readonly failures = new Map<string, Failure>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(session: Session, profiles: Profiles, tuned: Tuned, assemble: Assemble | undefined) {
    this.session = session;
    this.profiles = profiles;
    this.tuned = tuned;
    this.assemble = assemble;
    this.subscriptions = [
      this.changed,
      this.provided,
      tuned.onChanged(() => this.refresh(() => true)),
      session.onChecked(({ uri }) => this.refresh((address) => address.source === uri, true)),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('relay.board')) this.refresh(() => true);
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.refresh(({ stage }) => stage === assemblyStage.name)),
      // A document whose language changes is closed and opened again: only what stays closed is forgotten.
      vscode.workspace.onDidCloseTextDocument(({ uri }) => setTimeout(() => this.forget(uri.toString()), 100)),
    ];
  }

  /** The stages in order; assembly where an engine can run. */
  async stages(): Promise<readonly StageInfo[]> {
    const stages = await this.session.client.sendRequest<readonly StageInfo[]>(requests.stages);
    return this.assemble ? [...stages, assemblyStage] : stages;
  }

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const key = uri.toString();
    const address = addressOf(uri);
    const result = await this.lower(address, token).catch((error: unknown) =>
      refused(error instanceof Error ? error.message : String(error)),
    );
    // The editor takes the text over after this call has returned.
    setTimeout(() => this.provided.fire(uri), 50);
    if (result.failure) {
      this.failures.set(key, result.failure);
      return this.results.get(key)?.text ?? failureText(result.failure);
    }
    this.failures.delete(key);
    this.results.set(key, result);
    return result.text;
  }

  private async lower({ stage, source, kernel }: Address, token: vscode.CancellationToken): Promise<LowerResult> {
    const uri = vscode.Uri.parse(source);
    if (stage === assemblyStage.name) return this.lowerToAssembly(uri, kernel);
    const params: LowerParams = { uri: source, stage, ...(await this.tuned.settingsFor(uri)) };
    return this.session.client.sendRequest<LowerResult>(requests.lower, params, token);
  }

  private async lowerToAssembly(source: vscode.Uri, kernel: string | undefined): Promise<LowerResult> {
    const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === source.toString());
    if (!document) return refused('The source is not open.', 'Open the .relay file.');
    if (!this.assemble)
      return refused('A browser has no C compiler.', 'Open the folder in VS Code on a machine with the compiler.');
    if (!vscode.workspace.isTrusted)
      return refused(
        'Assembly runs the C compiler of the board, which an untrusted workspace may not do.',
        'Trust it with the command "Workspaces: Manage Workspace Trust".',
      );
    return this.assemble(document, kernel, this.profiles, this.tuned);
  }

  /** Where the lines of a stage's document came from. */
  originsOf(uri: vscode.Uri): readonly LineOrigin[] {
    return this.results.get(uri.toString())?.origins ?? [];
  }

  /** The lines of C behind the lines of an assembly document, when the C is of the same version of the source. */
  linksToC(assembly: vscode.Uri, c: vscode.Uri): NonNullable<LowerResult['c']> {
    const [from, to] = [this.results.get(assembly.toString()), this.results.get(c.toString())];
    return from && to && from.version === to.version ? (from.c ?? []) : [];
  }

  /** Why a document shows an older version of its source, or none. */
  failureOf(uri: vscode.Uri): Failure | undefined {
    return this.failures.get(uri.toString());
  }

  /** The editor language of a stage's document that was provided already. */
  languageOf(uri: vscode.Uri): string {
    return languageIds[this.results.get(uri.toString())?.language ?? 'text'];
  }

  /** Makes open documents anew, soon or after a pause in typing. */
  private refresh(wanted: (address: Address) => boolean, typing = false): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme !== scheme) continue;
      const address = addressOf(uri);
      if (!wanted(address)) continue;
      const pause = address.stage === assemblyStage.name ? pauseMs.asm : pauseMs.other;
      clearTimeout(this.timers.get(uri.toString()));
      this.timers.set(
        uri.toString(),
        setTimeout(() => this.changed.fire(uri), typing ? pause : 0),
      );
    }
  }

  private forget(key: string): void {
    if (vscode.workspace.textDocuments.some((document) => document.uri.toString() === key)) return;
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.results.delete(key);
    this.failures.delete(key);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

function refused(message: string, remedy?: string): LowerResult {
  const failure = remedy === undefined ? { message } : { message, remedy };
  return { version: 0, text: '', language: 'text', origins: [], failure };
}

function failureText({ message, remedy }: Failure): string {
  return ['There is nothing to show at this stage yet.', '', message, remedy]
    .filter((line) => line !== undefined)
    .flatMap((line) => line.split('\n'))
    .map((line) => `// ${line}`.trimEnd())
    .join('\n');
}
