/** The list of all operators, by name. Each family is one list; adding an operator is one record in one of them. */
import { annotationOperators } from './annotation/index.ts';
import { ethosuOperators } from './contrib/ethosu.ts';
import { dynamicOperators } from './dyn/index.ts';
import { elementwiseOperators } from './elementwise/index.ts';
import { imageOperators } from './image/index.ts';
import { memoryOperators } from './memory/index.ts';
import { miscOperators } from './misc/index.ts';
import { nnOperators } from './nn/index.ts';
import type { Operator } from './operator.ts';
import { qnnOperators } from './qnn/index.ts';
import { randomOperators } from './random/index.ts';
import { reductionOperators } from './reduce/index.ts';
import { sortOperators } from './sort/index.ts';
import { transformOperators } from './transform/index.ts';
import { visionOperators } from './vision/index.ts';

export interface OperatorRegistry {
  /** The record of that full name (`nn.conv2d`); undefined when there is none. */
  get(name: string): Operator | undefined;
  /** All names, sorted. */
  names(): readonly string[];
  /** All records, sorted by name. */
  all(): readonly Operator[];
}

/** A registry of the given lists. Two records of one name are a bug. */
function createOperatorRegistry(lists: readonly (readonly Operator[])[]): OperatorRegistry {
  const byName = new Map<string, Operator>();
  for (const operator of lists.flat()) {
    if (byName.has(operator.name)) throw new Error(`two records of operator ${operator.name}`);
    byName.set(operator.name, operator);
  }
  const sorted = [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = sorted.map((operator) => operator.name);
  return { get: (name) => byName.get(name), names: () => names, all: () => sorted };
}

/** Every operator of the language. */
export const operatorRegistry: OperatorRegistry = createOperatorRegistry([
  elementwiseOperators,
  transformOperators,
  reductionOperators,
  sortOperators,
  dynamicOperators,
  ethosuOperators,
  randomOperators,
  annotationOperators,
  memoryOperators,
  nnOperators,
  qnnOperators,
  imageOperators,
  visionOperators,
  miscOperators,
]);
