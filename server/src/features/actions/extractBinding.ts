import type { TextRange } from '../../../../compiler/src/base/span.ts';
import type { Block, Expr, Node } from '../../../../compiler/src/syntax/tree.ts';
import { rangeOf, textOf } from '../../snapshot.ts';
import { pathAt } from '../../locate.ts';
import { indentAt, insertAt, replace, type ActionContext, type CodeActionRecord, type Offer } from './action.ts';
import { definitionAround, freshGraphIndex, freshLocal, hasEffect } from './bindings.ts';

const extractable: ReadonlySet<Node['kind']> = new Set<Node['kind']>([
  ...(['call', 'infix', 'tuple', 'paren', 'projection', 'if', 'match', 'int', 'float', 'meta', 'fn'] as const),
]);

export const extractBinding: CodeActionRecord = {
  name: 'Extract an expression to a binding',
  kind: 'refactor.extract',
  summary:
    'Binds the selected expression, or the call at the cursor, in front of the statement it stands in: as a graph binding or with `let`.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  nn.relu(«add(%x, 1f)»)\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  %0 = add(%x, 1f);\n  nn.relu(%0)\n}',
  },
  offers(context) {
    const { snapshot, path } = context;
    const found = target(context);
    if (!found) return [];
    const { expr, block, statement } = found;
    const type = snapshot.check.typeOf(expr);
    if (!type || type.kind === 'error') return [];
    const at = rangeOf(snapshot, expr.span);
    const place = rangeOf(snapshot, statement.span).start;
    if (block.braces && place < rangeOf(snapshot, block.span).start) return [];
    const within = definitionAround(snapshot, path);
    const separator = separatorAt(snapshot.text, place);
    const source = textOf(snapshot, expr.span);
    const offer = (title: string, name: string, keyword: string): Offer => ({
      title,
      edits: [insertAt(snapshot, place, `${keyword}${name} = ${source};${separator}`), replace(snapshot, at, name)],
    });
    const graph = `%${freshGraphIndex(snapshot, within)}`;
    const local = `%${freshLocal(snapshot, within, 'value')}`;
    const offers = [offer(`Extract to the graph binding ${graph}`, graph, '')];
    // A let would be evaluated before what stands in front of the expression.
    if (!hasEffect(snapshot, expr)) offers.push(offer(`Extract to let ${local}`, local, 'let '));
    return offers;
  },
};

/** What follows the new statement: a line break as deep as its place, or a blank within a line. */
function separatorAt(text: string, place: number): string {
  const lineStart = text.lastIndexOf('\n', place - 1) + 1;
  return text.slice(lineStart, place).trim() === '' ? `\n${indentAt(text, place)}` : ' ';
}

/** The expression and the statement, or result, of the block that evaluates it. */
function target({
  snapshot,
  range,
}: ActionContext): { readonly expr: Expr; readonly block: Block; readonly statement: Node } | undefined {
  const path = pathAt(snapshot, range.start);
  const covers = (at: TextRange): boolean => at.start <= range.start && range.end <= at.end;
  const selected = range.end > range.start;
  const index = path.findLastIndex((node) => {
    if (!extractable.has(node.kind)) return false;
    const at = rangeOf(snapshot, node.span);
    if (selected) return at.start === range.start && at.end === range.end;
    return node.kind === 'call' && covers(at);
  });
  const expr = path[index];
  if (!expr) return undefined;
  for (let i = index - 1; i >= 0; i--) {
    const node = path[i];
    // Of an arm or a branch without braces the value is evaluated only now and then, and names are bound on the way.
    if (!node || node.kind === 'arm' || node.kind === 'attribute') return undefined;
    if (node.kind !== 'block') continue;
    const statement = path[i + 1];
    if (!statement || !node.braces) return undefined;
    const whole = statement.kind === 'let' || statement.kind === 'graph' ? statement.value === expr : false;
    return whole || (statement === expr && !selected) ? undefined : { expr: expr as Expr, block: node, statement };
  }
  return undefined;
}
