/** The parameter file that goes with a source, for previews; works in virtual workspaces, too. */
import * as vscode from 'vscode';

/** Larger parameter files are left out of previews: they would be sent again with every change. */
const largestParams = 16 * 1024 * 1024;

/** `model.params` beside `model.relay`. */
export function parameterFile(source: vscode.Uri): vscode.Uri {
  return source.with({ path: source.path.replace(/\.[^./]*$/, '.params') });
}

/** The parameter file beside the source in base64, when there is one. */
export async function parametersOf(source: vscode.Uri): Promise<string | undefined> {
  const file = parameterFile(source);
  try {
    const { size } = await vscode.workspace.fs.stat(file);
    if (size > largestParams) return undefined;
    return base64(await vscode.workspace.fs.readFile(file));
  } catch {
    return undefined;
  }
}

/** In pieces: a call with a million arguments overflows the stack. */
function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 0x6000) parts.push(String.fromCharCode(...bytes.subarray(i, i + 0x6000)));
  return btoa(parts.join(''));
}
