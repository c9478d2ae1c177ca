/** Which parameter file goes with a model. */
import * as path from 'node:path';

/** `model.params` beside `model.relay`, whether it exists or not. */
export function paramsBeside(model: string): string {
  const { dir, name } = path.parse(model);
  return path.join(dir, `${name}.params`);
}
