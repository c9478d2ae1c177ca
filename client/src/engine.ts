/** The engine as this extension runs it: `bin/relay` with the machine's settings. */
import * as vscode from 'vscode';
import { engineEnvironment, type ToolPaths } from './engine/command.ts';
import type { EngineRun } from './engine/process.ts';

/** What every run of the engine shares. `RELAY_ENGINE` names another program, in tests of the extension alone. */
export function engineBase(context: vscode.ExtensionContext): Pick<EngineRun, 'program' | 'prefix' | 'env'> {
  const replaced = context.extensionMode === vscode.ExtensionMode.Production ? undefined : process.env['RELAY_ENGINE'];
  return {
    program: process.execPath,
    prefix: [replaced ?? vscode.Uri.joinPath(context.extensionUri, 'bin', 'relay').fsPath],
    env: engineEnvironment(process.env, toolPaths()),
  };
}

function toolPaths(): ToolPaths {
  const settings = vscode.workspace.getConfiguration('relay');
  return {
    toolchain: settings.get<string>('toolchain.path', ''),
    qemu: settings.get<string>('qemu.path', ''),
    boards: settings.get<readonly string[]>('boards.paths', []),
  };
}
