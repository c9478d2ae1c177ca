import { runSuite } from './runner.ts';

export function run(): Promise<void> {
  return runSuite(() => {
    it('smoke', async () => {
      const vscode = await import('vscode');
      console.log(vscode.version, vscode.workspace.workspaceFolders?.[0]?.uri.fsPath);
    });
  });
}
