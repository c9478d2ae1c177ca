/**
 * A document under another type of one parameter: the text is substituted in memory and checked from there. Functions
 * that are called with the changed shapes follow, where their annotations differ in sizes alone.
 */
import { LineIndex, resolveSpan } from '../../../compiler/src/base/span.ts';
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import { check } from '../../../compiler/src/check/check.ts';
import type { CheckResult } from '../../../compiler/src/check/result.ts';
import { parseSource } from '../../../compiler/src/syntax/parser.ts';
import type {
  FunctionDefinition,
  GraphStatement,
  LetStatement,
  Param,
  SourceTree,
  TypeNode,
} from '../../../compiler/src/syntax/tree.ts';
import { walkTree } from '../../../compiler/src/syntax/walk.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import type { Type } from '../../../compiler/src/types/type.ts';
import { toRange } from '../convert.ts';
import type { ChangedType, WhatIfParams, WhatIfResult } from '../protocol.ts';
import { rangeOf, type CheckedSnapshot, type Snapshot } from '../snapshot.ts';

/** Rounds in which annotations follow each other; a chain of calls may be this deep. */
const mostRounds = 12;

/** The document's text with the type of the parameter replaced. The type must be one type and nothing else. */
export function substitute(
  snapshot: Snapshot,
  wanted: Pick<WhatIfParams, 'function' | 'parameter' | 'type'>,
): Result<string> {
  const definition = snapshot.tree.definitions.find(
    (d): d is FunctionDefinition => d.kind === 'def' && d.name.text === wanted.function,
  );
  const param = definition?.fn.params.find((p) => p.name.text === wanted.parameter);
  if (!param) return fail('what-if-parameter', `There is no parameter %${wanted.parameter} of @${wanted.function}.`);
  const probe = parseSource(`#[version = "0.0.5"]\ndef @probe(%x: ${wanted.type}) { %x }\n`);
  const [only, ...more] = probe.definitions;
  const alone = only?.kind === 'def' && more.length === 0 && only.fn.params.length === 1;
  if (!alone || probe.errors.length > 0)
    return fail('what-if-type', `${wanted.type} is no type.`, 'Write one like Tensor[(8, 32), float32].');
  if (param.type) {
    const { start, end } = rangeOf(snapshot, param.type.span);
    return ok(snapshot.text.slice(0, start) + wanted.type + snapshot.text.slice(end));
  }
  const { end } = rangeOf(snapshot, param.name.span);
  return ok(`${snapshot.text.slice(0, end)}: ${wanted.type}${snapshot.text.slice(end)}`);
}

/** The text in which the annotations of functions follow the shapes that now reach them. */
export function follow(text: string): string {
  let current = text;
  for (let round = 0; round < mostRounds; round++) {
    const tree = parseSource(current);
    const edits = outdated(tree, check(tree));
    if (edits.length === 0) return current;
    for (const { start, end, type } of edits.sort((a, b) => b.start - a.start))
      current = current.slice(0, start) + type + current.slice(end);
  }
  return current;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly type: string;
}

/** Annotations whose sizes are not those of the arguments, or of the body, each once. */
function outdated(tree: SourceTree, result: CheckResult): Edit[] {
  const functions = new Map(tree.definitions.flatMap((d) => (d.kind === 'def' ? [[d.name.text, d] as const] : [])));
  const edits = new Map<TypeNode, Edit>();
  const compare = (node: TypeNode | undefined, declared: Type | undefined, actual: Type | undefined): void => {
    if (!node || !declared || !actual || edits.has(node) || !otherSizes(declared, actual)) return;
    const { start, end } = resolveSpan(tree.anchors, node.span);
    edits.set(node, { start, end, type: printType(actual) });
  };
  walkTree(tree, (node) => {
    if (node.kind === 'call' && node.callee.kind === 'global') {
      const called = functions.get(node.callee.name)?.fn;
      node.args.forEach((arg, i) => {
        const param = called?.params[i];
        if (param?.type) compare(param.type, result.typeOf(param), result.typeOf(arg));
      });
    }
    return true;
  });
  for (const { fn } of functions.values()) {
    const declared = fn.ret && result.typeOf(fn.ret);
    compare(fn.ret, declared, result.typeOf(fn.body.result));
  }
  return [...edits.values()];
}

/** Two tensors that differ in sizes alone. */
function otherSizes(a: Type, b: Type): boolean {
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return false;
  return a.dtype === b.dtype && a.shape.length === b.shape.length && printType(a) !== printType(b);
}

/** Types and errors of the substituted program beside those of the document. */
export function compareTypes(
  snapshot: CheckedSnapshot,
  text: string,
): Pick<WhatIfResult, 'changed' | 'errors' | 'text'> {
  const tree = parseSource(text);
  const result = check(tree);
  const lines = new LineIndex(text);
  const before = bindingsOf(snapshot.check);
  const after = bindingsOf(result);
  const changed = before.flatMap((binding, i): ChangedType[] => {
    const other = after[i];
    if (!other || other.name !== binding.name || other.type === binding.type) return [];
    const source = toRange(snapshot, rangeOf(snapshot, binding.node.span));
    return [{ name: binding.name, before: binding.type, after: other.type, source }];
  });
  const errors = [...tree.errors, ...result.diagnostics]
    .filter((d) => d.severity === 'error')
    .map((d) => ({
      message: d.remedy === undefined ? d.message : `${d.message} ${d.remedy}`,
      line: lines.position(resolveSpan(tree.anchors, d.span).start).line,
    }));
  return { text, changed, errors };
}

interface Binding {
  readonly node: Param | LetStatement | GraphStatement;
  readonly name: string;
  readonly type: string;
}

/** Parameters, bindings and function results in the order of the text. */
function bindingsOf(result: CheckResult): readonly Binding[] {
  const found: Binding[] = [];
  walkTree(result.tree, (node) => {
    if (node.kind === 'param' || node.kind === 'let' || node.kind === 'graph') {
      const type = result.typeOf(node);
      const name = node.kind === 'graph' ? `%${node.index}` : `%${node.name.text}`;
      found.push({ node, name, type: type ? printType(type) : '' });
    }
    return true;
  });
  return found;
}
