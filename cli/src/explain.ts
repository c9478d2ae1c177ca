/** `relay check --explain LINE:COL`: how each dimension of an expression's type came to be, as an indented chain. */
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { resolveSpan } from '../../compiler/src/base/span.ts';
import type { DimStep } from '../../compiler/src/check/result.ts';
import type { Expr, GraphStatement, LetStatement, Node, Param } from '../../compiler/src/syntax/tree.ts';
import { nodeAt } from '../../compiler/src/syntax/walk.ts';
import { printType } from '../../compiler/src/types/print.ts';
import type { LoadedSource } from './source.ts';

const maxDepth = 24;

function chain(source: LoadedSource, step: DimStep, indent: string, lines: string[], depth: number): void {
  const at = step.span ? source.view.lines.position(resolveSpan(source.view.anchors, step.span).start) : undefined;
  const place = at ? `  (${at.line + 1}:${at.character + 1})` : '';
  lines.push(`${indent}${step.value}${step.formula ? ` = ${step.formula}` : ''}  from ${step.label}${place}`);
  if (depth >= maxDepth) {
    if (step.sources.length > 0) lines.push(`${indent}  …`);
    return;
  }
  for (const next of step.sources) chain(source, next, `${indent}  `, lines, depth + 1);
}

type Explained = Expr | Param | LetStatement | GraphStatement;

/** Lines for the innermost typed node at `LINE:COL` (one-based). */
export function explainAt(source: LoadedSource, at: string): Result<string> {
  const match = /^(\d+):(\d+)$/.exec(at);
  if (!match) return fail('usage', `--explain takes LINE:COL, for example 12:5, not '${at}'.`);
  const offset = source.view.lines.offset({ line: Number(match[1]) - 1, character: Number(match[2]) - 1 });
  const path: readonly Node[] = nodeAt(source.check.tree, offset);
  for (const node of [...path].reverse()) {
    const explained = node as Explained;
    const type = source.check.typeOf(explained);
    const tensors = type?.kind === 'tensor' ? [type] : type?.kind === 'tuple' ? type.fields : [];
    if (!type || tensors.length === 0) continue;
    const lines = [printType(type)];
    tensors.forEach((tensor, field) => {
      if (tensor.kind !== 'tensor') return;
      tensor.shape.forEach((_, dim) => {
        const step = source.check.explainDim(explained, dim, type.kind === 'tuple' ? field : undefined);
        lines.push(`dimension ${type.kind === 'tuple' ? `${field}.` : ''}${dim}:`);
        if (step) chain(source, step, '  ', lines, 0);
        else lines.push('  as declared');
      });
    });
    return ok(lines.join('\n'));
  }
  const failed = path.some((node) => source.check.typeOf(node as Explained)?.kind === 'error');
  if (failed)
    return fail(
      'type-unknown',
      `What stands at ${at} has no type because of an error.`,
      'Mend the errors that `relay check` shows first.',
    );
  return fail(
    'nothing-there',
    `No expression with a tensor type stands at ${at}.`,
    'Point at an expression, a parameter or a binding.',
  );
}
