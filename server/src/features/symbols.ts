/** The outline of a document: functions with their parameters and bindings, types with their constructors. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import type { Definition, FunctionNode, Statement } from '../../../compiler/src/syntax/tree.ts';
import { printType } from '../../../compiler/src/types/print.ts';
import { rangeOf, textOf, type CheckedSnapshot } from '../snapshot.ts';

export type OutlineKind = 'function' | 'type' | 'constructor' | 'parameter' | 'binding' | 'import';

export interface OutlineItem {
  readonly name: string;
  readonly detail: string;
  readonly kind: OutlineKind;
  readonly range: TextRange;
  readonly nameRange: TextRange;
  readonly children: readonly OutlineItem[];
}

/** The outline, in the order of the text. */
export function documentSymbols(snapshot: CheckedSnapshot): readonly OutlineItem[] {
  const { tree } = snapshot;
  if (tree.expression) return tree.expression.statements.flatMap((s) => outlineStatement(snapshot, s));
  return tree.definitions.map((definition) => outlineDefinition(snapshot, definition));
}

/** Global functions, types and constructors whose name contains `query`, ignoring case. */
export function globalSymbols(snapshot: CheckedSnapshot, query: string): readonly OutlineItem[] {
  const wanted = query.toLowerCase();
  return snapshot.tree.definitions
    .filter((definition) => definition.kind !== 'import')
    .flatMap((definition) => {
      const item = outlineDefinition(snapshot, definition);
      return definition.kind === 'type' ? [item, ...item.children] : [item];
    })
    .filter((item) => item.name.toLowerCase().includes(wanted));
}

function outlineDefinition(snapshot: CheckedSnapshot, definition: Definition): OutlineItem {
  const range = rangeOf(snapshot, definition.span);
  switch (definition.kind) {
    case 'def': {
      const type = snapshot.check.globals.get(definition.name.text);
      return {
        name: `@${definition.name.text}`,
        detail: type ? printType(type) : '',
        kind: 'function',
        range,
        nameRange: rangeOf(snapshot, definition.name.span),
        children: outlineFunction(snapshot, definition.fn),
      };
    }
    case 'type':
      return {
        name: definition.name.text || 'type',
        detail: definition.extern ? 'extern type' : '',
        kind: 'type',
        range,
        nameRange: rangeOf(snapshot, definition.name.span),
        children: (definition.constructors ?? []).map((constructor) => ({
          name: constructor.name.text || 'constructor',
          detail: constructor.fields.map((field) => textOf(snapshot, field.span)).join(', '),
          kind: 'constructor',
          range: rangeOf(snapshot, constructor.span),
          nameRange: rangeOf(snapshot, constructor.name.span),
          children: [],
        })),
      };
    case 'import':
      return {
        name: definition.path.text || 'import',
        detail: '',
        kind: 'import',
        range,
        nameRange: rangeOf(snapshot, definition.path.span),
        children: [],
      };
  }
}

function outlineFunction(snapshot: CheckedSnapshot, fn: FunctionNode): readonly OutlineItem[] {
  const params = fn.params.map((param): OutlineItem => {
    const type = snapshot.check.typeOf(param);
    return {
      name: `%${param.name.text}`,
      detail: type ? printType(type) : '',
      kind: 'parameter',
      range: rangeOf(snapshot, param.span),
      nameRange: rangeOf(snapshot, param.name.span),
      children: [],
    };
  });
  return [...params, ...fn.body.statements.flatMap((statement) => outlineStatement(snapshot, statement))];
}

function outlineStatement(snapshot: CheckedSnapshot, statement: Statement): readonly OutlineItem[] {
  if (statement.kind === 'sequence') return [];
  const type = snapshot.check.typeOf(statement);
  const detail = type ? printType(type) : '';
  const inner = statement.kind === 'free_var' ? undefined : statement.value;
  return [
    {
      name: statement.kind === 'graph' ? `%${statement.index}` : `%${statement.name.text}`,
      detail: statement.kind === 'graph' ? `${calleeText(statement)}${detail}` : detail,
      kind: 'binding',
      range: rangeOf(snapshot, statement.span),
      nameRange: rangeOf(snapshot, statement.kind === 'graph' ? statement.nameSpan : statement.name.span),
      children: inner?.kind === 'fn' ? outlineFunction(snapshot, inner) : [],
    },
  ];
}

/** `nn.conv2d ` in front of a binding's type, so that a list of numbers says something. */
function calleeText(statement: Extract<Statement, { kind: 'graph' }>): string {
  const { value } = statement;
  return value.kind === 'call' && value.callee.kind === 'name' ? `${value.callee.name} ` : '';
}
