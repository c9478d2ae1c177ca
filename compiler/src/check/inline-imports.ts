/** A program with what it imports, as one text: compilation works on a single file. */
import { fail, ok, type Result } from '../base/result.ts';
import { resolveSpan } from '../base/span.ts';
import type { SourceTree } from '../syntax/tree.ts';

/** A file and how to come by those that it imports. */
export interface ImportingProgram {
  readonly tree: SourceTree;
  readonly text: string;
  /** The tree of what `path` names in the file whose tree is `from`; undefined when it cannot be read. */
  imports(path: string, from: SourceTree): SourceTree | undefined;
  /** The text that an imported tree was parsed from. */
  textOf(tree: SourceTree): string | undefined;
}

/**
 * The text with the definitions of all imported files behind its own, each file once; the program itself when it
 * imports nothing. Import statements become blanks, so that every line of the program keeps its number. Fails where two
 * files define one name, or where two of them have a metadata section, whose numbers would collide.
 */
export function inlineImports(program: ImportingProgram): Result<string> {
  const { tree, text } = program;
  if (!tree.definitions.some((definition) => definition.kind === 'import')) return ok(text);
  const order: SourceTree[] = [tree];
  const names = new Map<string, SourceTree>();
  for (const of of order)
    for (const definition of of.definitions) {
      if (definition.kind === 'import') {
        const next = program.imports(definition.path.text, of);
        if (next && !order.includes(next)) order.push(next);
        continue;
      }
      const name = `${definition.kind} ${definition.name.text}`;
      if ((names.get(name) ?? of) !== of)
        return fail(
          'import-clash',
          `Two of the files define \`${definition.name.text}\`.`,
          'Give them different names to compile the program.',
        );
      names.set(name, of);
    }
  const withMetadata = order.filter((t) => t.metadata !== undefined).length;
  if (withMetadata > 1)
    return fail(
      'import-metadata',
      `${withMetadata} of the files have a metadata section, so that \`meta[…][0]\` would mean several constants.`,
      'Keep constants in one file, or pass them as parameters.',
    );
  let section = '';
  const parts = order.map((of) => {
    const { body, metadata } = separate(of, of === tree ? text : (program.textOf(of) ?? ''), of === tree);
    section += metadata;
    return body;
  });
  return ok(`${parts.map((part) => part.trimEnd()).join('\n')}\n${section}`);
}

/** A file's definitions with blanks for imports (and for the header, which stands once), and its metadata section. */
function separate(
  tree: SourceTree,
  text: string,
  first: boolean,
): { readonly body: string; readonly metadata: string } {
  const blanks = tree.definitions.filter((d) => d.kind === 'import').map((d) => resolveSpan(tree.anchors, d.span));
  if (!first && tree.version) blanks.push(resolveSpan(tree.anchors, tree.version.span));
  const end = tree.metadata ? resolveSpan(tree.anchors, tree.metadata.span).start : text.length;
  let body = '';
  let at = 0;
  for (const range of blanks.sort((a, b) => a.start - b.start)) {
    body += text.slice(at, range.start) + text.slice(range.start, range.end).replace(/[^\r\n]/g, ' ');
    at = range.end;
  }
  return { body: body + text.slice(at, Math.max(at, end)), metadata: text.slice(end) };
}
