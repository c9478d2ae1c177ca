/** A compiled model on a board, its outputs compared with the evaluator's. */
import {
  deployModel,
  modelCycles,
  type CycleReport,
  type Board,
  type BoardProfile,
  type ModelProgram,
  type ModelRun,
  type Provenance,
} from '../../boards/src/index.ts';
import type { LinkedImage, ProgramSize } from '../../boards/src/index.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { ModuleTensor } from '../../compiler/src/emit/module.ts';
import { firstUnequal, largest, roundingError } from '../../compiler/src/evaluate/rounding.ts';
import { lastBit } from '../../compiler/src/evaluate/sensitivity.ts';
import type { ProgramValue } from '../../compiler/src/passes/program.ts';
import type { CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { fromBytes, toBytes } from '../../compiler/src/tensor/bytes.ts';
import { isFloat } from '../../compiler/src/tensor/dtype.ts';
import type { NDArray } from '../../compiler/src/tensor/ndarray.ts';
import type { CommandIO } from './io.ts';
import { withArena } from './memory-text.ts';
import type { Bench } from './model.ts';
import type { ProgramReference, Rounding } from './reference.ts';

export interface Deployment {
  readonly run: ModelRun;
  readonly image: LinkedImage;
  readonly outputs: readonly { readonly name: string; readonly array: NDArray }[];
  /** Whether every output equals the evaluator's: integers exactly, floats up to rounding (`firstUnequal`, `errorScales`, `sensitivityOf`). */
  readonly matches: boolean;
  /** Where the first difference lies. */
  readonly difference: string | undefined;
  /** Modelled cycles, or why there are none; undefined when they were not asked for. */
  readonly cycles?: Result<CycleReport>;
}

/** What a board has to know of a compiled model. */
export function programOf(compiled: CompiledModel): ModelProgram {
  const tensor = ({ name, dtype, shape }: ProgramValue, offset: number): ModuleTensor => ({
    name,
    dtype,
    shape,
    offset,
  });
  const { program, arena } = compiled;
  return {
    module: compiled.emitted,
    inputs: program.inputs.map((value) => tensor(value, arena.offsetOf(value))),
    outputs: program.outputs.map((value) => tensor(value, arena.offsetOf(value))),
  };
}

/** Builds, loads, runs and compares. `layers` adds a profiling run that counts each kernel. */
export async function deployCompiled(
  bench: Bench,
  board: Board,
  compiled: CompiledModel,
  inputs: ReadonlyMap<string, NDArray>,
  options: {
    readonly reference: ProgramReference;
    readonly layers: boolean;
    readonly cycles?: boolean;
    readonly token: CommandIO['token'];
  },
): Promise<Result<Deployment>> {
  const program = programOf(compiled);
  const bytes: Uint8Array[] = [];
  for (const tensor of program.inputs) {
    const value = inputs.get(tensor.name);
    if (!value)
      return fail(
        'missing-input',
        `No value is given for %${tensor.name}.`,
        `Give it with --input ${tensor.name}=FILE.`,
      );
    bytes.push(toBytes(value));
  }
  const expected = await options.reference.outputs(inputs, options.token);
  if (!expected.ok) return expected;
  const reference = expected.value;
  const deployed = await deployModel({
    toolchain: bench.toolchain,
    board,
    program,
    inputs: bytes,
    layers: options.layers,
    token: options.token,
  });
  if (!deployed.ok) return { ok: false, error: withArena(deployed.error, compiled.report.arena) };
  const { image, ...run } = deployed.value;
  const outputs = program.outputs.map((tensor, i) => {
    const array = fromBytes(tensor.dtype, tensor.shape, run.outputs[i] ?? new Uint8Array());
    if (!array) throw new Error(`output ${tensor.name} came back with ${run.outputs[i]?.length ?? 0} bytes`);
    return { name: tensor.name, array };
  });
  const difference = await differenceOf(outputs, reference, () => options.reference.rounding(inputs, options.token));
  // In an emulator of its own: the plain run stays as fast and as plain as it is.
  const cycles =
    options.cycles === true ? await modelCycles(board.profile, image, program, bytes, options.token) : undefined;
  const matches = difference === undefined;
  return ok({ run, image, outputs, matches, difference, ...(cycles === undefined ? {} : { cycles }) });
}

/** A program whose results rounding changes by more than this part of their largest magnitude computes next to nothing. */
const mostGrowth = 1e-3;

/** `rounding` is asked where the outputs' own size does not explain a difference. */
async function differenceOf(
  outputs: Deployment['outputs'],
  reference: readonly NDArray[],
  rounding: () => Promise<Rounding>,
): Promise<string | undefined> {
  if (outputs.length !== reference.length) return 'the number of outputs';
  const plain = firstDifference(outputs, reference);
  if (plain === undefined || !reference.some((r) => isFloat(r.dtype))) return plain;
  const { scales = [], changes = [] } = await rounding();
  const allowed = reference.map((wanted, i) => {
    const most = (mostGrowth / roundingError(wanted.dtype)) * largest(wanted);
    return Math.max(scales[i] ?? 0, Math.min((changes[i] ?? 0) / lastBit, most));
  });
  const left = firstDifference(outputs, reference, allowed);
  const growth = Math.max(0, ...changes.map((c, i) => c / Math.max(largest(reference[i]), Number.MIN_VALUE)));
  if (left === undefined || growth <= mostGrowth) return left;
  return `${left}. Rounding errors grow in this program: inputs that differ in their last bit change its results by ${(100 * growth).toFixed(1)} %`;
}

function firstDifference(
  outputs: Deployment['outputs'],
  reference: readonly NDArray[],
  scales: readonly number[] = [],
): string | undefined {
  for (const [index, { name, array }] of outputs.entries()) {
    const wanted = reference[index];
    if (wanted?.data.length !== array.data.length) return `the size of output '${name}'`;
    const i = firstUnequal(wanted, array.data, { scale: scales[index] ?? 0 });
    if (i === undefined) continue;
    return `output '${name}', element ${i}: the board gave ${array.data[i]}, the reference is ${wanted.data[i]}`;
  }
  return undefined;
}

/** A number with what it counts and where it comes from. */
export interface Figure {
  readonly value: number;
  readonly unit: string;
  readonly provenance: Provenance;
}

/** The cost of a run with its unit and where it comes from. */
export function costFigure(run: ModelRun): Figure {
  return { value: run.cost, unit: run.unit, provenance: run.provenance };
}

function regionBytes(profile: BoardProfile, kind: 'flash' | 'ram'): number | undefined {
  const regions = profile.memory.filter((m) => m.kind === kind);
  return regions.length === 0 ? undefined : regions.reduce((sum, m) => sum + m.bytes, 0);
}

/** RAM and flash as reports show them. Sizes come from the linked program; stack use is what the run touched. */
export function memoryJson(
  profile: BoardProfile,
  size: ProgramSize,
  compiled: CompiledModel,
  run?: ModelRun,
): { readonly ram: object; readonly flash: object } {
  const { arena } = compiled.report;
  const io = [...compiled.report.inputs, ...compiled.report.outputs].reduce((sum, t) => sum + t.bytes, 0);
  return {
    ram: {
      used: size.ram,
      available: regionBytes(profile, 'ram'),
      arena: arena.bytes,
      arenaLowerBound: arena.lowerBound,
      arenaGap: arena.bytes - arena.lowerBound,
      // How the bound is proved to be met; null where a gap is left.
      arenaProof: arena.proof ?? null,
      // By memory region, where there are several.
      ...(arena.regions.length > 1 ? { arenaRegions: arena.regions } : {}),
      io,
      scratch: arena.scratchBytes,
      stack: run?.stackBytes ?? null,
      stackReserved: size.stack,
    },
    flash: {
      used: size.flash,
      available: regionBytes(profile, 'flash'),
      code: size.code,
      constants: compiled.report.constantBytes,
    },
  };
}
