/**
 * Evaluation of tensor expressions: JavaScript is generated for each computed tensor, or, where the host does not
 * permit that, the expression is interpreted. Every computed tensor is materialised once.
 */
import { allocateElements, elementCount } from '../tensor/ndarray.ts';
import type { ElementArray, NDArray } from '../tensor/ndarray.ts';
import type { BinaryOp, TETensor, UnaryFn } from '../tensor/te.ts';
import { binaryFunction, bitcast, caster, qmulshift, unaryFunction, wrapper } from './scalar.ts';
import type { Scalar } from './scalar.ts';
import { generateStage } from './te-codegen.ts';
import type { HelperKey } from './te-codegen.ts';
import { stagesOf } from '../tensor/te-walk.ts';
import { interpretStage } from './te-interpret.ts';

export interface TEOptions {
  /** `interpret` never makes functions of text. Default: generate where the host permits. */
  readonly mode?: 'generate' | 'interpret';
}

type StageFunction = (out: ElementArray, tensors: readonly ElementArray[]) => void;

/** Compiled stages by their source: equal structure gives equal source. Bounded; cleared when full. */
const compiled = new Map<string, StageFunction>();
const bySource = 4096;

let permitted: boolean | undefined;

/** Whether the host lets functions be made of text (no content-security policy against it). */
function canGenerateCode(): boolean {
  if (permitted === undefined) {
    try {
      permitted = (new Function('return 1') as () => number)() === 1;
    } catch {
      permitted = false;
    }
  }
  return permitted;
}

/**
 * Values of `outputs`, given a value for every input tensor that they depend on. Throws for a missing input, for an
 * input whose element count differs from the tensor's, and for dtypes without storage (vectors, handles): all of them
 * bugs of the caller.
 */
export function evaluateTE(
  outputs: readonly TETensor[],
  inputs: ReadonlyMap<TETensor, NDArray>,
  options: TEOptions = {},
): NDArray[] {
  const elements = new Map<TETensor, ElementArray>();
  const elementsOf = (tensor: TETensor): ElementArray => {
    const found = elements.get(tensor);
    if (found === undefined) throw new Error(`no value for ${tensor.name}`);
    return found;
  };
  const generate = options.mode !== 'interpret' && canGenerateCode();
  for (const tensor of stagesOf(outputs)) {
    const given = inputs.get(tensor) ?? tensor.value;
    if (given !== undefined) {
      if (given.data.length !== elementCount(tensor.shape))
        throw new Error(`${tensor.name} has ${elementCount(tensor.shape)} elements, its value ${given.data.length}`);
      elements.set(tensor, given.data);
      continue;
    }
    if (tensor.compute === undefined) throw new Error(`no value for input ${tensor.name}`);
    const out = allocateElements(tensor.dtype, elementCount(tensor.shape));
    if (out === undefined) throw new Error(`tensors of ${tensor.dtype} have no storage`);
    if (out.length > 0) {
      if (generate) runGenerated(tensor, elementsOf, out);
      else interpretStage(tensor, elementsOf, out);
    }
    elements.set(tensor, out);
  }
  return outputs.map((tensor) => ({ dtype: tensor.dtype, shape: tensor.shape, data: elementsOf(tensor) }));
}

function runGenerated(tensor: TETensor, elementsOf: (tensor: TETensor) => ElementArray, out: ElementArray): void {
  const helpers = new Map<HelperKey, string>();
  const stage = generateStage(tensor, (key) => {
    const name = helpers.get(key) ?? `h${helpers.size}`;
    helpers.set(key, name);
    return name;
  });
  const prologue = [...helpers].map(([key, name]) => `const ${name} = h(${JSON.stringify(key)});`);
  const names = stage.loads.map((_, i) => `const t${i} = t[${i}];`);
  // Element kinds belong to the key: a function that saw one kind of array runs faster than one that saw several.
  const kinds = stage.loads.map((t) => t.dtype).join(',');
  const source = [`// ${tensor.dtype} <- ${kinds}`, ...prologue, ...names, stage.text].join('\n');
  let run = compiled.get(source);
  if (run === undefined) {
    const make = new Function('h', `return function stage(o, t) {\n${source}\n};`) as (
      h: (key: HelperKey) => unknown,
    ) => StageFunction;
    run = make(helperFunction);
    if (compiled.size >= bySource) compiled.clear();
    compiled.set(source, run);
  }
  run(out, stage.loads.map(elementsOf));
}

function helperFunction(key: HelperKey): unknown {
  const [kind, a = '', b = '', c = ''] = key.split(':');
  switch (kind) {
    case 'binary':
      return binaryFunction(a as BinaryOp, b);
    case 'unary':
      return unaryFunction(a as UnaryFn, b, c);
    case 'cast':
      return caster(a, b);
    case 'bitcast':
      return (x: Scalar) => bitcast(a, b, x);
    case 'round':
      return wrapper(a);
    default:
      return qmulshift;
  }
}
