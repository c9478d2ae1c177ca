/** The checker's front: names, types and findings of a file (relay-language reference, sections 2.3–2.9, 4 and 6). */
import { checkCancelled, neverCancelled, type CancellationToken } from '../base/cancellation.ts';
import type { Diagnostic } from '../base/diagnostic.ts';
import { complete } from '../base/steps.ts';
import { operatorRegistry, type OperatorRegistry } from '../operators/registry.ts';
import { foldHabits } from '../syntax/habits.ts';
import type { FunctionDefinition, SourceTree } from '../syntax/tree.ts';
import type { FuncType } from '../types/type.ts';
import { Context } from './context.ts';
import type { CheckedDefinition } from './checked.ts';
import { DefinitionCheck, diagnosticsOf } from './definition.ts';
import {
  readNext,
  resolveImports,
  startReading,
  type Declarations,
  type ImportProblem,
  type Reading,
} from './imports.ts';
import { lint, repeatedNumbers, type GraphNumbers } from './lints.ts';
import { declareTypes, inferenceOrder } from './module.ts';
import { preludeFor } from './prelude.ts';
import { Facts, factsOf } from './facts.ts';
import type { CheckResult } from './result.ts';
import type { AdtInfo, Binding, ConstructorInfo, GlobalInfo } from './scope.ts';

export interface CheckOptions {
  readonly operators?: OperatorRegistry;
  /** Result of an earlier version of the file: what did not change is not checked again. */
  readonly previous?: CheckResult;
  readonly token?: CancellationToken;
  /** Whether the standard prelude's types and functions are known. Default true. */
  readonly prelude?: boolean;
  /** Only what TVM 0.12 reads: extensions are errors. */
  readonly strict?: boolean;
  /**
   * The tree of what `path` names in the file whose tree is `from`; undefined when there is none. The same file must
   * give the same tree within a check: a file that is being read is known again by its tree.
   */
  readonly imports?: (path: string, from: SourceTree) => SourceTree | undefined;
}

/** Checks a file. Never throws but for cancellation; every node gets a type, `error` where it has none. */
export function check(tree: SourceTree, options: CheckOptions = {}): CheckResult {
  return complete(checkSteps(tree, options));
}

/**
 * The same in steps of about a millisecond or less. Who gives up simply asks for no further step; the earlier result
 * stays good for a next check.
 */
export function checkSteps(tree: SourceTree, options: CheckOptions = {}): Generator<void, CheckResult> {
  return checkFile(tree, options, startReading(tree));
}

function* checkFile(tree: SourceTree, options: CheckOptions, reading: Reading): Generator<void, CheckResult> {
  const token = options.token ?? neverCancelled;
  const previous = options.previous ? factsOf(options.previous) : undefined;
  const adts = new Map<string, AdtInfo>();
  const constructors = new Map<string, ConstructorInfo>();
  const globals = new Map<string, GlobalInfo>();
  const scope = { adts, constructors, globals, operators: options.operators ?? operatorRegistry };
  if (options.prelude !== false) preludeFor(tree, scope);
  const typesContext = new Context(scope, tree.metadata, Infinity, new Map(), token);
  // Other files may have changed: what imports is read again.
  const imports = tree.definitions.some((definition) => definition.kind === 'import');
  const sameTypes = imports ? undefined : previous?.adoptTypes(tree, adts, constructors);
  let problems: readonly ImportProblem[] = [];
  if (sameTypes) typesContext.chunk = sameTypes;
  else {
    problems = resolveImports(typesContext, tree, scope, (path) => load(path, options, reading));
    declareTypes(typesContext, tree.definitions, adts, constructors);
  }

  const facts = new Facts(tree, typesContext.chunk, adts, constructors, scope.operators, problems);
  const reusable = sameTypes ? previous : undefined;
  const outerGraphs = new Map<string, Binding>();
  const checks = new Map<FunctionDefinition, DefinitionCheck>();
  const open: FunctionDefinition[] = [];
  const last = new Map<string, FunctionDefinition>();
  tree.definitions.forEach((definition, order) => {
    if (definition.kind !== 'def') return;
    const cx = new Context(scope, tree.metadata, order, outerGraphs, token);
    const work = new DefinitionCheck(cx, definition.fn);
    work.readHeader();
    checks.set(definition, work);
    const name = definition.name.text;
    if (name !== '') last.set(name, definition);
  });
  for (const [name, definition] of last) {
    const work = checks.get(definition);
    if (!work?.declared) continue;
    globals.set(name, { name, type: work.declared, definition, imported: false });
    if (work.signature?.complete !== true) open.push(definition);
  }

  const finished = new Map<FunctionDefinition, CheckedDefinition>();
  const run = function* (group: readonly FunctionDefinition[]): Generator<void, void> {
    const works = group.flatMap((definition) => checks.get(definition) ?? []);
    for (const work of works) {
      checkCancelled(token);
      const fn = work.fn;
      if (fn) yield* work.inferBody(fn.body, reusable?.definition(nameOf(group, work, checks)));
    }
    yield;
    for (const work of works) work.reportUnsolved();
    group.forEach((definition) => {
      const work = checks.get(definition);
      if (!work) return;
      const done = work.finish();
      finished.set(definition, done);
      const info = globals.get(definition.name.text);
      if (info?.definition === definition && work.signature?.complete !== true && done.type) info.type = done.type;
      for (const [name, binding] of done.graphs) if (!outerGraphs.has(name)) outerGraphs.set(name, binding);
    });
  };
  for (const group of inferenceOrder(open)) {
    share(group, checks, scope, tree, outerGraphs, token, globals);
    yield* run(group);
  }
  for (const definition of checks.keys()) if (!finished.has(definition)) yield* run([definition]);

  const diagnostics: Diagnostic[] = [...typesContext.chunk.diagnostics];
  const numbers: GraphNumbers = new Map();
  for (const [definition, work] of checks) {
    const done = finished.get(definition);
    if (!done) continue;
    yield;
    facts.add(definition, done);
    const replaced = last.get(definition.name.text) !== definition && definition.name.text !== '';
    const own = [...lint(work.cx, done, diagnosticsOf(done)), ...repeatedNumbers(definition, done, numbers)];
    if (replaced) {
      diagnostics.push(duplicateFunction(definition, last.get(definition.name.text)));
      diagnostics.push(...own.map((d) => (d.severity === 'error' ? { ...d, severity: 'warning' as const } : d)));
    } else diagnostics.push(...own);
  }
  if (tree.expression) {
    const cx = new Context(scope, tree.metadata, Infinity, outerGraphs, token);
    const work = new DefinitionCheck(cx, undefined);
    yield* work.inferBody(tree.expression, reusable?.expression);
    work.reportUnsolved();
    const done = work.finish();
    facts.addExpression(done);
    diagnostics.push(...lint(cx, done, diagnosticsOf(done)));
  }
  const solved = new Map<string, FuncType>();
  for (const [name, definition] of last) {
    const type = finished.get(definition)?.type;
    if (type) solved.set(name, type);
  }
  if (options.strict === true)
    for (const error of tree.errors)
      if (error.code.startsWith('extension-')) diagnostics.push({ ...error, severity: 'error' });
  return facts.result(roots(tree, diagnostics), solved);
}

/** An imported file's declarations; its own findings are shown where it is opened. */
function load(path: string, options: CheckOptions, reading: Reading): Declarations | 'missing' | 'cycle' {
  const tree = options.imports?.(path, reading.tree);
  if (!tree) return 'missing';
  const next = readNext(reading, tree);
  if (!next) return 'cycle';
  const known = reading.done.get(tree);
  if (known) return known;
  const { previous: _, ...rest } = options;
  const result = complete(checkFile(tree, rest, next));
  const facts = factsOf(result);
  if (!facts) return 'missing';
  const declarations = { result, adts: facts.ownTypes(), problems: facts.importProblems };
  reading.done.set(tree, declarations);
  return declarations;
}

/** Codes that count parts; where one of the parts could not be read, the count follows from that. */
const counting = new Set(['argument-count', 'constructor-pattern-arity', 'tuple-pattern-length']);

/** The findings without those that follow from syntax errors, and a damaged metadata section told of once. */
function roots(tree: SourceTree, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const told = new Set<string>();
  const broken = tree.errors.filter(({ severity }) => severity === 'error');
  return foldRepeated(diagnostics).filter(({ code, message, span }) => {
    if (counting.has(code))
      return !broken.some(
        ({ span: inner }) => inner.anchor === span.anchor && span.start < inner.start && inner.end <= span.end,
      );
    if (code !== 'metadata-damaged') return true;
    const first = !told.has(message);
    told.add(message);
    return first;
  });
}

/** A variable that is written without its sign is told of once, with the repair of all its places. */
function foldRepeated(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const places = new Map<string, Diagnostic[]>();
  for (const diagnostic of diagnostics) {
    const newText = diagnostic.code === 'unknown-operator' ? diagnostic.fixes?.[0]?.edits[0]?.newText : undefined;
    if (newText === undefined || !/^[%@]/.test(newText)) continue;
    const list = places.get(diagnostic.message);
    if (list) list.push(diagnostic);
    else places.set(diagnostic.message, [diagnostic]);
  }
  const folded = new Map<Diagnostic, readonly Diagnostic[]>();
  for (const list of places.values()) {
    const joined = foldHabits(list.map((diagnostic) => ({ ...diagnostic, habit: true })));
    list.forEach((diagnostic, i) => folded.set(diagnostic, i === 0 ? joined : []));
  }
  return folded.size === 0 ? diagnostics : diagnostics.flatMap((diagnostic) => folded.get(diagnostic) ?? [diagnostic]);
}

function nameOf(
  group: readonly FunctionDefinition[],
  work: DefinitionCheck,
  checks: ReadonlyMap<FunctionDefinition, DefinitionCheck>,
): string {
  return group.find((definition) => checks.get(definition) === work)?.name.text ?? '';
}

/** Mutually recursive functions without full annotations are inferred by one solver. */
function share(
  group: readonly FunctionDefinition[],
  checks: Map<FunctionDefinition, DefinitionCheck>,
  scope: ConstructorParameters<typeof Context>[0],
  tree: SourceTree,
  outerGraphs: ReadonlyMap<string, Binding>,
  token: CancellationToken,
  globals: Map<string, GlobalInfo>,
): void {
  if (group.length < 2) return;
  let first: Context | undefined;
  for (const definition of group) {
    const cx: Context = new Context(
      scope,
      tree.metadata,
      tree.definitions.indexOf(definition),
      outerGraphs,
      token,
      first,
    );
    first ??= cx;
    const work = new DefinitionCheck(cx, definition.fn);
    work.readHeader();
    checks.set(definition, work);
    if (work.declared)
      globals.set(definition.name.text, {
        name: definition.name.text,
        type: work.declared,
        definition,
        imported: false,
      });
  }
}

function duplicateFunction(definition: FunctionDefinition, later: FunctionDefinition | undefined): Diagnostic {
  const name = definition.name.text;
  return {
    code: 'duplicate-function',
    severity: 'warning',
    span: definition.name.span,
    message: `\`@${name}\` is defined again below; that definition replaces this one.`,
    remedy: 'Rename one of them or remove it.',
    related: later ? [{ span: later.name.span, message: `The definition that counts.` }] : [],
  };
}
