import { tryEdits, noWorse, errorsOf } from '../../../../compiler/src/check/repairs/verify.ts';
import type { AttributeSpec } from '../../../../compiler/src/operators/attributes.ts';
import type { Operator } from '../../../../compiler/src/operators/operator.ts';
import type { CallExpr } from '../../../../compiler/src/syntax/tree.ts';
import { staticShape } from '../../../../compiler/src/types/type.ts';
import { pathAt } from '../../locate.ts';
import { rangeOf, type CheckedSnapshot } from '../../snapshot.ts';
import { attributesOf } from '../describe.ts';
import { innermost, insertAt, type CodeActionRecord, type Offer } from './action.ts';

export const fillAttributes: CodeActionRecord = {
  name: 'Fill required attributes',
  kind: 'quickfix',
  summary:
    'Writes the attributes that an operator requires, with the first values that check: shapes and units are taken from the arguments.',
  example: {
    before: 'def @main(%x: Tensor[(2, 3), float32], %w: Tensor[(4, 3), float32]) {\n  nn.den$0se(%x, %w)\n}',
    after: 'def @main(%x: Tensor[(2, 3), float32], %w: Tensor[(4, 3), float32]) {\n  nn.dense(%x, %w, units=4)\n}',
  },
  offers({ snapshot, diagnostics }) {
    const offers: Offer[] = [];
    for (const diagnostic of diagnostics) {
      if (diagnostic.code !== 'missing-attribute') continue;
      const call = innermost(pathAt(snapshot, rangeOf(snapshot, diagnostic.span).start), 'call');
      const symbol = call && snapshot.check.symbolOf(call.callee);
      if (!call || symbol?.kind !== 'operator') continue;
      const filled = fill(snapshot, call, symbol.operator);
      if (filled) offers.push({ ...filled, diagnostic, preferred: true });
    }
    return offers;
  },
};

/** Combinations that are tried before giving up. */
const mostTried = 24;

function fill(snapshot: CheckedSnapshot, call: CallExpr, operator: Operator): Offer | undefined {
  const written = new Set(call.attrs.map((attribute) => attribute.key.text));
  const missing = attributesOf(operator).filter(([name, spec]) => spec.default === undefined && !written.has(name));
  let rows: string[] = [''];
  for (const [name, spec] of missing) {
    const values = valuesFor(snapshot, call, name, spec);
    rows = rows.flatMap((row) => values.map((value) => `${row}${row === '' ? '' : ', '}${name}=${value}`));
    rows = rows.slice(0, mostTried);
  }
  const first = call.args.length + call.attrs.length === 0;
  const end = rangeOf(snapshot, call.argsSpan).end - 1;
  const errors = errorsOf(snapshot.check).length;
  for (const row of rows) {
    if (row === '') continue;
    const edits = [insertAt(snapshot, end, `${first ? '' : ', '}${row}`)];
    const after = tryEdits(snapshot, edits).check;
    if (noWorse(snapshot.check, after) && errorsOf(after).length < errors) return { title: `Add ${row}`, edits };
  }
  return undefined;
}

/** Values worth trying, likeliest first. */
function valuesFor(snapshot: CheckedSnapshot, call: CallExpr, name: string, spec: AttributeSpec): readonly string[] {
  const shapes = call.args.map((arg) => {
    const type = snapshot.check.typeOf(arg);
    return type?.kind === 'tensor' ? staticShape(type) : undefined;
  });
  const [first = []] = shapes;
  const rank = first.length;
  const units = shapes[1]?.[0];
  const axes = first.map((_, i) => i);
  switch (spec.kind) {
    case 'int':
    case 'int|int[]':
      return name === 'units' && units !== undefined ? [String(units)] : ['0', '1', ...axes.slice(2).map(String)];
    case 'int[]':
      return [
        ...(/shape/.test(name) ? [`[${first.join(', ')}]`, '[-1]', '[1]'] : []),
        ...(/ax[ei]s/.test(name) ? [`[${axes.join(', ')}]`, '[0]'] : []),
        `[${Array<number>(rank).fill(0).join(', ')}]`,
        `[${first.join(', ')}]`,
        `[${Array<number>(rank).fill(1).join(', ')}]`,
        '[1, 1]',
        '[2, 2]',
        '[0]',
      ];
    case 'int[][]':
      return [`[${axes.map(() => '[0, 0]').join(', ')}]`];
    case 'float':
      return ['0f', '1f'];
    case 'bool':
      return ['False', 'True'];
    case 'dtype':
      return ['"float32"', '"int32"', '"int8"'];
    case 'string':
      return (spec.values ?? []).map((value) => `"${value}"`);
    default:
      return [];
  }
}
