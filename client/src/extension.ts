/** The extension in a Node host: the server is a child process, and boards can be used. */
import * as vscode from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import { createAssembler } from './assembly.ts';
import { chooseBoard, findBoards } from './boards.ts';
import { activateCommon } from './common.ts';
import { registerTasks } from './tasks.ts';
import { tuneAndDeploy } from './tune.ts';

export function activate(context: vscode.ExtensionContext): void {
  const module = vscode.Uri.joinPath(context.extensionUri, 'dist', 'server.cjs').fsPath;
  const { session, runs } = activateCommon(
    context,
    (options) => {
      const run = { module, transport: TransportKind.ipc };
      return new LanguageClient('relay', 'Relay', { run, debug: run }, options);
    },
    { findBoards: () => findBoards(context), assemble: createAssembler(context) },
  );
  context.subscriptions.push(
    registerTasks(context, () => session.checkFiles()),
    vscode.commands.registerCommand('relay.tuneAndDeploy', (resource?: unknown, options?: unknown) =>
      tuneAndDeploy({ context, output: session.output, runs }, resource, options),
    ),
    vscode.commands.registerCommand('relay.chooseBoard', () => chooseBoard(context, session.output)),
  );
}
