/** Opening stages: one beside the source, two as a difference, the assembly of the kernel at the cursor. */
import * as vscode from 'vscode';
import type { Builds } from './builds.ts';
import { addressOf, assemblyStage, scheme, uriFor, type LoweringProvider } from './lowering.ts';
import { linkOrigins } from './origins.ts';
import { markStale } from './stale.ts';
import { ensureTrust } from './trust.ts';

/** Registers the documents of stages, their decorations, and the commands that open them. */
export function registerLowering(provider: LoweringProvider, builds: Builds): vscode.Disposable {
  return vscode.Disposable.from(
    provider,
    linkOrigins(provider),
    markStale(provider),
    vscode.workspace.registerTextDocumentContentProvider(scheme, provider),
    vscode.commands.registerCommand('relay.showLowering', (resource?: unknown, stage?: unknown) =>
      showLowering(provider, builds, resource, stage),
    ),
    vscode.commands.registerCommand('relay.showAssembly', (resource?: unknown) =>
      showKernel(provider, builds, resource),
    ),
    vscode.commands.registerCommand('relay.compareStages', (resource?: unknown, first?: unknown, second?: unknown) =>
      compareStages(provider, builds, resource, first, second),
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
  provider: LoweringProvider,
  builds: Builds,
  resource: unknown,
  wanted: unknown,
): Promise<void> {
  const source = sourceDocument(resource)?.uri;
  if (!source) return;
  const stage =
    typeof wanted === 'string'
      ? wanted
      : await chooseStage(provider, builds, source, 'Show Lowering', 'Stage to show beside the source');
  if (stage !== undefined) await showStage(provider, source, stage);
}

/** Assembly of the kernel at the cursor; of the whole program where the cursor is at no kernel. */
async function showKernel(provider: LoweringProvider, builds: Builds, resource: unknown): Promise<void> {
  const document = sourceDocument(resource);
  if (!document) return;
  const editor = vscode.window.visibleTextEditors.find((e) => e.document === document);
  const line = editor?.selection.active.line;
  const layers = builds.get(document.uri)?.layers ?? [];
  const kernel = layers.find((layer) =>
    layer.source.some((range) => line !== undefined && range.start.line <= line && line <= range.end.line),
  );
  await showStage(provider, document.uri, assemblyStage.name, kernel?.name);
}

async function showStage(
  provider: LoweringProvider,
  source: vscode.Uri,
  stage: string,
  kernel?: string,
): Promise<void> {
  if (stage === assemblyStage.name && !(await ensureTrust('Assembly'))) return;
  await vscode.window.showTextDocument(await stageDocument(provider, uriFor(source, stage, kernel)), {
    viewColumn: vscode.ViewColumn.Beside,
    preserveFocus: true,
    preview: false,
  });
}

/** A document of a stage, coloured. */
async function stageDocument(provider: LoweringProvider, uri: vscode.Uri): Promise<vscode.TextDocument> {
  const provided = await vscode.workspace.openTextDocument(uri);
  const language = provider.languageOf(provided.uri);
  return provided.languageId === language ? provided : vscode.languages.setTextDocumentLanguage(provided, language);
}

/** Two stages side by side as a difference, asked for where the caller names none. */
async function compareStages(
  provider: LoweringProvider,
  builds: Builds,
  resource: unknown,
  first: unknown,
  second: unknown,
): Promise<void> {
  const source = sourceDocument(resource)?.uri;
  if (!source) return;
  const title = 'Compare Lowering Stages';
  const choose = (side: string): Promise<string | undefined> => chooseStage(provider, builds, source, title, side);
  const left = typeof first === 'string' ? first : await choose('Left side');
  if (left === undefined) return;
  const right = typeof second === 'string' ? second : await choose(`Right side, to compare ${left} with`);
  if (right === undefined) return;
  if ([left, right].includes(assemblyStage.name) && !(await ensureTrust('Assembly'))) return;
  const sides = [
    await stageDocument(provider, uriFor(source, left)),
    await stageDocument(provider, uriFor(source, right)),
  ];
  const name = source.path.split('/').at(-1) ?? '';
  const passes = builds.get(source)?.passes ?? [];
  const titleOf = (stage: string): string => {
    const after = passes.find((pass) => pass.after === stage);
    return after ? `after ${after.name}` : stage.replace(/^pass-0$/, 'before the passes');
  };
  await vscode.commands.executeCommand(
    'vscode.diff',
    ...sides.map((document) => document.uri),
    `${name}: ${titleOf(left)} ↔ ${titleOf(right)}`,
    {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: true,
      preview: true,
    } satisfies vscode.TextDocumentShowOptions,
  );
}

interface StageItem extends vscode.QuickPickItem {
  readonly stage?: string;
}

/** Asks for a stage, or for the program after one of the passes that changed it. */
async function chooseStage(
  provider: LoweringProvider,
  builds: Builds,
  source: vscode.Uri,
  title: string,
  placeHolder: string,
): Promise<string | undefined> {
  const stages = await provider.stages();
  const passes = (builds.get(source)?.passes ?? []).filter((pass) => pass.changes.length > 0);
  const items = stages.flatMap((stage): StageItem[] => {
    const own = { label: stage.title, detail: stage.summary, stage: stage.name };
    if (stage.name !== 'simplified') return [own];
    const after = passes.map((pass) => ({
      label: `$(diff) After ${pass.name}`,
      description: pass.changes.map(({ label, count }) => `${count} ${label}`).join(', '),
      detail: pass.summary,
      stage: pass.after,
    }));
    return [...after, own];
  });
  const picked = await vscode.window.showQuickPick(items, {
    title: `Relay: ${title}`,
    placeHolder,
    matchOnDetail: true,
    matchOnDescription: true,
  });
  return picked?.stage;
}
