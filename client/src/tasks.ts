/**
 * Tasks of type `relay`: `relay check` over the workspace. The problems of files that are not open come from the
 * language server, which reports on all of them once such a task was run: what a matcher reads off the terminal would
 * stand beside the server's own report when the file is opened, and stay there when it is mended.
 */
import * as vscode from 'vscode';

interface CheckTask extends vscode.TaskDefinition {
  readonly type: 'relay';
  readonly command: 'check';
  readonly files?: readonly string[];
}

/** The tasks that check files; `checkFiles` asks the server to report on every file, and is called when one starts. */
export function registerTasks(context: vscode.ExtensionContext, checkFiles: () => void): vscode.Disposable {
  const program = vscode.Uri.joinPath(context.extensionUri, 'bin', 'relay').fsPath;
  const make = (definition: CheckTask, files: readonly string[], scope: vscode.WorkspaceFolder): vscode.Task => {
    const run = new vscode.ProcessExecution(process.execPath, [program, 'check', '--', ...files], {
      cwd: scope.uri.fsPath,
      env: { ELECTRON_RUN_AS_NODE: '1' },
    });
    const task = new vscode.Task(definition, scope, 'check', 'relay', run, []);
    task.group = vscode.TaskGroup.Build;
    task.detail = files.length === 1 ? `Check ${files[0]}` : `Check ${files.length} Relay files`;
    return task;
  };
  const filesOf = async (folder: vscode.WorkspaceFolder): Promise<readonly string[]> => {
    const pattern = new vscode.RelativePattern(folder, '**/*.{relay,rly}');
    const found = await vscode.workspace.findFiles(pattern, '**/node_modules/**', 500);
    return found.map((uri) => vscode.workspace.asRelativePath(uri, false)).sort();
  };
  const started = vscode.tasks.onDidStartTask(({ execution }) => {
    if (execution.task.definition.type === 'relay') checkFiles();
  });
  const provider = vscode.tasks.registerTaskProvider('relay', {
    async provideTasks() {
      const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
      const lists = await Promise.all(
        folders.map(async (folder) => {
          const files = await filesOf(folder);
          return files.length > 0 ? [make({ type: 'relay', command: 'check' }, files, folder)] : [];
        }),
      );
      return lists.flat();
    },
    async resolveTask(task) {
      const folder = typeof task.scope === 'object' ? task.scope : vscode.workspace.workspaceFolders?.[0];
      if (task.definition['command'] !== 'check' || !folder) return undefined;
      const definition = task.definition as CheckTask;
      return make(definition, definition.files ?? (await filesOf(folder)), folder);
    },
  });
  return vscode.Disposable.from(started, provider);
}
