/** Choosing a board among those that the engine knows. */
import * as vscode from 'vscode';
import { ensureTrust } from './trust.ts';
import { boardsArguments } from './engine/command.ts';
import { readBoards, type BoardChoice } from './engine/boards.ts';
import { runEngine } from './engine/process.ts';
import { engineBase } from './engine.ts';

/** The boards with what this machine lacks for them; undefined when the workspace is not trusted or the engine fails. */
export async function findBoards(context: vscode.ExtensionContext): Promise<readonly BoardChoice[] | undefined> {
  if (!vscode.workspace.isTrusted) return undefined;
  const outcome = await runEngine({ ...engineBase(context), args: boardsArguments });
  return outcome.kind === 'done' ? readBoards(outcome.json) : undefined;
}

interface BoardItem extends vscode.QuickPickItem {
  readonly board: BoardChoice;
}

/** Asks for a board; undefined when the user leaves. `current` is preselected. */
export async function pickBoard(
  context: vscode.ExtensionContext,
  output: vscode.LogOutputChannel,
  current: string,
): Promise<string | undefined> {
  const items = runEngine({ ...engineBase(context), args: boardsArguments, onLog: (line) => output.info(line) }).then(
    (outcome): BoardItem[] => {
      if (outcome.kind !== 'done') {
        const message = outcome.kind === 'failed' ? outcome.message : 'cancelled';
        throw new Error(`The boards could not be listed. ${message}`);
      }
      const boards = readBoards(outcome.json);
      return [...boards.filter((b) => b.name === current), ...boards.filter((b) => b.name !== current)].map(toItem);
    },
  );
  try {
    const picked = await vscode.window.showQuickPick(items, {
      title: 'Relay: Board',
      placeHolder: 'Board to tune for and deploy to',
      matchOnDescription: true,
      ignoreFocusOut: true,
    });
    return picked?.board.name;
  } catch (error) {
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function toItem(board: BoardChoice): BoardItem {
  const icon = board.problem ? '$(warning)' : board.provenance === 'emulated' ? '$(vm)' : '$(circuit-board)';
  const detail = [board.description, board.problem ?? ''].filter((part) => part !== '').join(': ');
  return { label: `${icon} ${board.name}`, description: board.provenance, detail, board };
}

/** The command "Relay: Choose Board": keeps the choice in the workspace's settings. */
export async function chooseBoard(context: vscode.ExtensionContext, output: vscode.LogOutputChannel): Promise<void> {
  if (!(await ensureTrust('Choosing a board'))) return;
  const settings = vscode.workspace.getConfiguration('relay');
  const board = await pickBoard(context, output, settings.get<string>('board', ''));
  if (board === undefined) return;
  const target = vscode.workspace.workspaceFolders
    ? vscode.ConfigurationTarget.Workspace
    : vscode.ConfigurationTarget.Global;
  await settings.update('board', board, target);
}
