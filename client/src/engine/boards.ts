/** The boards that `relay boards --json` lists. */
import { isObject, listAt, textAt, type JsonObject } from './values.ts';

export interface BoardChoice {
  readonly name: string;
  readonly description: string;
  /** `emulated`, `measured`. */
  readonly provenance: string;
  /** Version line of its compiler, which tuning records name; undefined where it is missing. */
  readonly compiler: string | undefined;
  /** Why it cannot be used now: a missing tool, with the package to install. */
  readonly problem: string | undefined;
}

/** Boards of the engine's answer; entries without a name are left out. */
export function readBoards(json: JsonObject): readonly BoardChoice[] {
  return listAt(json, 'boards').flatMap((entry): BoardChoice[] => {
    if (!isObject(entry)) return [];
    const name = textAt(entry, 'name');
    if (!name) return [];
    const missing = listAt(entry, 'missing').map((item) => (isObject(item) ? textAt(item, 'package') : item));
    const packages = missing.filter((item): item is string => typeof item === 'string');
    const problem = textAt(entry, 'problem') ?? (packages.length > 0 ? `needs ${packages.join(', ')}` : undefined);
    return [
      {
        name,
        description: textAt(entry, 'description') ?? '',
        provenance: textAt(entry, 'provenance') ?? '',
        compiler: textAt(entry, 'compiler'),
        problem,
      },
    ];
  });
}
