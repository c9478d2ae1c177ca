/** From written types to types: names resolved, kinds checked (relay-language reference, sections 2.6 and 4.1). */
import { nearest } from '../base/nearest.ts';
import { canonicalDType, dtypeMeant } from '../tensor/dtype.ts';
import { parseSource } from '../syntax/parser.ts';
import type { DimNode, Name, NamedTypeNode, TypeNode } from '../syntax/tree.ts';
import { simplifyDim } from '../types/dims.ts';
import { freshDimId, freshTypeVar } from '../types/substitute.ts';
import {
  anyDim,
  constantDim,
  errorType,
  funcType,
  refType,
  scalarType,
  type Dim,
  type Type,
  type TypeVar,
} from '../types/type.ts';
import type { Context } from './context.ts';
import { counted } from '../base/text.ts';
import { metadataDim, reportDamage } from './metadata.ts';
import { replaceFix } from './suggest.ts';

const scalarName = /^(?:int|uint|float|bool)/;

/** The type that a whole annotation states; undefined when nothing or `_` is written. */
export function annotation(cx: Context, node: TypeNode | undefined): Type | undefined {
  if (!node) return undefined;
  if (node.kind === 'holetype') return node.missing ? errorType : undefined;
  return typeOfNode(cx, node);
}

/** The type that an annotation or a part of one states; `error` after it was reported. */
export function typeOfNode(cx: Context, node: TypeNode): Type {
  return cx.setType(node, convert(cx, node));
}

/** The type noted behind a reference: `/* ty=Tensor[(3), float32] *\/`. */
export function typeOfComment(cx: Context, text: string): Type | undefined {
  const scalar = canonicalDType(text);
  if (scalar !== undefined) return { kind: 'tensor', shape: [], dtype: scalar };
  const tree = parseSource(`#[version = "0.0.5"]\ndef @t(%x: ${text}) { %x }`);
  const definition = tree.definitions[0];
  const node = definition?.kind === 'def' ? definition.fn.params[0]?.type : undefined;
  if (!node || tree.errors.some((error) => error.severity === 'error')) return undefined;
  const before = cx.chunk.diagnostics.length;
  const type = typeOfNode(cx, node);
  cx.chunk.diagnostics.length = before;
  return type.kind === 'error' ? undefined : type;
}

function convert(cx: Context, node: TypeNode): Type {
  switch (node.kind) {
    case 'tensortype': {
      const dtype = canonicalDType(node.dtype.text);
      const shape = node.shape.map((dim) => dimOfNode(cx, dim));
      if (dtype === undefined) return reportDType(cx, node.dtype);
      return { kind: 'tensor', shape, dtype };
    }
    case 'tupletype':
      return { kind: 'tuple', fields: node.fields.map((field) => typeOfNode(cx, field)) };
    case 'fntype': {
      const mark = cx.typeNames.mark();
      const typeParams = declareTypeParams(cx, node.typeParams);
      const type = funcType(
        node.params.map((param) => typeOfNode(cx, param)),
        typeOfNode(cx, node.ret),
        typeParams,
      );
      cx.typeNames.restore(mark);
      return type;
    }
    case 'reftype':
      return refType(typeOfNode(cx, node.content));
    case 'holetype':
      if (node.missing) return errorType;
      cx.report('nested-placeholder', node.span, '`_` stands for a whole type only, not for a part of one.', {
        remedy: 'Write the type, or leave the whole annotation out.',
      });
      return errorType;
    case 'namedtype':
      return named(cx, node);
  }
}

function reportDType(cx: Context, name: Name): Type {
  if (name.text === '') return errorType;
  const suggestion = dtypeMeant(name.text);
  cx.report('unknown-dtype', name.span, `\`${name.text}\` is no element type.`, {
    remedy:
      suggestion === undefined ? 'Write one such as `float32`, `int8`, `uint8` or `bool`.' : `Write \`${suggestion}\`.`,
    ...(suggestion === undefined ? {} : { fixes: [replaceFix(name.span, suggestion)] }),
  });
  return errorType;
}

function named(cx: Context, node: NamedTypeNode): Type {
  const name = node.name.text;
  if (name === '') return errorType;
  const args = node.args.map((arg) => typeOfNode(cx, arg));
  const variable = cx.typeNames.get(name);
  if (variable) {
    const declared = cx.typeParamNames.get(variable.id);
    if (declared) cx.chunk.symbols.set(node, { kind: 'typeParam', name: declared });
    if (!node.brackets) return variable;
    cx.report('not-generic', node.span, `\`${name}\` is a type parameter; it takes no type arguments.`, {
      remedy: `Write \`${name}\` alone.`,
      fixes: [replaceFix(node.span, name)],
    });
    return errorType;
  }
  if (scalarName.test(name)) {
    const dtype = canonicalDType(name);
    if (dtype === undefined) return reportDType(cx, node.name);
    if (!node.brackets) return scalarType(dtype);
  }
  const adt = cx.module.adts.get(name);
  if (!adt) return unknownType(cx, node);
  cx.chunk.symbols.set(node, { kind: 'adt', name, definition: adt.definition });
  if (adt.typeParams.length === args.length) return { kind: 'adt', head: name, args };
  cx.report(
    'type-arguments',
    node.span,
    `\`${name}\` takes ${counted(adt.typeParams.length, 'type argument')}, but ${args.length === 1 ? '1 is' : `${args.length} are`} given.`,
    {
      remedy:
        adt.typeParams.length === 0
          ? `Write \`${name}\` alone.`
          : `Write \`${name}[${adt.typeParams.map((v) => v.name).join(', ')}]\` with a type for each.`,
      related: adt.definition ? [{ span: adt.definition.name.span, message: `\`${name}\` is defined here.` }] : [],
    },
  );
  return errorType;
}

function unknownType(cx: Context, node: NamedTypeNode): Type {
  const name = node.name.text;
  if (name === 'Storage' && node.args.length === 0) return { kind: 'adt', head: name, args: [] };
  if (cx.unknownTypes.has(name)) return errorType;
  cx.unknownTypes.add(name);
  const suggestion = nearest(name, [...cx.module.adts.keys(), ...cx.typeNames.names()]) ?? dtypeMeant(name);
  const asDType = canonicalDType(name);
  cx.report('unknown-type', node.name.span, `There is no type \`${name}\`.`, {
    remedy:
      asDType !== undefined
        ? `Write \`Tensor[(), ${asDType}]\`.`
        : suggestion !== undefined
          ? `Write \`${suggestion}\`.`
          : `Define \`type ${name} { … }\`, or add \`[${name}]\` as a type parameter.`,
    ...(asDType !== undefined
      ? { fixes: [replaceFix(node.span, `Tensor[(), ${asDType}]`)] }
      : suggestion !== undefined
        ? { fixes: [replaceFix(node.name.span, suggestion)] }
        : {}),
  });
  return errorType;
}

function dimOfNode(cx: Context, node: DimNode): Dim {
  switch (node.kind) {
    case 'intdim':
      if (node.value < 0n)
        cx.report('negative-size', node.span, `The size ${node.value} is negative; no tensor has such a shape.`, {
          severity: 'warning',
          remedy: 'Write the size that is meant, or `?` where it is unknown.',
          fixes: [replaceFix(node.span, '?')],
        });
      return node.dtype === 'int64' || node.value > 2147483647n
        ? { kind: 'int64', value: node.value }
        : Number(node.value);
    case 'anydim':
      return anyDim;
    case 'meta': {
      const dim = metadataDim(cx.metadata, node.key, node.index);
      if (dim !== undefined) return dim;
      if (reportDamage(cx, node)) return anyDim;
      cx.report(
        'unknown-metadata',
        node.span,
        `The file has no \`meta[${node.key}][${node.index}]\` in its metadata.`,
        {
          remedy: 'Append the metadata section that belongs to this text, or write `?` for the dimension.',
          fixes: [replaceFix(node.span, '?')],
        },
      );
      return anyDim;
    }
    case 'nameddim': {
      let id = cx.typeNames.get(node.name)?.id ?? cx.dimNames.get(node.name);
      if (id === undefined) {
        if (!cx.declaresDims) {
          const suggestion = nearest(node.name, cx.dimNames.names());
          cx.report('unknown-dimension', node.span, `There is no dimension named \`${node.name}\` here.`, {
            remedy: suggestion
              ? `Write \`${suggestion}\`.`
              : `Use a name that a parameter's type introduces, or add \`[${node.name}]\` to the function.`,
            ...(suggestion ? { fixes: [replaceFix(node.span, suggestion)] } : {}),
          });
          return anyDim;
        }
        id = freshDimId();
        cx.dimNames.bind(node.name, id);
      }
      cx.chunk.symbols.set(node, { kind: 'dimVar', name: node.name });
      return { kind: 'var', name: node.name, id };
    }
    case 'exprdim': {
      const operands = [dimOfNode(cx, node.left), dimOfNode(cx, node.right)] as const;
      // What is computed from an unknown size is unknown.
      if (operands.some((dim) => typeof dim !== 'number' && dim.kind === 'any')) return anyDim;
      const dim: Dim = { kind: 'expr', op: node.op === '/' ? 'floordiv' : node.op, operands };
      // As written unless it is a number after all.
      const simple = simplifyDim(dim);
      return constantDim(simple) === undefined ? dim : simple;
    }
  }
}

/** Brings type parameters into scope; a repeated name keeps its first meaning. */
export function declareTypeParams(cx: Context, names: readonly Name[]): readonly TypeVar[] {
  const seen = new Set<string>();
  const variables: TypeVar[] = [];
  for (const name of names) {
    if (name.text === '') continue;
    const variable = freshTypeVar(name.text);
    if (seen.has(name.text)) {
      cx.report('duplicate-type-parameter', name.span, `The type parameter \`${name.text}\` is declared twice.`, {
        severity: 'warning',
        remedy: 'Remove one of them.',
      });
    } else {
      seen.add(name.text);
      cx.typeNames.bind(name.text, variable);
      cx.typeParamNames.set(variable.id, name);
    }
    variables.push(variable);
  }
  return variables;
}
