/** `import "file.relay"` (an extension): another file's types and functions, checked once and seen by signature. */
import type { ImportDefinition, SourceTree } from '../syntax/tree.ts';
import { containsError } from '../types/substitute.ts';
import type { Context } from './context.ts';
import type { CheckResult } from './result.ts';
import type { AdtInfo, ConstructorInfo, GlobalInfo } from './scope.ts';

/** What another file declares. */
export interface Declarations {
  readonly result: CheckResult;
  readonly adts: ReadonlyMap<string, AdtInfo>;
}

export interface ImportTarget {
  readonly adts: Map<string, AdtInfo>;
  readonly constructors: Map<string, ConstructorInfo>;
  readonly globals: Map<string, GlobalInfo>;
}

/** Adds what the imported files declare. `load` checks a file; undefined when there is none or when it is being read. */
export function resolveImports(
  cx: Context,
  tree: SourceTree,
  target: ImportTarget,
  load: (path: string) => Declarations | 'missing' | 'cycle',
): void {
  for (const definition of tree.definitions) {
    if (definition.kind !== 'import' || definition.path.text === '') continue;
    const loaded = load(definition.path.text);
    if (typeof loaded === 'string') reportImport(cx, definition, loaded);
    else add(target, loaded);
  }
}

function reportImport(cx: Context, definition: ImportDefinition, why: 'missing' | 'cycle'): void {
  const path = definition.path.text;
  if (why === 'missing')
    cx.report('unknown-import', definition.path.span, `The file "${path}" cannot be read.`, {
      remedy: 'Correct the path; it is relative to this file.',
    });
  else
    cx.report('import-cycle', definition.path.span, `The file "${path}" imports this one in turn.`, {
      remedy: 'Move what both need into a third file.',
    });
}

function add(target: ImportTarget, loaded: Declarations): void {
  for (const info of loaded.adts.values()) {
    const constructors = info.constructors.map((constructor) => ({ ...constructor, definition: undefined, order: -1 }));
    target.adts.set(info.name, { ...info, constructors, definition: undefined, order: -1 });
    for (const constructor of constructors) target.constructors.set(constructor.name, constructor);
  }
  for (const [name, type] of loaded.result.globals)
    if (!containsError(type)) target.globals.set(name, { name, type, definition: undefined, imported: true });
}
