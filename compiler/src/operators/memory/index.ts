/** Operators of later compiler stages: devices, storage, calls of compiled functions. */
import { withoutGradients } from '../derivation.ts';
import { adtType, anyDim, tensorType, tupleType, unitType } from '../../types/type.ts';
import type { Type } from '../../types/type.ts';
import { printType } from '../../types/print.ts';
import type { AttributeSchema } from '../attributes.ts';
import { attr } from '../attributes.ts';
import { numbersOf } from '../compute/arrays.ts';
import { reindex } from '../compute/reindex.ts';
import { mapElements, tensorAt } from '../compute/tensors.ts';
import type { Operator, RelateResult } from '../operator.ts';
import { defineOperator } from '../operator.ts';
import { dimValue } from '../relations/dims.ts';
import { fromAttribute } from '../relations/explain.ts';
import { explainIdentity, identityRelation } from '../relations/identity.ts';
import {
  badAttribute,
  done,
  failed,
  inputBlame,
  poisoned,
  reasonableRank,
  tensorInput,
  wait,
} from '../relations/inputs.ts';
import { moveElements } from '../transform/define.ts';
import { vmShapeOf } from '../transform/shape.ts';

const storageType = adtType('Storage');
const stage = 'it belongs to a later stage of compilation';

/** The value passes through; devices are no part of a program's meaning. */
function passThrough(
  name: string,
  summary: string,
  input: string,
  attributes: AttributeSchema,
  attrsType: string,
): Operator {
  return defineOperator({
    name,
    summary,
    inputs: [{ name: input, summary: 'the value' }],
    attributes,
    attrsType,
    relate: identityRelation,
    explain: explainIdentity,
    transparent: true,
    compute: (context) => {
      const [value] = context.inputs;
      const tensors = Array.isArray(value) ? (value as readonly ReturnType<typeof tensorAt>[]) : [tensorAt(context, 0)];
      return tensors.map((t) => mapElements(name, t, (x) => x));
    },
    fusion: 'opaque',
  });
}

const device = (summary: string) => attr.object(summary);

const allocStorage = defineOperator({
  name: 'memory.alloc_storage',
  summary: 'A stretch of memory of the given size and alignment, in bytes.',
  inputs: [
    { name: 'size', summary: 'bytes, an int64 scalar' },
    { name: 'alignment', summary: 'bytes, an int64 scalar' },
  ],
  attributes: {
    dtype: attr.dtype('the element type it is aligned for', { default: 'float32' }),
    virtual_device: device('where it lies'),
  },
  attrsType: 'relay.attrs.AllocStorageAttrs',
  relate: (context) => {
    for (const [i, name] of ['size', 'alignment'].entries()) {
      const type = tensorInput(context, i, name);
      if (type.kind !== 'tensor') return type;
      if (type.dtype !== 'int64' || type.shape.length !== 0)
        return failed(
          'dtype-mismatch',
          `\`${name}\` must be an int64 scalar, found \`${printType(type)}\`.`,
          inputBlame(i),
          {
            remedy: 'Write it as `64i64`.',
          },
        );
    }
    return done(storageType);
  },
  noMeaning: stage,
  fusion: 'opaque',
});

const allocTensor = defineOperator({
  name: 'memory.alloc_tensor',
  summary: 'A tensor in a stretch of memory.',
  inputs: [
    { name: 'storage', summary: 'the memory' },
    { name: 'offset', summary: 'bytes from its start, a scalar' },
    { name: 'shape', summary: 'the sizes, a vector' },
  ],
  attributes: {
    dtype: attr.dtype('the element type', { default: 'float32' }),
    const_shape: attr.object('the sizes where they are constant'),
    assert_shape: attr.any('the sizes that are promised otherwise'),
  },
  attrsType: 'relay.attrs.AllocTensorAttrs',
  relate: (context) => {
    const [storage] = context.inputs;
    if (storage === undefined || storage.kind === 'incomplete')
      return { kind: 'wait', assign: [{ index: 0, type: storageType }] };
    const offset = tensorInput(context, 1, 'offset');
    if (offset.kind !== 'tensor') return offset;
    const shape = tensorInput(context, 2, 'shape');
    if (shape.kind !== 'tensor') return shape;
    const rank = shape.shape.length === 0 ? 0n : dimValue(shape.shape[0] ?? 0);
    if (rank === undefined)
      return failed(
        'rank-mismatch',
        'The length of `shape` must be known, because it is the number of dimensions.',
        inputBlame(2),
        {
          remedy: 'Give `shape` a constant length.',
        },
      );
    const { const_shape: constShape, dtype } = context.attrs;
    if (constShape === null)
      return badAttribute(
        'const_shape',
        'Without `const_shape` the type of the tensor is not known.',
        'Give the sizes as a constant.',
      );
    const sizes = constShape.value ?? context.constant(2);
    if (sizes && sizes.data.length !== Number(rank))
      return badAttribute('const_shape', `\`const_shape\` has ${sizes.data.length} sizes, but \`shape\` has ${rank}.`);
    const count = reasonableRank(rank, inputBlame(2, 0));
    if (typeof count !== 'number') return count;
    const dims = sizes ? numbersOf(sizes) : Array.from({ length: count }, () => anyDim);
    return { kind: 'ok', result: tensorType(dims, dtype ?? 'void'), assign: [{ index: 0, type: storageType }] };
  },
  noMeaning: stage,
  fusion: 'opaque',
});

const kill = defineOperator({
  name: 'memory.kill',
  summary: 'Ends the life of a tensor.',
  inputs: [{ name: 'to_free', summary: 'the tensor' }],
  attributes: {},
  relate: () => done(unitType),
  noMeaning: stage,
  fusion: 'opaque',
});

function mismatch(expected: Type, found: Type, index: number): RelateResult {
  return failed(
    'type-mismatch',
    `The function takes \`${printType(expected)}\`, found \`${printType(found)}\`.`,
    inputBlame(index),
    {
      remedy: 'Pass what the function takes.',
      related: [{ blame: inputBlame(0), message: 'This is the function.' }],
    },
  );
}

const invoke = defineOperator({
  name: 'vm.invoke_tvm_op',
  summary: 'Calls a primitive function with tensors for inputs and outputs.',
  inputs: [
    { name: 'op', summary: 'the function' },
    { name: 'ins', summary: 'a tuple of its arguments', tuple: true },
    { name: 'outs', summary: 'a tuple of tensors for its results', tuple: true },
  ],
  attributes: {},
  attrsType: 'DictAttrs',
  relate: (context) => {
    const [op, ins, outs] = context.inputs;
    if (!op || !ins || !outs || [op, ins, outs].some((t) => t.kind === 'incomplete')) return wait;
    if ([op, ins, outs].some((t) => t.kind === 'error')) return poisoned;
    if (op.kind !== 'func')
      return failed('type-mismatch', `\`op\` must be a function, found \`${printType(op)}\`.`, inputBlame(0));
    for (const [i, type] of [ins, outs].entries())
      if (type.kind !== 'tuple')
        return failed(
          'not-a-tuple',
          `\`${i === 0 ? 'ins' : 'outs'}\` must be a tuple, found \`${printType(type)}\`.`,
          inputBlame(i + 1),
        );
    const results = op.ret.kind === 'tensor' ? tupleType([op.ret]) : op.ret;
    if (ins.kind === 'tuple' && ins.fields.length !== op.params.length) return mismatch(tupleType(op.params), ins, 1);
    if (results.kind === 'tuple' && outs.kind === 'tuple' && outs.fields.length !== results.fields.length)
      return mismatch(results, outs, 2);
    return {
      kind: 'ok',
      result: unitType,
      assign: [
        { index: 1, type: tupleType(op.params) },
        { index: 2, type: results },
      ],
    };
  },
  noMeaning: stage,
  fusion: 'opaque',
});

const callLowered = defineOperator({
  name: 'call_lowered',
  summary: 'Calls a compiled function.',
  inputs: [
    { name: 'func', summary: 'the function' },
    { name: 'call_args', summary: 'a tuple of its arguments', tuple: true },
  ],
  attributes: { metadata: attr.any('what the compiler noted about the call', { default: null }) },
  attrsType: 'relay.attrs.CallLoweredAttrs',
  relate: (context) => {
    const [func, args] = context.inputs;
    if (!func || !args || func.kind === 'incomplete' || args.kind === 'incomplete') return wait;
    if (func.kind === 'error' || args.kind === 'error') return poisoned;
    if (func.kind !== 'func')
      return failed('type-mismatch', `\`func\` must be a function, found \`${printType(func)}\`.`, inputBlame(0));
    if (args.kind !== 'tuple')
      return failed('not-a-tuple', `\`call_args\` must be a tuple, found \`${printType(args)}\`.`, inputBlame(1));
    if (args.fields.length !== func.params.length) return mismatch(tupleType(func.params), args, 1);
    return { kind: 'ok', result: func.ret, assign: [{ index: 1, type: tupleType(func.params) }] };
  },
  noMeaning: stage,
  fusion: 'opaque',
});

const reshapeTensor = defineOperator({
  name: 'vm.reshape_tensor',
  summary: 'The same memory seen in another shape.',
  inputs: [
    { name: 'data', summary: 'the tensor' },
    { name: 'shape', summary: 'the sizes, a vector' },
  ],
  attributes: { newshape: attr.ints('the sizes') },
  attrsType: 'relay.attrs.ReshapeTensorAttrs',
  relate: (context) => {
    const data = tensorInput(context, 0, 'data');
    return data.kind === 'tensor' ? done(tensorType(context.attrs.newshape, data.dtype)) : data;
  },
  explain: (_context, _result, at) => fromAttribute('newshape', at.dim),
  compute: moveElements('reshape_tensor', (i, context, data) =>
    reindex(i, context.outputs[0]?.shape ?? [], data.shape),
  ),
  fusion: 'opaque',
});

const metaRef = defineOperator({
  name: 'parser.MetaRef',
  summary: 'A reference into the metadata section that was not resolved.',
  inputs: [],
  attributes: {
    node_type_key: attr.string('the kind of object'),
    node_index: attr.int('its number', { min: 0 }),
  },
  attrsType: 'relay.attrs.MetaRefAttrs',
  relate: () =>
    failed(
      'unsupported-operator',
      'References into the metadata section cannot be called.',
      { kind: 'call' },
      {
        remedy: 'Write `meta[…][…]` instead.',
      },
    ),
  noMeaning: 'it only stands for an object of the metadata section',
  fusion: 'opaque',
});

/** Names that TVM knows as operators without giving them a type. */
function withoutType(name: string, instead: string): Operator {
  return defineOperator({
    name,
    summary: `A name without a meaning of its own; use ${instead}.`,
    inputs: [],
    variadic: true,
    attributes: {},
    relate: () =>
      failed(
        'unsupported-operator',
        `\`${name}\` has no type rule, so it cannot be called.`,
        { kind: 'call' },
        {
          remedy: `Use ${instead}.`,
        },
      ),
    noMeaning: 'it has no definition',
    fusion: 'opaque',
  });
}

export const memoryOperators: readonly Operator[] = withoutGradients(
  [
    passThrough(
      'on_device',
      'Says on which device a value is computed or lies.',
      'body',
      {
        virtual_device: attr.object('the device', { default: null }),
        constrain_result: attr.bool('the result lies there', { default: false }),
        constrain_body: attr.bool('the value is computed there', { default: true }),
      },
      'relay.attrs.OnDeviceAttrs',
    ),
    passThrough(
      'device_copy',
      'Copies a value from one device to another.',
      'data',
      { src_virtual_device: device('where it lies'), dst_virtual_device: device('where it goes') },
      'relay.attrs.DeviceCopyAttrs',
    ),
    passThrough(
      'debug',
      'Stops in the interpreter when the value is computed.',
      'program',
      { debug_func: attr.object('the function to call') },
      'relay.attrs.DebugAttrs',
    ),
    allocStorage,
    allocTensor,
    kill,
    invoke,
    callLowered,
    reshapeTensor,
    vmShapeOf,
    metaRef,
    withoutType('scatter', '`scatter_elements`'),
    withoutType('hardswish', '`multiply` and `clip`'),
  ],
  'it belongs to a later stage of compilation',
);
