/** Names that several files know: all places in the workspace that mean the same declaration. */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { declarationOf, sharedNameOf, type Declared, type SharedName } from './features/declared.ts';
import { sharedOccurrences, type Reference } from './features/navigation.ts';
import { occurrenceAt } from './locate.ts';
import type { Host } from './service.ts';
import type { CheckedSnapshot } from './snapshot.ts';

export interface FileReferences {
  readonly file: CheckedSnapshot;
  readonly found: readonly Reference[];
}

/** The name at an offset that other files may know, and where it is declared. */
export function sharedAt(
  host: Host,
  snapshot: CheckedSnapshot,
  offset: number,
): { readonly shared: SharedName; readonly declared: Declared } | undefined {
  const shared = sharedNameOf(occurrenceAt(snapshot, offset)?.symbol);
  const declared = shared && declarationOf(snapshot, shared, (uri) => host.files.snapshot(uri));
  return declared && { shared, declared };
}

/**
 * The uses of the shared name at `offset` by file, the declaring file first; undefined when no shared name stands there.
 * Files that mention the name by another declaration have none.
 */
export async function sharedReferences(
  host: Host,
  snapshot: CheckedSnapshot,
  offset: number,
  token: CancellationToken,
): Promise<readonly FileReferences[] | undefined> {
  const at = sharedAt(host, snapshot, offset);
  if (!at) return undefined;
  const result: FileReferences[] = [];
  for (const file of await usersOf(host, at.shared, at.declared, token))
    result.push({ file, found: sharedOccurrences(file, at.shared) });
  return result;
}

/** The files of the workspace that mean the declaration by its name, with types. */
export async function usersOf(
  host: Host,
  shared: SharedName,
  declared: Declared,
  token: CancellationToken,
): Promise<readonly CheckedSnapshot[]> {
  const found: CheckedSnapshot[] = [];
  for (const uri of await host.workspace.users(declared.file.uri, token)) {
    const parsed = await host.workspace.parsed(uri, token);
    if (!parsed?.text.includes(shared.name)) continue;
    const seen = declarationOf(parsed, shared, (other) => host.files.snapshot(other));
    if (seen?.file.uri !== declared.file.uri || seen.name.start !== declared.name.start) continue;
    const file = await host.workspace.checked(uri, token);
    if (token.isCancellationRequested) return [];
    if (file) found.push(file);
  }
  return found;
}
