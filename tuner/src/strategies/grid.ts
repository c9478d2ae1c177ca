import { configKey } from '../../../compiler/src/schedule/task.ts';
import { configAt, spaceSize } from '../space.ts';
import type { Strategy } from '../strategy.ts';

export const gridStrategy: Strategy = {
  name: 'grid',
  summary: 'Walks through all points in order; for small spaces that shall be known completely.',
  create({ space }) {
    const size = spaceSize(space);
    const seen = new Set<string>();
    let next = 0;
    return {
      propose(count) {
        const chosen = [];
        while (chosen.length < count && next < size) {
          const config = configAt(space, next++);
          if (!space.isValid(config) || seen.has(configKey(config))) continue;
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
