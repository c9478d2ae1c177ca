/** The language server over any connection; knows neither Node nor a browser. */
import {
  DidChangeWatchedFilesNotification,
  TextDocumentSyncKind,
  type Connection,
  type InitializeParams,
  type InitializeResult,
  type ServerCapabilities,
} from 'vscode-languageserver/lib/common/api.js';
import { Analysis } from './analysis.ts';
import { toDiagnostic } from './convert.ts';
import { DocumentStore } from './documents.ts';
import { diagnostics, syntaxDiagnostics } from './features/diagnostics.ts';
import { defaultSettings, notifications, readSettings, type CheckedParams, type ServerSettings } from './protocol.ts';
import { Files, type FileAccess } from './files.ts';
import { LoweringQueue, runHere, type LoweringRunner } from './loweringQueue.ts';
import { ValueRanges } from './ranges.ts';
import type { Host } from './service.ts';
import { services } from './services.ts';
import { breathe, inSlices } from './slices.ts';
import { warmUp } from './warmUp.ts';
import type { CheckedSnapshot, Snapshot } from './snapshot.ts';
import { Workspace } from './workspace.ts';
import { WorkspaceDiagnostics } from './workspaceDiagnostics.ts';

const serverName = 'Relay';

/**
 * Wires the services to a connection and starts listening. `runner` says where previews are made, `access` reads files
 * that are not open.
 */
export function serve(connection: Connection, runner: LoweringRunner = runHere, access?: FileAccess): void {
  const documents = new DocumentStore();
  const files = new Files(documents, access);
  let settings: ServerSettings = defaultSettings;
  /** A client that asks for diagnostics gets no second set unasked. */
  let pulls = false;
  /** Whether the client tells of changed files and folders. */
  let watches = false;
  let folders = false;

  const publish = (snapshot: Snapshot, found: ReturnType<typeof syntaxDiagnostics>): void => {
    if (pulls) return;
    const items = found.map((diagnostic) => toDiagnostic(snapshot, diagnostic));
    void connection.sendDiagnostics({ uri: snapshot.uri, version: snapshot.version, diagnostics: items });
  };
  const checked = (snapshot: CheckedSnapshot, milliseconds: number): void => {
    const found = diagnostics(snapshot);
    publish(snapshot, found);
    const count = (severity: string): number => found.filter((d) => d.severity === severity).length;
    const params: CheckedParams = {
      uri: snapshot.uri,
      version: snapshot.version,
      errors: count('error'),
      warnings: count('warning'),
      milliseconds,
    };
    void connection.sendNotification(notifications.checked, params);
    void publishRanges(snapshot);
  };
  /** What ranges prove is found after the rest was shown. */
  const publishRanges = async (snapshot: CheckedSnapshot): Promise<void> => {
    if (pulls || !settings.valueRanges.diagnostics) return;
    const document = documents.get(snapshot.uri);
    const revision = document?.revision;
    const outdated = (): boolean => documents.get(snapshot.uri) !== document || document?.revision !== revision;
    const found = await ranges.of(snapshot, {
      get isCancellationRequested() {
        return outdated();
      },
    });
    if (found && found.diagnostics.length > 0 && !outdated()) publish(snapshot, diagnostics(snapshot, found));
  };
  const analysis = new Analysis(
    documents,
    {
      checked: ({ snapshot, milliseconds }) => checked(snapshot, milliseconds),
      bug: (error) => {
        connection.console.error(`Checking failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
        for (const document of documents.all())
          if (!document.checked && document.isParsed) publish(document.snapshot, syntaxDiagnostics(document.snapshot));
      },
    },
    files,
  );
  const lowering = new LoweringQueue(runner);
  const ranges = new ValueRanges(access);
  const workspace = new Workspace(files, analysis);
  const closedHooks: ((uri: string) => void)[] = [];
  const host: Host = {
    connection,
    documents,
    files,
    workspace,
    analysis,
    lowering,
    ranges,
    settings: () => settings,
    onClosed: (run) => closedHooks.push(run),
  };

  const closedFiles = new WorkspaceDiagnostics(host, (uri, found) => {
    if (!pulls) void connection.sendDiagnostics({ uri, diagnostics: found });
  });
  connection.onInitialize((params: InitializeParams): InitializeResult => {
    const options = params.initializationOptions as { readonly pushDiagnostics?: unknown } | undefined;
    pulls = params.capabilities.textDocument?.diagnostic !== undefined && options?.pushDiagnostics !== true;
    settings = readSettings(params.initializationOptions);
    const { workspaceFolders, rootUri } = params;
    files.foldersChanged(workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []), []);
    watches = params.capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
    folders = params.capabilities.workspace?.workspaceFolders === true;
    const capabilities: ServerCapabilities = {
      workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
      positionEncoding: 'utf-16',
    };
    for (const service of services) {
      if (!pulls && service.capabilities.diagnosticProvider) continue;
      Object.assign(capabilities, service.capabilities);
    }
    return { capabilities, serverInfo: { name: serverName } };
  });
  connection.onInitialized(() => {
    void breathe().then(() => inSlices(warmUp()));
    closedFiles.update();
    if (watches)
      void connection.client
        .register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: '**/*.relay' }] })
        .then(() => (files.watched = true))
        .catch(() => undefined);
    if (folders)
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) =>
        files.foldersChanged(
          added.map(({ uri }) => uri),
          removed.map(({ uri }) => uri),
        ),
      );
  });
  connection.onDidChangeWatchedFiles(({ changes }) => {
    files.listChanged();
    for (const { uri } of changes) if (!documents.get(uri)) analysis.fileChanged(uri);
    closedFiles.update();
  });
  connection.onDidChangeConfiguration((params) => {
    const all = params.settings as { readonly relay?: unknown } | undefined;
    const wanted = settings.diagnostics.workspace;
    settings = readSettings(all?.relay);
    void connection.languages.inlayHint.refresh().catch(() => undefined);
    if (settings.diagnostics.workspace !== wanted) {
      files.listChanged();
      void closedFiles.refresh();
    }
    if (pulls) void connection.languages.diagnostics.refresh();
    else for (const { checked: known } of documents.all()) if (known) checked(known, 0);
  });
  connection.onDidOpenTextDocument(({ textDocument }) => {
    documents.open(textDocument.uri, textDocument.version, textDocument.text);
    analysis.changed(textDocument.uri);
  });
  connection.onDidChangeTextDocument(({ textDocument, contentChanges }) => {
    documents.get(textDocument.uri)?.change(contentChanges, textDocument.version);
    analysis.changed(textDocument.uri);
  });
  connection.onDidCloseTextDocument(({ textDocument }) => {
    analysis.closed(textDocument.uri);
    lowering.closed(textDocument.uri);
    documents.close(textDocument.uri);
    ranges.closed(textDocument.uri);
    for (const run of closedHooks) run(textDocument.uri);
    void connection.sendDiagnostics({ uri: textDocument.uri, diagnostics: [] });
    closedFiles.update();
  });
  connection.onNotification(notifications.checkFiles, () => {
    files.listChanged();
    closedFiles.check();
  });
  connection.onShutdown(() => {
    closedFiles.stop();
    lowering.dispose();
  });
  for (const service of services) service.register(host);
  connection.listen();
}
