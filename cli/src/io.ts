/** What a verb may touch of the outside: streams, files, cancellation. Tests pass their own. */
import { readFileSync } from 'node:fs';
import { makeFolder } from '../../boards/src/index.ts';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';

/** Exit codes of the command line: fine; the program has errors or a comparison failed; wrong usage or missing tool. */
export const exit = { ok: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

export interface CommandIO {
  out(text: string): void;
  err(text: string): void;
  /** Cancelled by Ctrl-C; a second Ctrl-C ends the process. */
  readonly token: CancellationToken;
  /** Whether standard output is a terminal that takes colour; a `NO_COLOR` that is not empty turns it off. */
  readonly colour: boolean;
  /** Columns of the terminal; undefined where standard output is none. */
  readonly columns?: number | undefined;
}

/** A file's bytes, or a failure that names the file and what to do. */
export function readBytes(path: string | 0): Result<Uint8Array> {
  try {
    return ok(new Uint8Array(readFileSync(path)));
  } catch (error) {
    return fileFailure(nameOf(path), error, 'read');
  }
}

/** 0 is the descriptor of standard input. */
function nameOf(path: string | 0): string {
  return path === 0 ? 'standard input' : path;
}

/** A UTF-8 file's text; bytes that are no UTF-8 are a failure. */
export function readText(path: string | 0): Result<string> {
  const bytes = readBytes(path);
  if (!bytes.ok) return bytes;
  try {
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(bytes.value));
  } catch {
    return fail(
      'not-text',
      `${nameOf(path)} is not UTF-8 text.`,
      'Give a .relay text file; parameters go to --params.',
    );
  }
}

/** How messages call a file that was named on the command line. */
export function shownPath(file: string): string {
  return file === '-' ? '<stdin>' : file;
}

/** The same, where `-` stands for standard input. */
export function readInput(path: string): Result<string> {
  return path === '-' ? readText(0) : readText(path);
}

/** Turns a file system error into a failure. */
export function fileFailure(
  path: string,
  error: unknown,
  verb: 'read' | 'write',
): { readonly ok: false; readonly error: Failure } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reasons: Record<string, [string, string]> = {
    ENOENT: ['it does not exist', 'Check the path.'],
    EISDIR: ['it is a folder', 'Name a file.'],
    ENOTDIR: ['part of the path is a file', 'Check the path.'],
    EACCES: ['permission is denied', 'Change its permissions or choose another place.'],
    EROFS: ['the file system is read-only', 'Choose another place.'],
    ELOOP: ['its links lead in a circle', 'Mend the symbolic link.'],
    EIO: ['the device reports an error', 'Try again, or choose another place.'],
    ENOSPC: ['the disk is full', 'Free some space and run this again.'],
  };
  const [reason, remedy] = reasons[code] ?? [error instanceof Error ? error.message : String(error), 'Check the path.'];
  return fail(`cannot-${verb}`, `Cannot ${verb} ${path}: ${reason}.`, remedy);
}

/** Makes a folder and those above it that are missing. */
export function ensureFolder(folder: string): Result<void> {
  try {
    makeFolder(folder);
    return ok(undefined);
  } catch (error) {
    return fileFailure(folder, error, 'write');
  }
}
