/** The stage behind C, made by the compiler of the chosen board. Runs a program, so trusted workspaces alone have it. */
import * as vscode from 'vscode';
import { nameInC, type LowerResult } from '../../server/src/protocol.ts';
import { engineBase } from './engine.ts';
import { assemblyResult } from './engine/assembly.ts';
import { assemblyArguments } from './engine/command.ts';
import { runEngine } from './engine/process.ts';
import { parameterFile } from './parameters.ts';
import { defaultBoard, type Profiles } from './profiles.ts';
import { tuneOptions, type Tuned } from './tuned.ts';

/** Compiles the text of a document; of one kernel alone when it is named. A newer call ends the older one. */
export type Assemble = (
  document: vscode.TextDocument,
  kernel: string | undefined,
  profiles: Profiles,
  tuned: Tuned,
) => Promise<LowerResult>;

/** The engine as assembler. */
export function createAssembler(context: vscode.ExtensionContext): Assemble {
  const running = new Map<string, AbortController>();
  return async (document, kernel, profiles, tuned) => {
    const key = `${kernel ?? ''} ${document.uri.toString()}`;
    running.get(key)?.abort();
    const abort = new AbortController();
    running.set(key, abort);
    const { version } = document;
    const input = document.getText();
    const params = parameterFile(document.uri);
    const args = assemblyArguments({
      name: nameInC(document.uri.toString()),
      params: document.uri.scheme === 'file' && (await exists(params)) ? params.fsPath : undefined,
      board: (await profiles.chosen())?.name ?? defaultBoard,
      kernel,
      options: tuneOptions(document.uri),
      records: (await tuned.fileFor(document.uri))?.file.fsPath,
    });
    const outcome = await runEngine({ ...engineBase(context), args, input, signal: abort.signal });
    if (running.get(key) === abort) running.delete(key);
    return assemblyResult(outcome, version);
  };
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
