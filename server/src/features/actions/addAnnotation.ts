import { printType } from '../../../../compiler/src/types/print.ts';
import type { Type } from '../../../../compiler/src/types/type.ts';
import { rangeOf, touches } from '../../snapshot.ts';
import { insertAt, innermost, type CodeActionRecord, type Offer } from './action.ts';

export const addAnnotation: CodeActionRecord = {
  name: 'Add the inferred type',
  kind: 'refactor.rewrite',
  summary: 'Writes the inferred type of a `let`, of a parameter, or of a function’s result into the program.',
  example: {
    before: 'def @main(%x: Tensor[(3), float32]) {\n  let %$0y = nn.relu(%x);\n  %y\n}',
    after: 'def @main(%x: Tensor[(3), float32]) {\n  let %y: Tensor[(3), float32] = nn.relu(%x);\n  %y\n}',
  },
  offers({ snapshot, range, path }) {
    const offers: Offer[] = [];
    const add = (offset: number, prefix: string, what: string, type: Type | undefined): void => {
      if (!type || !writable(type)) return;
      const text = printType(type);
      const shown = text.length > 50 ? `${text.slice(0, 50)}…` : text;
      offers.push({ title: `Add ${what} ${shown}`, edits: [insertAt(snapshot, offset, `${prefix}${text}`)] });
    };
    const named = innermost(path, 'let', 'param', 'free_var', 'varpattern');
    if (named && !named.type && named.kind !== 'varpattern') {
      const name = rangeOf(snapshot, named.name.span);
      if (touches(name, range.start)) add(name.end, ': ', 'the type', snapshot.check.typeOf(named));
    }
    const fn = innermost(path, 'def', 'fn');
    const node = fn?.kind === 'def' ? fn.fn : fn;
    if (node && !node.ret && fn) {
      const body = rangeOf(snapshot, node.body.span).start;
      const header = snapshot.text.slice(rangeOf(snapshot, fn.span).start, body).trimEnd();
      const end = rangeOf(snapshot, fn.span).start + header.length;
      const own = fn.kind === 'def' ? snapshot.check.globals.get(fn.name.text) : snapshot.check.typeOf(node);
      if (range.start <= body && header.endsWith(')')) {
        const ret = own?.kind === 'func' ? own.ret : undefined;
        add(end, ' -> ', 'the result type', ret);
      }
    }
    return offers;
  },
};

/** Types that can be written: nothing unknown in them. */
export function writable(type: Type): boolean {
  switch (type.kind) {
    case 'error':
    case 'incomplete':
      return false;
    case 'tuple':
      return type.fields.every(writable);
    case 'adt':
      return type.args.every(writable);
    case 'ref':
      return writable(type.content);
    case 'func':
      return type.typeParams.length === 0 && [...type.params, type.ret].every(writable);
    case 'tensor':
      return type.shape.every((dim) => typeof dim === 'number' || dim.kind !== 'expr');
    case 'typevar':
      return true;
  }
}
