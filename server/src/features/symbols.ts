/** The outline of a document: functions with their parameters and bindings, types with their constructors. */
import type { TextRange } from '../../../compiler/src/base/span.ts';
import { complete, type Steps } from '../../../compiler/src/base/steps.ts';
import type { Definition, FunctionNode, Name, Statement } from '../../../compiler/src/syntax/tree.ts';
import { shortType } from './describe.ts';
import { rangeOf, textOf, type CheckedSnapshot, type Snapshot } from '../snapshot.ts';

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
  return complete(outline(snapshot));
}

/** Longer types are cut; the hover shows them. */
const longestDetail = 80;

/** Statements outlined between two stops of the work. */
const statementsAtATime = 64;

/** The same in steps. */
export function* outline(snapshot: CheckedSnapshot): Steps<readonly OutlineItem[]> {
  const { tree } = snapshot;
  if (tree.expression) return yield* outlineStatements(snapshot, tree.expression.statements);
  const items: OutlineItem[] = [];
  for (const definition of tree.definitions) {
    yield;
    const item = outlineDefinition(snapshot, definition);
    if (definition.kind !== 'def') items.push(item);
    else {
      const bindings = yield* outlineStatements(snapshot, definition.fn.body.statements);
      items.push({ ...item, children: [...outlineParameters(snapshot, definition.fn), ...bindings] });
    }
  }
  return items;
}

function* outlineStatements(
  snapshot: CheckedSnapshot,
  statements: readonly Statement[],
): Steps<readonly OutlineItem[]> {
  const items: OutlineItem[] = [];
  for (const [i, statement] of statements.entries()) {
    if (i % statementsAtATime === statementsAtATime - 1) yield;
    items.push(...outlineStatement(snapshot, statement));
  }
  return items;
}

/** A symbol of a whole file, for a search over many. */
export interface GlobalSymbol {
  readonly name: string;
  readonly kind: OutlineKind;
  readonly nameRange: TextRange;
  /** The type that a constructor belongs to. */
  readonly container?: string;
}

/** Global functions, types and constructors whose name holds the letters of `query` in order, ignoring case. */
export function globalSymbols(snapshot: Snapshot, query: string): readonly GlobalSymbol[] {
  const wanted = query.toLowerCase();
  const found: GlobalSymbol[] = [];
  const add = (name: string, kind: OutlineKind, span: Name['span'], container?: string): void => {
    if (name === '' || !holds(name.toLowerCase(), wanted)) return;
    found.push({ name, kind, nameRange: rangeOf(snapshot, span), ...(container === undefined ? {} : { container }) });
  };
  for (const definition of snapshot.tree.definitions) {
    if (definition.kind === 'import') continue;
    const { name } = definition;
    if (definition.kind === 'def') add(`@${name.text}`, 'function', name.span);
    else {
      add(name.text, 'type', name.span);
      for (const constructor of definition.constructors ?? [])
        add(constructor.name.text, 'constructor', constructor.name.span, name.text);
    }
  }
  return found;
}

function holds(name: string, letters: string): boolean {
  let at = 0;
  for (const letter of letters) {
    at = name.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

function outlineDefinition(snapshot: CheckedSnapshot, definition: Definition): OutlineItem {
  const range = rangeOf(snapshot, definition.span);
  switch (definition.kind) {
    case 'def': {
      const type = snapshot.check.globals.get(definition.name.text);
      return {
        name: `@${definition.name.text}`,
        detail: type ? shortType(type, longestDetail) : '',
        kind: 'function',
        range,
        nameRange: rangeOf(snapshot, definition.name.span),
        children: [],
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

function outlineParameters(snapshot: CheckedSnapshot, fn: FunctionNode): readonly OutlineItem[] {
  return fn.params.map((param): OutlineItem => {
    const type = snapshot.check.typeOf(param);
    return {
      name: `%${param.name.text}`,
      detail: type ? shortType(type, longestDetail) : '',
      kind: 'parameter',
      range: rangeOf(snapshot, param.span),
      nameRange: rangeOf(snapshot, param.name.span),
      children: [],
    };
  });
}

function outlineFunction(snapshot: CheckedSnapshot, fn: FunctionNode): readonly OutlineItem[] {
  const bindings = fn.body.statements.flatMap((statement) => outlineStatement(snapshot, statement));
  return [...outlineParameters(snapshot, fn), ...bindings];
}

function outlineStatement(snapshot: CheckedSnapshot, statement: Statement): readonly OutlineItem[] {
  if (statement.kind === 'sequence') return [];
  const type = snapshot.check.typeOf(statement);
  const detail = type ? shortType(type, longestDetail) : '';
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
