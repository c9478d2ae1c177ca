/**
 * Guided search: boosted trees learn from a point's features how it compares with the point that the search starts from, over
 * this task and others of the same template; the next points are the ones predicted best, found by enumeration or by
 * evolution in large spaces, with a share of random ones so that the model sees what it does not know.
 */
import { configKey, type ScheduleConfig, type ScheduleSpace } from '../../../compiler/src/schedule/task.ts';
import { createRandom, shuffle, type Random } from '../prng.ts';
import { crossover, neighbour, randomConfig, singleChanges, validConfigs } from '../space.ts';
import { gainOf, type SearchContext, type Searcher, type Strategy } from '../strategy.ts';
import { fitTrees } from '../trees.ts';

const ENUMERABLE = 4096;
/** Share of points drawn at random, and of points one knob away from the best: the model says little of values it never saw. */
const EXPLORE = 0.1;
const NEAR = 0.25;
/** Observations of this task before its model is trusted. */
const WARM_UP = 6;
/** Weight of what other tasks taught, relative to this task's own results. */
const FOREIGN_WEIGHT = 0.3;
const GENERATIONS = 12;
const POPULATION = 96;
/** How much worse than the worst success a failure is taken to be, as a difference of logarithms. */
const FAILURE_PENALTY = 0.7;

export const modelStrategy: Strategy = {
  name: 'model',
  summary: 'Learns the cost of points with boosted trees and measures the ones predicted best.',
  create: (context) => new ModelSearcher(context),
};

class ModelSearcher implements Searcher {
  private readonly context: SearchContext;
  private readonly random: Random;
  private readonly seen = new Set<string>();
  private readonly results = new Map<string, { readonly config: ScheduleConfig; readonly cost: number | undefined }>();
  /** Every valid point, in a random order, when there are few enough. */
  private readonly all: readonly ScheduleConfig[] | undefined;
  private readonly features = new Map<string, readonly number[]>();

  constructor(context: SearchContext) {
    this.context = context;
    this.random = createRandom(context.seed, 'model', context.task);
    const all = validConfigs(context.space, ENUMERABLE);
    this.all = all && shuffle(all, this.random);
  }

  observe(observations: Parameters<Searcher['observe']>[0]): void {
    for (const { config, cost } of observations) {
      const key = configKey(config);
      this.seen.add(key);
      this.results.set(key, { config, cost });
    }
  }

  propose(count: number): ScheduleConfig[] {
    const predict = this.fit();
    const chosen: ScheduleConfig[] = [];
    const take = (config: ScheduleConfig | undefined): void => {
      if (!config || chosen.length >= count) return;
      const key = configKey(config);
      if (this.seen.has(key)) return;
      this.seen.add(key);
      chosen.push(config);
    };
    if (predict) {
      const kinds = Array.from({ length: count }, () => this.random.next());
      const random = kinds.filter((kind) => kind < EXPLORE).length;
      const near = kinds.filter((kind) => kind >= EXPLORE && kind < EXPLORE + NEAR).length;
      const fill = (configs: readonly ScheduleConfig[], end: number): void => {
        for (const config of configs) if (chosen.length < end) take(config);
      };
      fill(this.candidates(predict), count - random - near);
      fill(rank(singleChanges(this.context.space, this.best()), predict), count - random);
    } else {
      // The heuristic's choice is seldom far off, so half of the first points lie around it.
      for (let tries = 0; 2 * chosen.length < count && tries < 4 * count; tries++) {
        take(neighbour(this.context.space, this.best(), this.random));
      }
    }
    if (this.all) {
      for (const config of this.all) {
        if (chosen.length >= count) break;
        take(config);
      }
    } else {
      for (let tries = 0; chosen.length < count && tries < 20 * count; tries++) {
        take(randomConfig(this.context.space, this.random));
      }
    }
    return chosen;
  }

  /** The best measured point; the default before any. */
  private best(): ScheduleConfig {
    return this.ranked()[0]?.config ?? this.context.space.default;
  }

  /** The measured points, the best first. */
  private ranked(): { readonly config: ScheduleConfig; readonly cost: number }[] {
    return [...this.results.values()]
      .flatMap(({ config, cost }) => (cost === undefined ? [] : [{ config, cost }]))
      .sort((a, b) => a.cost - b.cost);
  }

  private featuresOf(config: ScheduleConfig): readonly number[] {
    const key = configKey(config);
    let row = this.features.get(key);
    if (!row) {
      row = this.context.space.features(config);
      if (this.features.size < 100_000) this.features.set(key, row);
    }
    return row;
  }

  /** A predictor of `gainOf`; undefined while there is too little to learn from. */
  private fit(): ((config: ScheduleConfig) => number) | undefined {
    const { space, experience, task } = this.context;
    const width = space.features(space.default).length;
    const rows: (readonly number[])[] = [];
    const targets: number[] = [];
    const weights: number[] = [];
    const ranked = this.ranked();
    const start = this.results.get(configKey(space.default))?.cost ?? ranked[0]?.cost ?? 1;
    const successes = ranked.map(({ cost }) => gainOf(cost, start));
    const foreign = experience.filter(
      (row) => row.template === space.template && row.task !== task && row.features.length === width,
    );
    if (successes.length < WARM_UP && foreign.length < 3 * WARM_UP) return undefined;
    const worst = successes.length > 0 ? Math.max(...successes) : Math.max(...foreign.map((row) => row.target));
    for (const { config, cost } of this.results.values()) {
      rows.push(this.featuresOf(config));
      targets.push(cost === undefined ? worst + FAILURE_PENALTY : gainOf(cost, start));
      weights.push(1);
    }
    for (const row of foreign) {
      rows.push(row.features);
      targets.push(row.target);
      weights.push(FOREIGN_WEIGHT);
    }
    const model = fitTrees(rows, targets, this.random, {}, weights);
    return (config) => model.predict(this.featuresOf(config));
  }

  /** Unmeasured points, the ones predicted best first. */
  private candidates(predict: (config: ScheduleConfig) => number): ScheduleConfig[] {
    const pool = this.all ? this.all.filter((config) => !this.seen.has(configKey(config))) : this.evolve(predict);
    return rank(pool, predict);
  }

  /** Evolution from the best measured points and random ones, under the predicted cost. */
  private evolve(predict: (config: ScheduleConfig) => number): ScheduleConfig[] {
    const { space } = this.context;
    const measured = this.ranked()
      .slice(0, POPULATION / 4)
      .map(({ config }) => config);
    const found = new Map<string, ScheduleConfig>();
    let population = measured;
    while (population.length < POPULATION) {
      const config = randomConfig(space, this.random);
      if (!config) break;
      population.push(config);
    }
    for (let generation = 0; generation < GENERATIONS; generation++) {
      const parents = rank(population, predict).slice(0, POPULATION / 3);
      population = [...parents];
      while (population.length < POPULATION && parents.length > 0) population.push(this.child(space, parents));
      for (const config of population) {
        const key = configKey(config);
        if (!this.seen.has(key)) found.set(key, config);
      }
    }
    return [...found.values()];
  }

  private child(space: ScheduleSpace, parents: readonly ScheduleConfig[]): ScheduleConfig {
    const pick = (): ScheduleConfig => parents[this.random.integer(parents.length)] ?? space.default;
    const mixed = this.random.next() < 0.4 ? crossover(space, pick(), pick(), this.random) : undefined;
    return neighbour(space, mixed ?? pick(), this.random);
  }
}

function rank(configs: readonly ScheduleConfig[], predict: (config: ScheduleConfig) => number): ScheduleConfig[] {
  return configs
    .map((config) => ({ config, cost: predict(config) }))
    .sort((a, b) => a.cost - b.cost)
    .map(({ config }) => config);
}
