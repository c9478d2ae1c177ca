/** The settings of a build, apart from what else a request says. */
import type { BuildSettings } from '../protocol.ts';

export function settingsOf({ params, target, memory, records, options }: BuildSettings): BuildSettings {
  return {
    ...(params === undefined ? {} : { params }),
    ...(target === undefined ? {} : { target }),
    ...(memory === undefined ? {} : { memory }),
    ...(records === undefined ? {} : { records }),
    ...(options === undefined ? {} : { options }),
  };
}
