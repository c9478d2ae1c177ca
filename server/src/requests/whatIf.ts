/** A document under another type of one parameter: the text is substituted in memory and checked from there. */
import { LineIndex, resolveSpan } from '../../../compiler/src/base/span.ts';
import { check } from '../../../compiler/src/check/check.ts';
import type { CheckResult } from '../../../compiler/src/check/result.ts';
import { parseSource } from '../../../compiler/src/syntax/parser.ts';
import type { FunctionDefinition, GraphStatement, LetStatement, Param } from '../../../compiler/src/syntax/tree.ts';
import { walkTree } from '../../../compiler/src/syntax/walk.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import { fail, ok, type Result } from '../../../compiler/src/base/result.ts';
import { toRange } from '../convert.ts';
import type { ChangedType, WhatIfParams, WhatIfResult } from '../protocol.ts';
import { rangeOf, type CheckedSnapshot, type Snapshot } from '../snapshot.ts';

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
