/** What the extension does in every host, Node or browser. */
import * as vscode from 'vscode';
import { registerLowering } from './lowering.ts';
import { Session, type ClientFactory } from './session.ts';
import { showStatus } from './status.ts';

/** Starts the language server and registers what needs nothing but it. */
export function activateCommon(context: vscode.ExtensionContext, create: ClientFactory): Session {
  const output = vscode.window.createOutputChannel('Relay', { log: true });
  const session = new Session(create, output);
  context.subscriptions.push(
    output,
    session,
    showStatus(session),
    registerLowering(session),
    vscode.commands.registerCommand('relay.restartServer', () => session.restart()),
    vscode.commands.registerCommand('relay.showOutput', () => output.show()),
  );
  // Not awaited: the editor goes on while the server starts.
  void session.start();
  return session;
}
