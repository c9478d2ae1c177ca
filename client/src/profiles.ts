/** The profiles of boards that come with the extension and that the user's folders add; and the chosen one. */
import * as vscode from 'vscode';
import { bundledProfiles, readProfile, type BoardProfile } from './engine/profile.ts';

/** The board that is meant when none is chosen; `relay lower` has the same default. */
export const defaultBoard = 'mps2-an386';

/** The board profiles that are known, and the chosen one. */
export class Profiles {
  private readonly folder: vscode.Uri;
  private loaded: Promise<readonly BoardProfile[]> | undefined;

  constructor(context: vscode.ExtensionContext) {
    this.folder = vscode.Uri.joinPath(context.extensionUri, 'boards', 'profiles');
  }

  /** All profiles by name; unreadable files are left out. */
  all(): Promise<readonly BoardProfile[]> {
    this.loaded ??= this.load();
    return this.loaded;
  }

  /** The board of the setting `relay.board`; undefined when none is chosen. */
  async chosen(): Promise<BoardProfile | undefined> {
    const name = vscode.workspace.getConfiguration('relay').get<string>('board', '');
    return name === '' ? undefined : (await this.all()).find((profile) => profile.name === name);
  }

  /** The board to compile for: the chosen one, else the default one, as on the command line. */
  async current(): Promise<BoardProfile | undefined> {
    return (await this.chosen()) ?? (await this.all()).find((profile) => profile.name === defaultBoard);
  }

  /** Reads the folders again, next time. */
  forget(): void {
    this.loaded = undefined;
  }

  private async load(): Promise<readonly BoardProfile[]> {
    const own = vscode.workspace.getConfiguration('relay').get<readonly string[]>('boards.paths', []);
    const folders = [this.folder, ...own.map((folder) => vscode.Uri.file(folder))];
    const found = await Promise.all(folders.map(profilesIn));
    return found.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

async function profilesIn(folder: vscode.Uri): Promise<readonly BoardProfile[]> {
  try {
    const names = (await entriesOf(folder)).filter((name) => /^[^.]+\.json$/.test(name));
    const texts = await Promise.allSettled(names.map((name) => readText(vscode.Uri.joinPath(folder, name))));
    return texts.flatMap((text) => (text.status === 'fulfilled' ? (readProfile(text.value) ?? []) : []));
  } catch {
    return [];
  }
}

/** Files of a folder. An extension that is served over HTTP cannot list folders: the names of ours are known. */
async function entriesOf(folder: vscode.Uri): Promise<readonly string[]> {
  if (folder.scheme !== 'http' && folder.scheme !== 'https')
    return (await vscode.workspace.fs.readDirectory(folder)).map(([name]) => name);
  return bundledProfiles.map((name) => `${name}.json`);
}

async function readText(file: vscode.Uri): Promise<string> {
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
}
