import { chmodSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ok, type Result } from '../../compiler/src/base/result.ts';
import { fileFailure } from './io.ts';

/** Replaces a file as a whole and keeps its mode; links stay links. On failure the file is as it was. */
export function replaceFile(file: string, text: string): Result<void> {
  let temporary: string | undefined;
  try {
    const target = realpathSync(file);
    const { mode } = statSync(target);
    temporary = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}.tmp`);
    writeFileSync(temporary, text, { flag: 'wx' });
    chmodSync(temporary, mode);
    renameSync(temporary, target);
    return ok(undefined);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    return fileFailure(file, error, 'write');
  }
}
