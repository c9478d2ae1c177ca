/** The extension in a browser: the server is a worker. Boards are out of reach and say so. */
import * as vscode from 'vscode';
import { LanguageClient } from 'vscode-languageclient/browser';
import { activateCommon } from './common.ts';

/** The browser's constructor, as far as it is used here: this room is compiled without the DOM's types. */
declare const Worker: new (url: string) => ConstructorParameters<typeof LanguageClient>[3];

export function activate(context: vscode.ExtensionContext): void {
  const module = vscode.Uri.joinPath(context.extensionUri, 'dist', 'server.browser.js').toString(true);
  activateCommon(context, (options) => new LanguageClient('relay', 'Relay', options, new Worker(module)), {
    findBoards: () => Promise.resolve(undefined),
  });
  const needsDesktop = async (): Promise<void> => {
    await vscode.window.showInformationMessage(
      'Boards cannot be reached from a browser. Open the folder in VS Code on a machine with the board.',
    );
  };
  context.subscriptions.push(
    vscode.commands.registerCommand('relay.tuneAndDeploy', needsDesktop),
    vscode.commands.registerCommand('relay.chooseBoard', needsDesktop),
  );
}
