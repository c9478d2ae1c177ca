import { elaborate } from '../../../compiler/src/ir/elaborate.ts';
import { printModule } from '../../../compiler/src/ir/print.ts';
import { operatorRegistry } from '../../../compiler/src/operators/registry.ts';
import { gradient } from '../../../compiler/src/passes/gradient.ts';
import { exit } from '../io.ts';
import { finish, loadModel, placed } from '../model.ts';
import { resolveSpan } from '../../../compiler/src/base/span.ts';
import type { Verb } from '../verb.ts';

export const gradVerb: Verb = {
  name: 'grad',
  summary: 'Print the gradient of a function: its result, and how much that grows with each parameter.',
  usage: 'FILE [--function @NAME] [--json]',
  options: {
    function: { type: 'string', value: '@NAME', summary: 'the function to differentiate (default @main)' },
    json: { type: 'boolean', summary: 'print one JSON object: function and text' },
  },
  positionals: { min: 1, max: 1 },
  run(args, io) {
    const name = (args.text('function') ?? '@main').replace(/^@/, '');
    const model = loadModel(args, io);
    if (!model.ok) return finish(model.error, args, io);
    const { source } = model.value;
    const module = elaborate(source.check);
    if (!module.ok) return finish({ failure: module.error, code: 1 }, args, io);
    if (!module.value.functions.has(name)) {
      const names = [...module.value.functions.keys()].map((n) => `@${n}`).join(', ');
      const message = `The program has no function @${name}.`;
      return finish(
        { failure: { code: 'no-function', message, remedy: `Its functions are ${names}.` }, code: 2 },
        args,
        io,
      );
    }
    const derived = gradient(module.value, name, { operators: operatorRegistry, token: io.token });
    if (!derived.ok) {
      const [span] = derived.error.origin;
      const range = span && resolveSpan(source.view.anchors, span);
      return finish(
        { failure: placed(model.value, range ? { ...derived.error, range } : derived.error), code: 1 },
        args,
        io,
      );
    }
    const found = derived.value.functions.get(name);
    if (!found) throw new Error(`the gradient of @${name} is missing`);
    const printed = printModule(
      { functions: new Map([[name, found]]), types: new Map() },
      { operators: operatorRegistry },
    );
    if (args.flag('json')) io.out(JSON.stringify({ function: `@${name}`, text: printed.text }));
    else io.out(printed.text.replace(/\n$/, ''));
    return exit.ok;
  },
};
