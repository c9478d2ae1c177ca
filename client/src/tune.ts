/** "Tune and Deploy": board, parameters, the engine with progress and cancel, then the result. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import { pickBoard } from './boards.ts';
import { engineBase } from './engine.ts';
import { deployArguments, tuneArguments, type TuneRequest } from './engine/command.ts';
import { paramsBeside } from './engine/params.ts';
import { runEngine, type EngineOutcome } from './engine/process.ts';
import { progressIncrement, progressText, type Progress } from './engine/progress.ts';
import { isTuneArgument, readTuneArgument } from './engine/tuneOptions.ts';
import { readResult, type TuneResult } from './engine/result.ts';
import { showResult } from './resultPanel.ts';
import { ensureTrust } from './trust.ts';
import { tuneOptions } from './tuned.ts';
import type { Runs } from './views/tuning.ts';

/** Where runs log and show themselves. */
export interface TuneHost {
  readonly context: vscode.ExtensionContext;
  readonly output: vscode.LogOutputChannel;
  readonly runs: Runs;
}

/** Models that are being tuned; one run a model at a time. */
const running = new Set<string>();

/** Runs the command; resolves to the result that is shown, or undefined when there is none. */
export async function tuneAndDeploy(
  host: TuneHost,
  resource: unknown,
  argument: unknown,
): Promise<TuneResult | undefined> {
  if (!(await ensureTrust('Tune and Deploy'))) return undefined;
  const given = argumentOf(resource, argument);
  if ('problem' in given) {
    void vscode.window.showErrorMessage(`The argument of Tune and Deploy: ${given.problem}`);
    return undefined;
  }
  const model = await chooseModel(resource);
  if (!model) return undefined;
  const settings = vscode.workspace.getConfiguration('relay', model);
  const configured = settings.get<string>('board', '');
  const { board: wanted, ...options } = given;
  const board = wanted ?? (configured !== '' ? configured : await pickBoard(host.context, host.output, ''));
  if (!board) return undefined;
  const params = await chooseParams(model);
  if (params === 'cancelled') return undefined;
  const request: TuneRequest = {
    model: model.fsPath,
    params: params?.fsPath,
    board,
    options: { ...tuneOptions(model), ...options },
  };
  if (running.has(request.model)) {
    void vscode.window.showInformationMessage(`${path.basename(request.model)} is being tuned already.`);
    return undefined;
  }
  running.add(request.model);
  try {
    return await tune(host, request);
  } finally {
    running.delete(request.model);
  }
}

/** What a caller decides instead of the user: a key binding has one argument; menus have things of their own as second. */
function argumentOf(resource: unknown, argument: unknown): ReturnType<typeof readTuneArgument> {
  if (isPlain(argument) && isTuneArgument(argument)) return readTuneArgument(argument);
  return isPlain(resource) ? readTuneArgument(resource) : {};
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof vscode.Uri);
}

async function tune(host: TuneHost, request: TuneRequest): Promise<TuneResult | undefined> {
  const name = path.basename(request.model);
  const tuned = await withEngine(host, `Tuning ${name} on ${request.board}`, tuneArguments(request), request);
  const stopped = tuned.kind === 'cancelled';
  if (tuned.kind === 'failed') return failed(host.output, tuned);
  // The records of a stopped run are kept: deploying the best so far is what the user has paid for, if wanted.
  if (stopped && !(await deployAnyway(name))) {
    if (!tuned.json) return undefined;
    const soFar = readResult({ model: name, board: request.board, stopped }, tuned.json, undefined);
    showResult(soFar);
    return soFar;
  }
  const deployed = await withEngine(host, `Deploying ${name} to ${request.board}`, deployArguments(request), request);
  if (deployed.kind === 'failed') return failed(host.output, deployed);
  if (deployed.kind === 'cancelled') return undefined;
  const result = readResult({ model: name, board: request.board, stopped }, tuned.json, deployed.json);
  showResult(result);
  return result;
}

async function deployAnyway(name: string): Promise<boolean> {
  const deploy = 'Deploy Best So Far';
  const choice = await vscode.window.showInformationMessage(
    `Tuning ${name} was stopped. What was found is kept and used next time.`,
    deploy,
  );
  return choice === deploy;
}

function failed(output: vscode.LogOutputChannel, outcome: Extract<EngineOutcome, { kind: 'failed' }>): undefined {
  output.error(outcome.message);
  const text = outcome.remedy ? `${outcome.message} ${outcome.remedy}` : outcome.message;
  const show = 'Show Output';
  void vscode.window.showErrorMessage(text, show).then((choice) => {
    if (choice === show) output.show(true);
  });
  return undefined;
}

/** Runs the engine under a progress notification with a cancel button. */
async function withEngine(
  host: TuneHost,
  title: string,
  args: readonly string[],
  request: TuneRequest,
): Promise<EngineOutcome> {
  const { output } = host;
  const run = args[0] === 'tune' ? host.runs.begin(`${path.basename(request.model)} on ${request.board}`) : undefined;
  output.info(`relay ${args.join(' ')}`);
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    async (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let last = 0;
      const onProgress = (line: Progress): void => {
        const increment = progressIncrement(line, last);
        if (increment !== undefined) last = line.trial ?? last;
        const message = progressText(line);
        run?.progress(line);
        if (message !== '') progress.report({ message, ...(increment === undefined ? {} : { increment }) });
        if (line.event !== 'trial' && line.message) output.info(line.message);
      };
      const outcome = await runEngine({
        ...engineBase(host.context),
        args,
        cwd: workingFolder(request.model),
        onProgress,
        onLog: (line) => output.info(line),
        signal: abort.signal,
      });
      run?.end(outcome.kind === 'cancelled' ? 'stopped' : outcome.kind);
      return outcome;
    },
  );
}

/** Where the engine keeps its records: the workspace's folder, as in a terminal opened there, else the model's. */
function workingFolder(model: string): string {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(model))?.uri.fsPath ?? path.dirname(model);
}

/** The model: what the command was called on, else the active editor's file; saved, on disk. */
async function chooseModel(resource: unknown): Promise<vscode.Uri | undefined> {
  const uri = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
  if (uri?.scheme !== 'file' || !/\.(relay|rly)$/.test(uri.path)) {
    void vscode.window.showInformationMessage('Open a .relay file on disk to tune and deploy it.');
    return undefined;
  }
  const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri.toString());
  if (document?.isDirty && !(await document.save())) return undefined;
  return uri;
}

/** The parameter file beside the model, else the user's choice; undefined when the model has none. */
async function chooseParams(model: vscode.Uri): Promise<vscode.Uri | undefined | 'cancelled'> {
  const beside = vscode.Uri.file(paramsBeside(model.fsPath));
  if (await exists(beside)) return beside;
  const choose = { label: '$(folder-opened) Choose a parameter file…', choice: 'choose' as const };
  const none = { label: '$(circle-slash) This model has no parameters', choice: 'none' as const };
  const picked = await vscode.window.showQuickPick([choose, none], {
    title: 'Relay: Parameters',
    placeHolder: `${path.basename(beside.fsPath)} is not there`,
    ignoreFocusOut: true,
  });
  if (!picked) return 'cancelled';
  if (picked.choice === 'none') return undefined;
  const files = await vscode.window.showOpenDialog({
    title: 'Parameter file',
    defaultUri: vscode.Uri.file(path.dirname(model.fsPath)),
    filters: { Parameters: ['params'], 'All files': ['*'] },
  });
  return files?.[0] ?? 'cancelled';
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
