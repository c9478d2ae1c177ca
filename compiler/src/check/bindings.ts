/** Binding and looking up locals and graph numbers, with the bookkeeping that incremental checks need. */
import type { GraphRef, GraphStatement, LocalRef, Name, NameRef } from '../syntax/tree.ts';
import type { Type } from '../types/type.ts';
import type { Context } from './context.ts';
import type { Binding } from './scope.ts';

/** Brings a binding into scope. */
export function bindLocal(cx: Context, binding: Binding): void {
  cx.own.add(binding);
  binding.live = true;
  if (binding.symbol.kind === 'local' && binding.symbol.name !== '') cx.locals.bind(binding.symbol.name, binding);
}

/** Says that a `let` hides a parameter or a pattern's variable, which TVM 0.12 would go on reading. */
export function noteHidden(cx: Context, name: Name): void {
  if (name.text === '') return;
  const hidden = cx.locals.get(name.text);
  // Whatever the name means here now, the finding depends on it.
  if (!hidden || !cx.own.has(hidden))
    cx.chunk.depend(`hidden %${name.text}`, {
      kind: 'local',
      name: name.text,
      symbol: hidden?.symbol,
      type: hidden?.type,
      unused: true,
    });
  const kind = hidden?.symbol.kind === 'local' ? hidden.symbol.definition.kind : undefined;
  if (!hidden || (kind !== 'param' && kind !== 'varpattern')) return;
  const what = kind === 'param' ? 'parameter' : 'variable of the pattern';
  cx.report('hidden-parameter', name.span, `This \`%${name.text}\` hides the ${what} of that name.`, {
    severity: 'warning',
    remedy: `Bind another name: TVM 0.12 would ignore this value and read the ${what}.`,
    related: [{ span: hidden.nameSpan, message: `The ${what} \`%${name.text}\`.` }],
  });
}

/** What `%name` is bound to here; noted as a dependency of the chunk where it comes from outside, or is bound nowhere. */
export function lookupLocal(cx: Context, node: LocalRef | NameRef, name: string): Binding | undefined {
  const binding = cx.locals.get(name);
  if (!binding) {
    cx.chunk.depend(`%${name}`, { kind: 'local', name, symbol: undefined, type: undefined });
    return undefined;
  }
  refer(cx, node, binding, 'local', name);
  return binding;
}

/** The same for `%0`: the definition's own numbers come before those of earlier ones. */
export function lookupGraph(cx: Context, node: GraphRef): Binding | undefined {
  const name = String(node.index);
  const binding = cx.graphs.get(name) ?? cx.outerGraphs.get(name);
  if (!binding) {
    cx.chunk.depend(`%${name}`, { kind: 'graph', name, symbol: undefined, type: undefined });
    return undefined;
  }
  refer(cx, node, binding, 'graph', name);
  if (binding.open === true && !cx.graphs.has(name)) {
    cx.report(
      'variable-out-of-scope',
      node.span,
      `\`%${name}\` belongs to another function, whose variables it mentions.`,
      {
        remedy: `Define \`%${name}\` in this function.`,
        related: [{ span: binding.nameSpan, message: `\`%${name}\` is defined here.` }],
      },
    );
    return binding;
  }
  for (const local of binding.inner ?? []) {
    if (local.symbol.kind !== 'local') continue;
    cx.mentioned?.add(local);
    if (local.live === true) continue;
    cx.report(
      'variable-out-of-scope',
      node.span,
      `\`%${name}\` mentions \`%${local.symbol.name}\`, which is not in scope here.`,
      {
        remedy: `Bind \`%${name}\` again where it is used, or move its definition out of the scope of \`%${local.symbol.name}\`.`,
        related: [
          { span: binding.nameSpan, message: `\`%${name}\` is defined here.` },
          { span: local.nameSpan, message: `\`%${local.symbol.name}\` is bound here.` },
        ],
      },
    );
    break;
  }
  return binding;
}

function refer(cx: Context, node: object, binding: Binding, kind: 'local' | 'graph', name: string): void {
  cx.used.add(binding);
  if (kind === 'local') {
    cx.mentionsLocal = true;
    if (binding.level > 0) cx.mentioned?.add(binding);
  } else if (binding.open === true) cx.mentionsLocal = true;
  if (cx.own.has(binding)) {
    cx.chunk.symbols.set(node, binding.symbol);
    return;
  }
  const cell = cx.chunk.depend(binding, { kind, name, symbol: binding.symbol, type: binding.type });
  // The chunk may have looked the name up before, without using it.
  const dependency = cx.chunk.dependencies[cell];
  if (dependency?.unused === true) dependency.unused = false;
  cx.chunk.symbols.set(node, cell);
}

/** Graph numbers ignore scopes; within a definition the first one counts. */
export function bindGraph(
  cx: Context,
  statement: GraphStatement,
  type: Type,
  inner: readonly Binding[],
  open: boolean,
): void {
  const name = String(statement.index);
  const binding: Binding = {
    symbol: { kind: 'graph', index: statement.index, definition: statement },
    nameSpan: statement.nameSpan,
    type,
    value: statement.value,
    level: cx.level,
    inner,
    open,
  };
  const first = cx.graphs.get(name);
  if (first) {
    if (!cx.own.has(first))
      cx.chunk.depend(first, { kind: 'graph', name, symbol: first.symbol, type: first.type, unused: true });
    cx.report(
      'graph-number-redefined',
      statement.nameSpan,
      `\`%${name}\` is defined twice; the first definition counts.`,
      {
        severity: 'warning',
        remedy: 'Give this one a number of its own.',
        related: [{ span: first.nameSpan, message: `\`%${name}\` is defined here.` }],
      },
    );
    return;
  }
  cx.own.add(binding);
  cx.graphs.set(name, binding);
  cx.chunk.graphs.push({ statement, binding });
}
