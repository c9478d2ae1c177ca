import type { Arm, Pattern } from '../../../../compiler/src/syntax/tree.ts';
import { rangeOf } from '../../snapshot.ts';
import { pathAt } from '../../locate.ts';
import { indentAt, innermost, insertAt, type CodeActionRecord, type Offer } from './action.ts';
import { constructorsOf, defaultValue } from './defaults.ts';

export const fillArms: CodeActionRecord = {
  name: 'Fill missing match arms',
  kind: 'quickfix',
  summary:
    'Adds an arm for every constructor that none handles. Their values are zeros or empty, of the type that the other arms have.',
  example: {
    before:
      'type Answer {\n  Yes,\n  No,\n  Perhaps(float32)\n}\ndef @main(%a: Answer) -> float32 {\n  mat$0ch (%a) {\n    Yes => 1f,\n  }\n}',
    after:
      'type Answer {\n  Yes,\n  No,\n  Perhaps(float32)\n}\ndef @main(%a: Answer) -> float32 {\n  match (%a) {\n    Yes => 1f,\n    No => 0f,\n    Perhaps(_) => 0f,\n  }\n}',
  },
  offers({ snapshot, diagnostics }) {
    const offers: Offer[] = [];
    for (const diagnostic of diagnostics) {
      if (diagnostic.code !== 'non-exhaustive-match') continue;
      const node = innermost(pathAt(snapshot, rangeOf(snapshot, diagnostic.span).start), 'match');
      const last = node?.arms.at(-1);
      const type = node && snapshot.check.typeOf(node.scrutinee);
      if (!node || !last || type?.kind !== 'adt' || typeof type.head !== 'string') continue;
      const result = snapshot.check.typeOf(last.body);
      const value = result && defaultValue(snapshot.check, result);
      if (value === undefined) continue;
      const handled = new Set(node.arms.filter(isWhole).map(({ pattern }) => nameOf(pattern)));
      const missing = constructorsOf(snapshot.check, type.head).filter(({ name }) => !handled.has(name));
      if (missing.length === 0) continue;
      const at = rangeOf(snapshot, last.span);
      const comma = /^\s*,/.exec(snapshot.text.slice(at.end))?.[0].length ?? 0;
      const lines =
        snapshot.lines.position(at.start).line !== snapshot.lines.position(rangeOf(snapshot, node.span).start).line;
      const between = lines ? `\n${indentAt(snapshot.text, at.start)}` : ' ';
      const arms = missing.map(({ name, fields }) => {
        const pattern = fields.length > 0 ? `${name}(${fields.map(() => '_').join(', ')})` : name;
        return `${pattern} => ${value}`;
      });
      const newText = `${comma > 0 ? '' : ','}${arms.map((arm) => between + arm).join(',')}${comma > 0 ? ',' : ''}`;
      const names = missing.map(({ name }) => name).join(', ');
      offers.push({
        title: `Add ${missing.length === 1 ? 'an arm' : 'arms'} for ${names}`,
        edits: [insertAt(snapshot, at.end + comma, newText)],
        diagnostic,
        preferred: true,
      });
    }
    return offers;
  },
};

function nameOf(pattern: Pattern): string {
  return pattern.kind === 'ctorpattern' ? pattern.name.text : '';
}

/** An arm that handles all of its constructor: a pattern inside could still fail. */
function isWhole({ pattern }: Arm): boolean {
  return (
    pattern.kind === 'ctorpattern' &&
    pattern.fields.every((field) => field.kind === 'wildcard' || field.kind === 'varpattern')
  );
}
