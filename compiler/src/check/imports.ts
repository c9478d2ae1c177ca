/** `import "file.relay"` (an extension): another file's types and functions, checked once and seen by signature. */
import type { Span } from '../base/span.ts';
import type { ImportDefinition, SourceTree } from '../syntax/tree.ts';
import { containsError } from '../types/substitute.ts';
import { errorType } from '../types/type.ts';
import type { Context } from './context.ts';
import type { CheckResult } from './result.ts';
import type { AdtInfo, ConstructorInfo, GlobalInfo, Origin } from './scope.ts';

/** An import that leads nowhere, back to a file that is being read, or to a file with errors. */
export interface ImportProblem {
  readonly why: 'missing' | 'cycle' | 'errors';
  /** The files on the way, nearest first. */
  readonly chain: readonly string[];
  /** For `errors`: how many, and what the first one says. */
  readonly errors?: { readonly count: number; readonly first: string };
}

/** What another file declares. */
export interface Declarations {
  readonly result: CheckResult;
  readonly adts: ReadonlyMap<string, AdtInfo>;
  /** What is wrong with the files that it imports in turn. */
  readonly problems: readonly ImportProblem[];
}

export interface ImportTarget {
  readonly adts: Map<string, AdtInfo>;
  readonly constructors: Map<string, ConstructorInfo>;
  readonly globals: Map<string, GlobalInfo>;
}

/** Files that import one another deeper than this go round in a circle that the host did not tell as one. */
const deepest = 100;

/** The files being read, innermost first, and what was read of others: each is checked once, however often it is imported. */
export interface Reading {
  readonly tree: SourceTree;
  readonly parent: Reading | undefined;
  readonly depth: number;
  readonly done: Map<SourceTree, Declarations>;
}

/** The state of reading imports from the file that was asked about. */
export function startReading(tree: SourceTree): Reading {
  return { tree, parent: undefined, depth: 0, done: new Map() };
}

/** Goes on to an imported file; undefined when that file is being read already. */
export function readNext(reading: Reading, tree: SourceTree): Reading | undefined {
  if (reading.depth >= deepest) return undefined;
  for (let at: Reading | undefined = reading; at; at = at.parent) if (at.tree === tree) return undefined;
  return { tree, parent: reading, depth: reading.depth + 1, done: reading.done };
}

/** Adds what the imported files declare, and tells of imports that fail, here or further on. */
export function resolveImports(
  cx: Context,
  tree: SourceTree,
  target: ImportTarget,
  load: (path: string) => Declarations | 'missing' | 'cycle',
): readonly ImportProblem[] {
  const problems: ImportProblem[] = [];
  for (const definition of tree.definitions) {
    if (definition.kind !== 'import' || definition.path.text === '') continue;
    const path = definition.path.text;
    const loaded = load(path);
    const found: readonly ImportProblem[] =
      typeof loaded === 'string'
        ? [{ why: loaded, chain: [path] }]
        : [...loaded.problems, ...ownErrors(loaded)].map((problem) => ({
            ...problem,
            chain: [path, ...problem.chain],
          }));
    if (found[0]) reportImport(cx, definition, found[0]);
    problems.push(...found);
    if (typeof loaded !== 'string') add(cx, target, loaded, definition);
  }
  reportHidden(cx, tree, target);
  return problems;
}

/** `"b.relay" imports "c.relay", which imports "d.relay"`. */
function route(chain: readonly string[]): string {
  const [first = '', second, ...more] = chain.map((path) => `"${path}"`);
  if (second === undefined) return first;
  return `${first} imports ${[second, ...more].join(', which imports ')}`;
}

const importCodes = /^(?:unknown-import|import-|broken-import)/;

/** The errors of an imported file other than those of its own imports. */
function ownErrors({ result }: Declarations): readonly ImportProblem[] {
  const errors = [...result.tree.errors, ...result.diagnostics].filter(
    ({ severity, code }) => severity === 'error' && !importCodes.test(code),
  );
  const [first] = errors;
  return first ? [{ why: 'errors', chain: [], errors: { count: errors.length, first: first.message } }] : [];
}

function reportImport(cx: Context, definition: ImportDefinition, { why, chain, errors }: ImportProblem): void {
  const last = chain[chain.length - 1] ?? '';
  const direct = chain.length === 1;
  if (why === 'errors' && errors) {
    const many = errors.count === 1 ? 'an error' : `${errors.count} errors, the first of them`;
    cx.report(
      'broken-import',
      definition.path.span,
      `${direct ? `The file "${last}"` : `${route(chain)}, and that file`} has ${many}: ${errors.first}`,
      { remedy: `Open "${last}" and mend it; what it defines well can be used meanwhile.` },
    );
    return;
  }
  if (why === 'missing')
    cx.report(
      'unknown-import',
      definition.path.span,
      direct ? `The file "${last}" cannot be read.` : `${route(chain)}, and that file cannot be read.`,
      {
        remedy: direct
          ? 'Correct the path; it is relative to this file.'
          : `Correct the path in "${chain[chain.length - 2]}"; it is relative to that file.`,
      },
    );
  else
    cx.report(
      'import-cycle',
      definition.path.span,
      direct
        ? `The file "${last}" is this one, or imports it in turn.`
        : `Imports go round in a circle: ${route(chain)} again.`,
      { remedy: 'Move what both need into a third file.' },
    );
}

function add(cx: Context, target: ImportTarget, loaded: Declarations, definition: ImportDefinition): void {
  const { tree } = loaded.result;
  const path = definition.path.text;
  const { span } = definition.path;
  for (const info of loaded.adts.values()) {
    const from = info.origin;
    // A type of the prelude is known anyway, unless that file hides it.
    const origin: Origin | undefined = from
      ? { tree: from.tree, chain: [path, ...from.chain], span }
      : info.definition
        ? { tree, chain: [path], span }
        : undefined;
    const known = target.adts.get(info.name);
    if (known && !origin) continue;
    if (known?.origin && origin && known.origin.tree !== origin.tree)
      reportClash(cx, `type \`${info.name}\``, known.origin, origin);
    const constructors = info.constructors.map((constructor) => ({ ...constructor, definition: undefined, order: -1 }));
    target.adts.set(info.name, {
      ...info,
      constructors,
      definition: undefined,
      order: -1,
      ...(origin ? { origin } : {}),
    });
    for (const constructor of constructors) {
      const other = target.constructors.get(constructor.name);
      const owner = other && other.adt !== info.name ? target.adts.get(other.adt)?.origin : undefined;
      if (owner && origin) reportClash(cx, `constructor \`${constructor.name}\``, owner, origin);
      target.constructors.set(constructor.name, constructor);
    }
  }
  for (const other of tree.definitions) {
    if (other.kind !== 'def' || other.name.text === '') continue;
    const name = other.name.text;
    const origin: Origin = { tree, chain: [path], span };
    const known = target.globals.get(name);
    if (known?.origin && known.origin.tree !== tree) reportClash(cx, `function \`@${name}\``, known.origin, origin);
    const type = loaded.result.globals.get(name);
    // What has an error in its own file is known by name and raises no second error here.
    const usable = type !== undefined && !containsError(type);
    target.globals.set(name, { name, type: usable ? type : errorType, definition: undefined, imported: true, origin });
  }
}

/** `"b.relay"`, `"c.relay" (imported by "b.relay")`. */
function fileOf({ chain }: Origin): string {
  const last = `"${chain[chain.length - 1]}"`;
  return chain.length === 1 ? last : `${last} (imported by "${chain[chain.length - 2]}")`;
}

function reportClash(cx: Context, what: string, first: Origin, second: Origin): void {
  cx.report(
    'import-clash',
    second.span,
    `The ${what} is defined both by ${fileOf(first)} and by ${fileOf(second)}; the latter counts.`,
    {
      remedy: 'Rename one of them, or import one of the files only.',
      related: first.span === second.span ? [] : [{ span: first.span, message: 'The other one comes from here.' }],
    },
  );
}

/** What this file defines hides what it imports under the same name. */
function reportHidden(cx: Context, tree: SourceTree, target: ImportTarget): void {
  for (const definition of tree.definitions) {
    if (definition.kind === 'import') continue;
    const name = definition.name.text;
    const origin = (definition.kind === 'def' ? target.globals.get(name) : target.adts.get(name))?.origin;
    if (!origin || origin.tree === tree) continue;
    const what = definition.kind === 'def' ? `function \`@${name}\`` : `type \`${name}\``;
    const span: Span = definition.name.span;
    cx.report('import-clash', span, `This ${what} hides the one that ${fileOf(origin)} defines.`, {
      severity: 'warning',
      remedy: 'Rename one of them.',
      related: [{ span: origin.span, message: 'The hidden one comes from here.' }],
    });
  }
}
