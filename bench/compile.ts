/** Compilation from text to C, without the C compiler: as a build runs it, solver included. */
import { loadSolver } from '../cli/src/exact-solver.ts';
import { compileModel, type CompileRequest } from '../compiler/src/pipeline/compile.ts';
import { targetNamed } from '../compiler/src/targets/targets.ts';
import { referenceModels } from '../test/models.ts';
import { quantile, timed, type Row } from './support/measure.ts';
import { largeModel } from './support/models.ts';

/** Networks without parameter files: their weights are inputs. */
const large: readonly string[] = ['mobilenet', 'squeezenet', 'resnet50', 'resnet152', 'inception_v3', 'densenet121', 'lstm_64', 'lstm_512']; // prettier-ignore

/** Milliseconds that the reference models may take, where there is a goal. */
const goals: Readonly<Record<string, number>> = { ic_int8: 2000 };

/** A chain of equal kernels, none of which may be fused with the next. */
function chain(length: number): string {
  const lines = Array.from({ length }, (_, i) => `  %${i} = nn.softmax(${i === 0 ? '%x' : `%${i - 1}`});`);
  return `#[version = "0.0.5"]\ndef @main(%x: Tensor[(8, 32), float32]) {\n${lines.join('\n')}\n  %${length - 1}\n}\n`;
}

/** Medians of the reference models for the emulated board; one run of each of the large networks, for this machine. */
export async function compilation(root: string): Promise<Row[]> {
  const arenaSolver = await loadSolver();
  const rows: Row[] = [];
  const run = (
    name: string,
    targetName: string,
    runs: number,
    request: Pick<CompileRequest, 'text' | 'params'>,
  ): void => {
    const target = targetNamed(targetName);
    if (!target.ok) throw new Error(target.error.message);
    const times = Array.from({ length: runs }, () => {
      const { value, ms } = timed(() => compileModel({ ...request, target: target.value, arenaSolver }));
      if (!value.ok) throw new Error(`${name}: ${value.error.message}`);
      return ms;
    });
    const goal = goals[name];
    const value = quantile(times, 0.5);
    rows.push({ section: 'compile', name, value, unit: 'ms', ...(goal === undefined ? {} : { goal }) });
  };
  for (const { name, text, params } of referenceModels(`${root}/../shared/`))
    run(name, 'cortex-m4', 5, { text, params });
  for (const name of large) {
    const text = largeModel(root, name);
    if (text !== undefined) run(name, 'host', 1, { text });
  }
  run('100 softmax', 'host', 1, { text: chain(100) });
  run('500 softmax', 'host', 1, { text: chain(500) });
  return rows;
}
