/** Types and values from the metadata section; decoded once per section, and only what someone asks for. */
import type { NDArray } from '../tensor/ndarray.ts';
import { decodeMetadata, type MetadataNode } from '../syntax/metadata.ts';
import type { MetadataSection, MetaRef } from '../syntax/tree.ts';
import { freshDimId } from '../types/substitute.ts';
import { anyDim, type Dim, type DimExpr, type Type } from '../types/type.ts';
import type { Context } from './context.ts';

/** The value of `meta[relay.Constant][index]`, or undefined when the file does not hold it. */
export function metadataConstant(section: MetadataSection | undefined, index: number): NDArray | undefined {
  if (!section) return undefined;
  const constant = decodeMetadata(section).constant(index);
  return constant.ok ? constant.value : undefined;
}

/** Its type; undefined when the file does not hold it. */
export function metadataConstantType(section: MetadataSection | undefined, index: number): Type | undefined {
  if (!section) return undefined;
  const type = decodeMetadata(section).constantType(index);
  return type.ok ? { kind: 'tensor', shape: type.value.shape, dtype: type.value.dtype } : undefined;
}

/** Reports a section that cannot be read; false where it can be, and the reference is at fault. */
export function reportDamage(cx: Context, node: MetaRef): boolean {
  if (!cx.metadata) return false;
  const section = decodeMetadata(cx.metadata);
  const found = section.lookup(node.key, node.index);
  const read = found.ok && node.key === 'relay.Constant' ? section.constantType(node.index) : found;
  if (read.ok || read.error.code !== 'metadata-damaged') return false;
  cx.report('metadata-damaged', node.span, read.error.message, {
    remedy: read.error.remedy ?? 'Print the program again together with its metadata.',
    related: [{ span: cx.metadata.span, message: 'The metadata section.' }],
  });
  return true;
}

/** A dimension kept in the metadata: a number, a symbolic variable, `?`, or a term of them. */
export function metadataDim(section: MetadataSection | undefined, key: string, index: number): Dim | undefined {
  if (!section) return undefined;
  const found = decodeMetadata(section).lookup(key, index);
  return found.ok ? dimOf(found.value) : undefined;
}

const dimIds = new WeakMap<MetadataNode, number>();

function dimOf(node: MetadataNode): Dim {
  switch (node.typeKey) {
    case 'tir.Any':
      return anyDim;
    case 'IntImm': {
      const value = node.integer('value') ?? 0n;
      return node.text('dtype') === 'int64' ? { kind: 'int64', value } : Number(value);
    }
    case 'tir.Var':
    case 'tir.SizeVar': {
      let id = dimIds.get(node);
      if (id === undefined) dimIds.set(node, (id = freshDimId()));
      return { kind: 'var', name: node.node('name')?.repr ?? 'n', id, key: node.typeKey };
    }
    case 'tir.Cast': {
      const value = node.node('value');
      return value ? dimOf(value) : anyDim;
    }
    default: {
      const op = termOps[node.typeKey];
      const a = node.node('a');
      const b = node.node('b');
      if (op && a && b) return { kind: 'expr', op, operands: [dimOf(a), dimOf(b)] };
      return { kind: 'expr', op: 'other', operands: [], text: `meta[${node.typeKey}][0]` };
    }
  }
}

const termOps: Readonly<Record<string, DimExpr['op']>> = {
  'tir.Add': '+',
  'tir.Sub': '-',
  'tir.Mul': '*',
  'tir.FloorDiv': 'floordiv',
  'tir.FloorMod': 'floormod',
  'tir.Min': 'min',
  'tir.Max': 'max',
};
