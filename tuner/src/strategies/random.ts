import { configKey } from '../../../compiler/src/schedule/task.ts';
import { createRandom, shuffle } from '../prng.ts';
import { randomConfig, validConfigs } from '../space.ts';
import type { Strategy } from '../strategy.ts';

const ENUMERABLE = 20_000;
const MAX_REPEATS = 500;

export const randomStrategy: Strategy = {
  name: 'random',
  summary: 'Draws points uniformly; the baseline that any other search has to beat.',
  create({ space, seed, task }) {
    const random = createRandom(seed, 'random', task);
    const seen = new Set<string>();
    const all = validConfigs(space, ENUMERABLE);
    const order = all && shuffle(all, random);
    return {
      propose(count) {
        const chosen = [];
        let repeats = 0;
        while (chosen.length < count && repeats < MAX_REPEATS) {
          const config = order ? order.pop() : randomConfig(space, random);
          if (!config) break;
          if (seen.has(configKey(config))) {
            // In a space too large to enumerate a repeat is rare, unless few points are valid.
            if (!order) repeats++;
            continue;
          }
          seen.add(configKey(config));
          chosen.push(config);
        }
        return chosen;
      },
      observe(observations) {
        for (const { config } of observations) seen.add(configKey(config));
      },
    };
  },
};
