/** Value ranges of documents, found in slices and kept with the check that they rest on. */
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { analyseRanges, type RangeOptions, type Ranges } from '../../compiler/src/check/ranges/analyse.ts';
import type { CheckResult } from '../../compiler/src/check/result.ts';
import { parameterNamed } from '../../compiler/src/passes/bind-params.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import { decodeParams } from '../../compiler/src/tensor/params.ts';
import type { FileAccess } from './files.ts';
import { inSlices } from './slices.ts';
import type { CheckedSnapshot } from './snapshot.ts';

/** A parameter file, and what changes when the file does. */
interface Weights {
  readonly stamp: string;
  readonly params: ReadonlyMap<string, NDArray>;
}

interface Known {
  readonly ranges: Ranges;
  readonly weights: Weights | undefined;
}

export class ValueRanges {
  private readonly access: FileAccess | undefined;
  private readonly known = new WeakMap<CheckResult, Known>();
  /** Parameter files by the program's URI. */
  private readonly weights = new Map<string, Weights>();

  constructor(access: FileAccess | undefined) {
    this.access = access;
  }

  /** The ranges of a program, with the weights of the parameter file beside it; undefined when it was cancelled. */
  async of(snapshot: CheckedSnapshot, token?: CancellationToken): Promise<Ranges | undefined> {
    const weights = await this.weightsOf(snapshot.uri);
    const known = this.known.get(snapshot.check);
    if (known?.weights === weights && known) return known.ranges;
    const ranges = await inSlices(analyseRanges(snapshot.check, weights ? bound(weights) : {}), token);
    if (ranges) this.known.set(snapshot.check, { ranges, weights });
    return ranges;
  }

  private async weightsOf(uri: string): Promise<Weights | undefined> {
    if (!this.access?.bytes) return undefined;
    const file = uri.replace(/\.relay$/, '.params');
    const known = this.weights.get(uri);
    const found = file === uri ? undefined : await this.access.bytes(file, known?.stamp);
    if (found === 'unchanged') return known;
    const params = found && decodeParams(found.bytes);
    if (!found || !params?.ok) {
      this.weights.delete(uri);
      return undefined;
    }
    const weights = { stamp: found.stamp, params: params.value };
    this.weights.set(uri, weights);
    return weights;
  }

  closed(uri: string): void {
    this.weights.delete(uri);
  }
}

/** Parameters of the entry have the values that the file gives under their names. */
function bound({ params }: Weights): RangeOptions {
  return {
    constantOf: (param, definition) => {
      if (definition.name.text !== 'main') return undefined;
      const declared = [{ name: param.name.text }];
      for (const [name, value] of params) if (parameterNamed(declared, name)) return value;
      return undefined;
    },
  };
}
