/** The templates and the generic lowering as the pipeline's backend. */
import { scheduler } from '../schedule/spaces.ts';
import { extractTask } from '../schedule/tasks.ts';
import type { Backend } from './context.ts';

export const backend: Backend = { ...scheduler, taskOf: (fused) => extractTask(fused) };
