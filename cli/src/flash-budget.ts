/** Builds within a limit of flash: a byte's price in time is raised until the linked program fits. */
import { buildModel, type BoardProfile } from '../../boards/src/index.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { CompiledModel } from '../../compiler/src/pipeline/compile.ts';
import { codePriceIn, defaultCodePrice } from '../../compiler/src/pipeline/light-kernels.ts';
import { configKey } from '../../compiler/src/schedule/task.ts';
import type { RecordDigest } from '../../compiler/src/records/best.ts';
import { programOf } from './deployment.ts';
import type { CommandIO } from './io.ts';
import { compile, type Bench, type BuildOptions, type CompileOptions, type Model } from './model.ts';
import { thousands } from './render.ts';
import { endingAtOnce } from './signals.ts';

/** Multiples of the default price that are tried, one after the other; the last resort is the preset of the least code. */
const prices = [2, 16, 128].map((factor) => factor * defaultCodePrice);

/** Halvings of the last step of the price: the limit shall not cost more time than it has to. */
const refinements = 4;

interface Attempt {
  readonly compiled: CompiledModel;
  readonly flash: number;
}

/**
 * Compiles a model; with a limit of flash, the fastest build that is found within it. Fails with `flash-too-large` when
 * the smallest one is larger, and as compiling and linking.
 */
export async function compileWithin(
  bench: Bench,
  model: Model,
  records: RecordDigest,
  token: CommandIO['token'],
  options: BuildOptions,
): Promise<Result<CompiledModel>> {
  const { flashBudget, ...rest } = options;
  const compiling = (change: CompileOptions): Promise<Result<CompiledModel>> =>
    endingAtOnce(() => compile(model, bench.profile, records, token, { ...rest, ...change }));
  if (flashBudget === undefined) return compiling({});
  const sizes = new Map<string, number>();
  const attempt = async (change: CompileOptions): Promise<Result<Attempt>> => {
    const compiled = await compiling(change);
    if (!compiled.ok) return compiled;
    const key = JSON.stringify(compiled.value.kernels.map((k) => [configKey(k.config), k.lowered.flags]));
    let flash = sizes.get(key);
    if (flash === undefined) {
      const image = await buildModel(bench.toolchain, programOf(compiled.value), { token });
      if (!image.ok) return image;
      flash = image.value.size.flash;
      sizes.set(key, flash);
    }
    return ok({ compiled: compiled.value, flash });
  };
  const first = await attempt({});
  if (!first.ok) return first;
  if (first.value.flash <= flashBudget) return ok(first.value.compiled);
  let least = first.value.flash;
  let below = codePriceIn(rest);
  for (const price of prices) {
    if (price <= below) continue;
    const dearer = await attempt({ codePrice: price });
    if (!dearer.ok) return dearer;
    least = Math.min(least, dearer.value.flash);
    if (dearer.value.flash > flashBudget) {
      below = price;
      continue;
    }
    let fitting = dearer.value;
    let above = price;
    for (let i = 0; i < refinements; i++) {
      const middle = Math.sqrt(Math.max(below, defaultCodePrice / 8) * above);
      const between = await attempt({ codePrice: middle });
      if (!between.ok) return between;
      if (between.value.flash <= flashBudget) [fitting, above] = [between.value, middle];
      else below = middle;
    }
    return ok(fitting.compiled);
  }
  const smallest = await attempt({ preset: 'size' });
  if (!smallest.ok) return smallest;
  if (smallest.value.flash <= flashBudget) return ok(smallest.value.compiled);
  return tooLarge(model, bench.profile, Math.min(least, smallest.value.flash), smallest.value.compiled, flashBudget);
}

function tooLarge(
  model: Model,
  profile: BoardProfile,
  least: number,
  compiled: CompiledModel,
  budget: number,
): Result<never> {
  const constants = compiled.report.constantBytes;
  return fail(
    'flash-too-large',
    `${model.name} takes ${thousands(least)} bytes of the flash of ${profile.name} at least, more than the ${thousands(budget)} that are allowed; ${thousands(constants)} of them are constants.`,
    constants >= budget ? 'Allow more: no schedule makes the weights smaller.' : 'Allow more, or tune with this limit.',
  );
}
