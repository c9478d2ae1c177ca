/** Programs on disk, for a server that runs on Node. */
import { readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { FileAccess } from './files.ts';

/** A workspace of more programs than this is searched in part. */
const mostFiles = 5000;
/** Folders in which nobody keeps programs. */
const skipped = new Set(['node_modules', '.git', '.hg', '.svn', '.vscode-test']);
/** Weights beyond this many bytes are taken as unknown. */
const largestParams = 64 * 1024 * 1024;
/** A link may lead back to its own folder; nobody nests folders deeper than this. */
const deepest = 24;

export const diskFiles: FileAccess = {
  read: (uri) => {
    if (!uri.startsWith('file:') || !uri.endsWith('.relay')) return undefined;
    try {
      return readFileSync(fileURLToPath(uri), 'utf8');
    } catch {
      return undefined;
    }
  },
  list: async (folder) => {
    if (!folder.startsWith('file:')) return [];
    const found: string[] = [];
    await collect(fileURLToPath(folder), 0, found);
    return found;
  },
  bytes: async (uri, known) => {
    if (!uri.startsWith('file:') || !uri.endsWith('.params')) return undefined;
    try {
      const file = fileURLToPath(uri);
      const { size, mtimeMs } = await stat(file);
      if (size > largestParams) return undefined;
      const stamp = `${size} ${mtimeMs}`;
      return stamp === known ? 'unchanged' : { bytes: await readFile(file), stamp };
    } catch {
      return undefined;
    }
  },
};

async function collect(folder: string, depth: number, found: string[]): Promise<void> {
  if (depth > deepest || found.length >= mostFiles) return;
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && !skipped.has(entry.name)) await collect(file, depth + 1, found);
    else if (entry.isFile() && entry.name.endsWith('.relay') && found.length < mostFiles)
      found.push(pathToFileURL(file).href);
  }
}
