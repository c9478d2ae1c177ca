/** Patterns against the type they match (relay-language reference, section 4.3). */
import { nearest, nearestKey } from '../base/nearest.ts';
import type { ConstructorPattern, Pattern } from '../syntax/tree.ts';
import { printType } from '../types/print.ts';
import { substitute } from '../types/substitute.ts';
import { errorType, type Type } from '../types/type.ts';
import type { Context } from './context.ts';
import { counted } from '../base/text.ts';
import { mismatchCode, mismatchText } from './messages.ts';
import type { Binding, ConstructorInfo } from './scope.ts';
import { replaceFix } from './suggest.ts';
import { annotation } from './type-nodes.ts';

/** Checks a pattern; `bind` receives each variable it introduces. */
export function checkPattern(cx: Context, pattern: Pattern, type: Type, bind: (b: Binding) => void): void {
  cx.setType(pattern, type);
  switch (pattern.kind) {
    case 'wildcard':
      return;
    case 'varpattern': {
      const written = annotation(cx, pattern.type);
      let own = type;
      if (written && pattern.type) {
        own = written;
        const unified = cx.unify(written, type);
        if (!unified.ok)
          cx.report(
            mismatchCode(unified.mismatch),
            pattern.type.span,
            mismatchText(cx, type, written, unified.mismatch),
            {
              remedy: `Write \`${printType(cx.resolve(type))}\`, or leave the annotation out.`,
              fixes: [replaceFix(pattern.type.span, printType(cx.resolve(type)))],
            },
          );
        cx.setType(pattern, own);
      }
      const symbol = { kind: 'local', name: pattern.name.text, definition: pattern } as const;
      cx.chunk.symbols.set(pattern, symbol);
      bind({ symbol, nameSpan: pattern.name.span, type: own, value: undefined, level: cx.level });
      return;
    }
    case 'tuplepattern': {
      const found = cx.find(type);
      if (found.kind === 'error') return checkFields(cx, pattern.fields, [], bind);
      if (found.kind !== 'incomplete' && found.kind !== 'tuple') {
        cx.report('pattern-type', pattern.span, `A tuple pattern cannot match \`${printType(cx.resolve(found))}\`.`, {
          remedy: 'Match with a variable, `_`, or a constructor of that type.',
        });
        return checkFields(cx, pattern.fields, [], bind);
      }
      if (found.kind === 'tuple') {
        if (found.fields.length === pattern.fields.length) return checkFields(cx, pattern.fields, found.fields, bind);
        cx.report(
          'tuple-pattern-length',
          pattern.span,
          `The pattern has ${counted(pattern.fields.length, 'field')}, but the tuple has ${found.fields.length}: it is \`${printType(cx.resolve(found))}\`.`,
          {
            remedy: `Write a pattern with ${counted(found.fields.length, 'field')}; use \`_\` for those of no interest.`,
          },
        );
        return checkFields(cx, pattern.fields, [], bind);
      }
      const fields = pattern.fields.map(() => cx.solver.fresh());
      cx.unify(found, { kind: 'tuple', fields });
      return checkFields(cx, pattern.fields, fields, bind);
    }
    case 'ctorpattern':
      return checkConstructor(cx, pattern, type, bind);
  }
}

function checkFields(
  cx: Context,
  patterns: readonly Pattern[],
  types: readonly Type[],
  bind: (b: Binding) => void,
): void {
  patterns.forEach((field, i) => checkPattern(cx, field, types[i] ?? errorType, bind));
}

/** The constructor that a pattern names, when it is defined and above. */
function patternConstructor(cx: Context, pattern: ConstructorPattern): ConstructorInfo | undefined {
  return cx.module.constructors.get(pattern.name.text);
}

/** The constructors of the type that is matched; none where it is not known. */
function constructorsOf(cx: Context, type: Type): readonly string[] {
  const found = cx.find(type);
  if (found.kind !== 'adt') return [];
  return [...cx.module.constructors].flatMap(([name, { adt }]) => (adt === found.head ? [name] : []));
}

function checkConstructor(cx: Context, pattern: ConstructorPattern, type: Type, bind: (b: Binding) => void): void {
  const name = pattern.name.text;
  const info = patternConstructor(cx, pattern);
  if (!info) {
    if (name !== '') {
      const own = constructorsOf(cx, type);
      const suggestion = nearestKey(name, own) ?? nearest(name, cx.module.constructors.keys());
      const variable = pattern.fields.length === 0 ? `Write \`%${name}\` for a variable, or ` : '';
      const define = `define a type with the constructor \`${name}\`.`;
      cx.report('unknown-constructor', pattern.name.span, `There is no constructor \`${name}\`.`, {
        remedy: suggestion
          ? `Write \`${suggestion}\`.`
          : own.length > 0
            ? `Write one of ${own.map((one) => `\`${one}\``).join(', ')}.`
            : variable === ''
              ? `D${define.slice(1)}`
              : variable + define,
        ...(suggestion ? { fixes: [replaceFix(pattern.name.span, suggestion)] } : {}),
      });
    }
    return checkFields(cx, pattern.fields, [], bind);
  }
  useConstructor(cx, pattern, info, pattern.name.span);
  const args = info.typeParams.map(() => cx.solver.fresh());
  const whole: Type = { kind: 'adt', head: info.adt, args };
  const unified = cx.unify(type, whole);
  if (!unified.ok) {
    args.forEach((arg) => cx.poison(arg));
    cx.report(
      'pattern-type',
      pattern.span,
      `\`${name}\` is a constructor of \`${info.adt}\`, but the matched value is \`${printType(cx.resolve(type))}\`.`,
      { remedy: 'Match with a pattern of that type, or match another value.' },
    );
    return checkFields(cx, pattern.fields, [], bind);
  }
  if (info.fields.length !== pattern.fields.length) {
    const wanted = counted(info.fields.length, 'field');
    cx.report(
      'constructor-pattern-arity',
      pattern.span,
      `\`${name}\` has ${wanted}, but the pattern has ${pattern.fields.length}.`,
      {
        remedy: `Write \`${name}${info.fields.length > 0 ? `(${info.fields.map(() => '_').join(', ')})` : ''}\` with a pattern for each field.`,
        related: info.definition ? [{ span: info.definition.span, message: `\`${name}\` is defined here.` }] : [],
      },
    );
    return checkFields(cx, pattern.fields, [], bind);
  }
  const types = new Map(info.typeParams.map((variable, i) => [variable.id, args[i] as Type]));
  const fields = info.fields.map((field) => substitute(field, { types, dims: new Map() }));
  checkFields(cx, pattern.fields, fields, bind);
}

/** Notes the reference; constructors must be defined above their use. */
export function useConstructor(cx: Context, node: object, info: ConstructorInfo, span: Pattern['span']): void {
  cx.chunk.symbols.set(node, {
    kind: 'constructor',
    name: info.name,
    adt: info.adt,
    definition: info.definition,
  });
  if (info.order > cx.order && info.definition)
    cx.report(
      'constructor-before-definition',
      span,
      `The constructor \`${info.name}\` is used above the definition of its type \`${info.adt}\`.`,
      {
        remedy: `Move \`type ${info.adt}\` above this definition.`,
        related: [{ span: info.definition.span, message: `\`${info.name}\` is defined here.` }],
      },
    );
}
