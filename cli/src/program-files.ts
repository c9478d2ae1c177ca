/** Folders on the command line stand for the programs in them. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import { fileFailure } from './io.ts';

const isProgram = (name: string): boolean => /\.(relay|rly)$/.test(name);

/**
 * The files among `paths`, and in place of a folder the programs in it and below, sorted by path. Hidden folders,
 * `node_modules` and linked folders are left out. A folder without programs is a problem.
 */
export function programFiles(paths: readonly string[]): {
  readonly files: readonly string[];
  readonly problems: readonly Failure[];
} {
  const files: string[] = [];
  const problems: Failure[] = [];
  for (const given of paths) {
    if (given === '-' || !isFolder(given)) {
      files.push(given);
      continue;
    }
    const found = programsIn(given);
    if (found.ok) files.push(...found.value);
    else problems.push(found.error);
  }
  return { files, problems };
}

function isFolder(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    // Reading it will tell.
    return false;
  }
}

function programsIn(folder: string): Result<readonly string[]> {
  const found: string[] = [];
  const waiting = [folder];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    let entries;
    try {
      entries = readdirSync(at, { withFileTypes: true });
    } catch (error) {
      return fileFailure(at, error, 'read');
    }
    for (const entry of entries) {
      const file = path.join(at, entry.name);
      const passed = entry.name.startsWith('.') || entry.name === 'node_modules';
      if (entry.isDirectory() && !passed) waiting.push(file);
      else if (!entry.isDirectory() && isProgram(entry.name)) found.push(file);
    }
  }
  if (found.length > 0) return ok(found.sort());
  return fail('cannot-read', `The folder ${folder} holds no .relay file.`, 'Name a file, or another folder.');
}
