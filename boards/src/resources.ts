/** Where the C files that ship with the project lie, in a clone and in an installed package. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder `runtime/` of this installation; `root` overrides the search upwards from this file. */
export function runtimeFolder(root?: string): string {
  if (root !== undefined) return path.join(root, 'runtime');
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = path.join(folder, 'runtime');
    if (existsSync(path.join(candidate, 'boards', 'relay_harness.h'))) return candidate;
    const parent = path.dirname(folder);
    if (parent === folder) return candidate;
    folder = parent;
  }
}
