/** The folder that a build is written to: nothing of others is overwritten, nothing of an earlier build is left over. */
import { existsSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';

/** The report of a build, which names the files that it wrote. */
export const REPORT = 'report.json';

/**
 * Makes a folder ready for files of the given names. Fails with `would-overwrite` where one is there that no earlier
 * build wrote, unless `force`. Removes what an earlier build wrote and this one does not. Throws the system's errors.
 */
export function claimFolder(folder: string, names: readonly string[], force: boolean): Result<void> {
  const earlier = filesOfReport(path.join(folder, REPORT));
  const foreign = [...names, REPORT].filter((name) => existsSync(path.join(folder, name)) && !earlier.has(name));
  if (foreign.length > 0 && !force) {
    const shown = foreign.slice(0, 3).join(', ') + (foreign.length > 3 ? ` and ${foreign.length - 3} more` : '');
    const message = `The folder ${folder} holds ${shown}, which no earlier build wrote there.`;
    return fail('would-overwrite', message, 'Choose another folder; --force writes over them.');
  }
  for (const name of earlier) {
    const file = path.join(folder, name);
    if (!names.includes(name) && name !== REPORT && existsSync(file) && lstatSync(file).isFile()) rmSync(file);
  }
  return ok(undefined);
}

/** The names in an earlier report; none where there is no report that can be read. */
function filesOfReport(file: string): ReadonlySet<string> {
  let report: unknown;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return new Set();
  }
  const files = typeof report === 'object' && report !== null && 'files' in report ? report.files : undefined;
  const inside = (name: unknown): name is string => typeof name === 'string' && /^(\w[\w.-]*\/)?\w[\w.-]*$/.test(name);
  return new Set(Array.isArray(files) ? files.filter(inside) : []);
}
