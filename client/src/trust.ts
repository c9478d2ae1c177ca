/** Workspace trust: what runs programs asks for it; checking and previews do not. */
import * as vscode from 'vscode';

/** True when the workspace is trusted; otherwise explains, offers to change it, and is false. */
export async function ensureTrust(what: string): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = 'Manage Workspace Trust';
  const message = `${what} needs a trusted workspace: it runs a C compiler, an emulator or a debug probe on files of this folder. Checking and previews work without.`;
  const choice = await vscode.window.showWarningMessage(message, manage);
  if (choice === manage) await vscode.commands.executeCommand('workbench.trust.manage');
  return vscode.workspace.isTrusted;
}
