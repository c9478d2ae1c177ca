/** A program with what it imports, as one text: compilation works on a single file. */
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import type { SourceTree } from '../../compiler/src/syntax/tree.ts';
import type { LoadedSource } from './source.ts';

/**
 * The text with each imported file's definitions in place of its first import, imports of imports first. The program
 * itself when it imports nothing. Fails where a name means different things in two of the files, or where two of them
 * have a metadata section, whose numbers would collide.
 */
export function inlineImports(source: LoadedSource): Result<string> {
  const { tree } = source.check;
  const { text } = source.view;
  if (!tree.definitions.some((definition) => definition.kind === 'import')) return ok(text);
  const clash = source.diagnostics.find((diagnostic) => diagnostic.code === 'import-clash');
  if (clash) return fail('import-clash', clash.message, 'Give them different names to compile the program.');
  const done = new Set<SourceTree>([tree]);
  const names = new Map<string, SourceTree>();
  let metadata = tree.metadata ? 1 : 0;
  let section = '';
  let repeated: string | undefined;
  const collect = (from: SourceTree, path: string): string => {
    const next = source.options.imports?.(path, from);
    if (!next || done.has(next)) return '';
    done.add(next);
    const whole = source.imported.get(next) ?? '';
    if (!next.metadata) return body(next, whole);
    // A metadata section stands at the end of the text.
    metadata++;
    const { start } = resolveSpan(next.anchors, next.metadata.span);
    section = whole.slice(start);
    return body(next, whole.slice(0, start));
  };
  const body = (of: SourceTree, whole: string): string => {
    let result = '';
    let at = 0;
    // One header is enough, and stands at the top.
    if (of !== tree && of.version) {
      const { start, end } = resolveSpan(of.anchors, of.version.span);
      result = whole.slice(0, start);
      at = end;
    }
    for (const definition of of.definitions) {
      if (definition.kind !== 'import') {
        const name = `${definition.kind} ${definition.name.text}`;
        if ((names.get(name) ?? of) !== of) repeated ??= definition.name.text;
        names.set(name, of);
        continue;
      }
      const { start, end } = resolveSpan(of.anchors, definition.span);
      result += whole.slice(at, start) + collect(of, definition.path.text);
      at = end;
    }
    result += whole.slice(at);
    return of === tree ? result : `${result.trim()}\n`;
  };
  const whole = body(tree, text);
  if (repeated !== undefined)
    return fail(
      'import-clash',
      `Two of the imported files define \`${repeated}\`.`,
      'Give them different names to compile the program.',
    );
  if (metadata > 1)
    return fail(
      'import-metadata',
      `${metadata} of the files have a metadata section, so that \`meta[…][0]\` would mean several constants.`,
      'Keep constants in one file, or pass them as parameters.',
    );
  return ok(section === '' ? whole : `${whole.trimEnd()}\n${section}`);
}
