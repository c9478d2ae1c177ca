/** Walking a schedule space: enumeration, random points and neighbours. */
import { configKey, type ScheduleConfig, type ScheduleSpace } from '../../compiler/src/schedule/task.ts';
import type { Random } from './prng.ts';

/** Product of the knobs' values, invalid combinations included. */
export function spaceSize(space: ScheduleSpace): number {
  return space.knobs.reduce((size, knob) => size * Math.max(1, knob.values.length), 1);
}

/** The point with a given number in the product of the knobs, the last knob running fastest. */
export function configAt(space: ScheduleSpace, index: number): ScheduleConfig {
  const config: Record<string, number | string | boolean> = {};
  let rest = index;
  for (const knob of [...space.knobs].reverse()) {
    const count = Math.max(1, knob.values.length);
    const value = knob.values[rest % count];
    if (value !== undefined) config[knob.name] = value;
    rest = Math.floor(rest / count);
  }
  return config;
}

/** All valid points of a small space; undefined above `limit` combinations. */
export function validConfigs(space: ScheduleSpace, limit: number): ScheduleConfig[] | undefined {
  const size = spaceSize(space);
  if (size > limit) return undefined;
  const configs: ScheduleConfig[] = [];
  for (let i = 0; i < size; i++) {
    const config = configAt(space, i);
    if (space.isValid(config)) configs.push(config);
  }
  return configs;
}

/** A random valid point; undefined when `tries` draws found none. */
export function randomConfig(space: ScheduleSpace, random: Random, tries = 200): ScheduleConfig | undefined {
  for (let i = 0; i < tries; i++) {
    const config: Record<string, number | string | boolean> = {};
    for (const knob of space.knobs) {
      const value = knob.values[random.integer(knob.values.length)];
      if (value !== undefined) config[knob.name] = value;
    }
    if (space.isValid(config)) return config;
  }
  return undefined;
}

/** The valid points that differ in one knob. */
export function singleChanges(space: ScheduleSpace, config: ScheduleConfig): ScheduleConfig[] {
  return space.knobs
    .flatMap(({ name, values }) => values.map((value): ScheduleConfig => ({ ...config, [name]: value })))
    .filter((changed) => space.isValid(changed) && configKey(changed) !== configKey(config));
}

/** A valid point that differs in one or two knobs; the same point when none was found. */
export function neighbour(space: ScheduleSpace, config: ScheduleConfig, random: Random): ScheduleConfig {
  const open = space.knobs.filter((knob) => knob.values.length > 1);
  if (open.length === 0) return config;
  for (let i = 0; i < 20; i++) {
    const changed: Record<string, number | string | boolean> = { ...config };
    const changes = random.next() < 0.3 ? 2 : 1;
    for (let k = 0; k < changes; k++) {
      const knob = open[random.integer(open.length)];
      const value = knob?.values[random.integer(knob.values.length)];
      if (knob && value !== undefined) changed[knob.name] = value;
    }
    if (space.isValid(changed) && configKey(changed) !== configKey(config)) return changed;
  }
  return config;
}

/** A child that takes each knob from one of two points; undefined when the mix is invalid. */
export function crossover(
  space: ScheduleSpace,
  a: ScheduleConfig,
  b: ScheduleConfig,
  random: Random,
): ScheduleConfig | undefined {
  const child: Record<string, number | string | boolean> = {};
  for (const knob of space.knobs) {
    const value = (random.next() < 0.5 ? a : b)[knob.name];
    if (value !== undefined) child[knob.name] = value;
  }
  return space.isValid(child) ? child : undefined;
}
