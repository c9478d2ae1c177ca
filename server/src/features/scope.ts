/** Which local names a place sees. */
import type {
  FreeVarStatement,
  GraphStatement,
  LetStatement,
  Node,
  Param,
  VarPattern,
} from '../../../compiler/src/syntax/tree.ts';
import { variablesOf } from '../../../compiler/src/syntax/walk.ts';
import { rangeOf, type CheckedSnapshot } from '../snapshot.ts';

export interface VisibleLocal {
  readonly text: string;
  readonly node: Param | LetStatement | GraphStatement | FreeVarStatement | VarPattern;
}

/** Graph bindings beyond this many are left out, oldest first: a list of ten thousand helps nobody. */
const mostGraphBindings = 200;

/** The names visible at `offset`, nearest first; an outer name that an inner one hides is left out. */
export function visibleLocals(
  snapshot: CheckedSnapshot,
  path: readonly Node[],
  offset: number,
): readonly VisibleLocal[] {
  const found = new Map<string, VisibleLocal>();
  let graphs = 0;
  const add = (text: string, node: VisibleLocal['node']): void => {
    if (found.has(text)) return;
    if (node.kind === 'graph' && graphs++ >= mostGraphBindings) return;
    found.set(text, { text, node });
  };
  for (let i = path.length - 1; i >= 0; i--) {
    const node = path[i];
    if (node?.kind === 'block') {
      for (const statement of node.statements.toReversed()) {
        if (rangeOf(snapshot, statement.span).end > offset || statement.kind === 'sequence') continue;
        if (statement.kind === 'graph') add(`%${statement.index}`, statement);
        else if (statement.kind === 'let' && statement.pattern)
          for (const variable of variablesOf(statement.pattern)) add(`%${variable.name.text}`, variable);
        else if (statement.name.text !== '') add(`%${statement.name.text}`, statement);
      }
    } else if (node?.kind === 'fn' || node?.kind === 'def') {
      const { params } = node.kind === 'def' ? node.fn : node;
      for (const param of params) if (param.name.text !== '') add(`%${param.name.text}`, param);
    } else if (node?.kind === 'arm') {
      for (const variable of variablesOf(node.pattern)) add(`%${variable.name.text}`, variable);
    }
  }
  return [...found.values()];
}
