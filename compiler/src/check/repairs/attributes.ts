/** Other values of a call's attributes under which its arguments fit. */
import type { TextEdit } from '../../base/diagnostic.ts';
import { canonicalJson } from '../../operators/attribute-text.ts';
import type { AttributeValueData } from '../../operators/attributes.ts';
import type { CallExpr } from '../../syntax/tree.ts';
import { staticShape, type Type } from '../../types/type.ts';
import type { CheckResult } from '../result.ts';
import { relates, type Use } from './slots.ts';

export interface AttributeRepair {
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

type Values = Readonly<Record<string, AttributeValueData>>;

/** Pairs of layouts of two-dimensional convolutions. */
const layouts: readonly Values[] = [
  { data_layout: 'NCHW', kernel_layout: 'OIHW' },
  { data_layout: 'NHWC', kernel_layout: 'HWIO' },
  { data_layout: 'NHWC', kernel_layout: 'OHWI' },
  { data_layout: 'NHWC', kernel_layout: 'HWOI' },
  { data_layout: 'NCHW', kernel_layout: 'HWIO' },
  { data_layout: 'NHWC', kernel_layout: 'OIHW' },
];

/** Changes of attributes that the operator's relation accepts, simplest first. */
export function attributeRepairs(check: CheckResult, use: Use): readonly AttributeRepair[] {
  const { node, attrs } = use;
  if (node.kind !== 'call' || !attrs) return [];
  const inputs = use.args.map((arg) => check.typeOf(arg) ?? { kind: 'error' as const });
  if (inputs.some((type) => type.kind === 'error')) return [];
  return proposals(attrs, inputs)
    .filter((values) =>
      Object.entries(values).some(([key, value]) => canonicalJson(attrs[key]) !== canonicalJson(value)),
    )
    .filter((values) => relates({ operator: use.operator, attrs: { ...attrs, ...values } }, inputs))
    .map((values) => ({
      title: `Set ${Object.entries(values)
        .map(([key, value]) => `\`${key}=${written(value)}\``)
        .join(' and ')}`,
      edits: setAttributes(node, values),
    }));
}

function proposals(attrs: Values, inputs: readonly Type[]): readonly Values[] {
  const [data, weight] = inputs.map((type) => (type.kind === 'tensor' ? staticShape(type) : undefined));
  const first = inputs[0]?.kind === 'tuple' ? inputs[0].fields[0] : inputs[0];
  const rank = first?.kind === 'tensor' ? first.shape.length : 0;
  const found: Values[] = [];
  if (typeof attrs['axis'] === 'number') for (let axis = 0; axis < rank; axis++) found.push({ axis });
  if (Array.isArray(attrs['axis']) && data)
    data.forEach((size, axis) => {
      if (size === 1) found.push({ axis: [axis] });
    });
  // A size that follows from the others instead of one that does not fit.
  const { newshape } = attrs;
  if (Array.isArray(newshape) && newshape.every((size) => typeof size === 'number' && size >= 0))
    newshape.forEach((_, i) => found.push({ newshape: newshape.with(i, -1) }));
  if ('units' in attrs && weight?.[0] !== undefined) found.push({ units: weight[0] });
  if ('data_layout' in attrs && 'kernel_layout' in attrs) found.push(...layouts);
  const { kernel_layout: layout } = attrs;
  if (typeof layout === 'string' && weight?.length === layout.length) {
    const size = (letter: string): number => weight[layout.indexOf(letter)] ?? 1;
    const kernel = [...layout].filter((letter) => letter !== 'O' && letter !== 'I').map(size);
    if ('kernel_size' in attrs) found.push({ kernel_size: kernel });
    if ('channels' in attrs) found.push({ channels: size('O') }, { channels: size('O'), kernel_size: kernel });
    const channels = data?.[String(attrs['data_layout']).indexOf('C')];
    if ('groups' in attrs && channels !== undefined && channels % size('I') === 0)
      found.push({ groups: channels / size('I') });
  }
  return found;
}

function written(value: AttributeValueData): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  return typeof value === 'string' ? `"${value}"` : String(value);
}

/** The edits that write attributes into a call, over those that are there. */
function setAttributes(call: CallExpr, values: Values): readonly TextEdit[] {
  const edits: TextEdit[] = [];
  let added = '';
  for (const [key, value] of Object.entries(values)) {
    const present = call.attrs.find((attribute) => attribute.key.text === key);
    if (present) edits.push({ span: present.value.span, newText: written(value) });
    else added += `${call.args.length + call.attrs.length === 0 && added === '' ? '' : ', '}${key}=${written(value)}`;
  }
  if (added !== '') {
    const end = call.argsSpan.end - 1;
    edits.push({ span: { anchor: call.argsSpan.anchor, start: end, end }, newText: added });
  }
  return edits;
}
