/** Findings beyond errors: bindings that nothing uses, and errors in what is never part of the program. */
import type { Diagnostic } from '../base/diagnostic.ts';
import type { Span } from '../base/span.ts';
import type { Expr, FunctionDefinition, GraphStatement } from '../syntax/tree.ts';
import type { Chunk } from './chunk.ts';
import type { Context } from './context.ts';
import type { CheckedDefinition } from './checked.ts';
import type { Binding } from './scope.ts';

/** Errors of names, attributes and types as written: TVM's parser finds them wherever they stand. */
const readerCodes =
  /^(?:unknown|unexpected|missing|bad-attribute|duplicate|nested|type-arguments|not-generic|constructor-before)/;

/** The definition's findings with those that concern unused bindings added or softened. */
export function lint(cx: Context, done: CheckedDefinition, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const hints = unusedBindings(cx, done);
  if (!diagnostics.some((diagnostic) => diagnostic.severity === 'error' && !readerCodes.test(diagnostic.code)))
    return hints.length === 0 ? diagnostics : [...diagnostics, ...hints];
  const unused = unreachableGraphs(cx, done);
  const softened = diagnostics.map((diagnostic) => {
    if (diagnostic.severity !== 'error' || readerCodes.test(diagnostic.code)) return diagnostic;
    const owner = unused.find((statement) => contains(statement.span, diagnostic.span));
    if (!owner) return diagnostic;
    return {
      ...diagnostic,
      severity: 'warning' as const,
      message: `${diagnostic.message} (\`%${owner.index}\` is never used, so the program does not contain it.)`,
    };
  });
  return [...softened, ...hints];
}

function contains(outer: Span, inner: Span): boolean {
  return outer.anchor === inner.anchor && outer.start <= inner.start && inner.end <= outer.end;
}

/** Top-level bindings that no later statement mentions; inner ones are found with their chunk. */
function unusedBindings(cx: Context, done: CheckedDefinition): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const chunk of done.chunks.values()) {
    for (const local of chunk.locals) if (!cx.used.has(local)) addUnused(found, local);
    for (const { binding } of chunk.graphs) if (!cx.used.has(binding)) addUnused(found, binding);
  }
  return found;
}

/** Bindings inside a statement that nothing mentions. */
export function reportInnerUnused(cx: Context, chunk: Chunk): void {
  for (const binding of cx.own)
    if (
      binding.symbol.kind === 'local' &&
      !chunk.locals.includes(binding) &&
      binding.level > 0 &&
      !cx.used.has(binding)
    )
      addUnused(chunk.diagnostics, binding);
}

function addUnused(into: Diagnostic[], binding: Binding): void {
  const { symbol } = binding;
  if (symbol.kind === 'local') {
    if (symbol.definition.kind !== 'let' || symbol.name.startsWith('_') || symbol.name === '') return;
    if (binding.value && hasEffect(binding.value)) return;
  }
  const name = symbol.kind === 'graph' ? String(symbol.index) : symbol.name;
  into.push({
    code: 'unused-binding',
    severity: 'hint',
    span: binding.nameSpan,
    message: `\`%${name}\` is never used.`,
    remedy: 'Remove the binding.',
    tags: ['unnecessary'],
  });
}

/** Values bound for what they do rather than for what they are. */
function hasEffect(value: Expr): boolean {
  let current = value;
  while (current.kind === 'paren') current = current.inner;
  return current.kind === 'ref_write' || (current.kind === 'call' && current.callee.kind !== 'name');
}

/** Graph numbers of earlier functions, with where they are bound. */
export type GraphNumbers = Map<string, { readonly owner: FunctionDefinition; readonly span: Span }>;

/** Numbers that an earlier function binds too: TVM 0.12 reads both as the first. Said once a function. */
export function repeatedNumbers(
  definition: FunctionDefinition,
  { graphs }: CheckedDefinition,
  numbers: GraphNumbers,
): readonly Diagnostic[] {
  const repeated: { readonly name: string; readonly span: Span; readonly first: Span; readonly owner: string }[] = [];
  for (const [name, { nameSpan: span }] of graphs) {
    const known = numbers.get(name);
    if (!known) numbers.set(name, { owner: definition, span });
    else if (known.owner !== definition) repeated.push({ name, span, first: known.span, owner: known.owner.name.text });
  }
  const [found] = repeated;
  if (!found) return [];
  const more = repeated.length === 1 ? '' : ` (and ${repeated.length - 1} more)`;
  return [
    {
      code: 'repeated-graph-number',
      severity: 'warning',
      span: found.span,
      message: `\`%${found.name}\`${more} is bound in \`@${found.owner}\` as well. Here each function has its own; TVM 0.12 would read the first in both.`,
      remedy: 'Give it a number that no other function uses.',
      related: [{ span: found.first, message: `\`%${found.name}\` of \`@${found.owner}\`.` }],
    },
  ];
}

/** Graph statements whose values are no part of the program, in chunks with errors. */
function unreachableGraphs(cx: Context, done: CheckedDefinition): readonly GraphStatement[] {
  const owners = new Map<object, Chunk>();
  const reached = new Set<Chunk>();
  const work: Chunk[] = [];
  for (const [node, chunk] of done.chunks) {
    for (const { statement } of chunk.graphs) owners.set(statement, chunk);
    if (node.kind === 'graph') continue;
    reached.add(chunk);
    work.push(chunk);
  }
  for (let chunk = work.pop(); chunk; chunk = work.pop())
    for (const { symbol } of chunk.dependencies) {
      const owner = symbol?.kind === 'graph' ? owners.get(symbol.definition) : undefined;
      if (!owner || reached.has(owner)) continue;
      reached.add(owner);
      work.push(owner);
    }
  const found: GraphStatement[] = [];
  for (const [node, chunk] of done.chunks) {
    if (chunk.diagnostics.length === 0) continue;
    if (node.kind === 'graph' && !reached.has(chunk)) found.push(node);
    for (const { statement, binding } of chunk.graphs)
      if (statement !== node && !cx.used.has(binding)) found.push(statement);
  }
  return found;
}
