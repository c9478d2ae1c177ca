/** Printers of the later stages. */
import { counted } from '../base/text.ts';
import type { EmittedModule } from '../emit/module.ts';
import type { PrintedLine } from '../ir/print.ts';
import { bytesOf, type ArenaPlan } from './arena.ts';
import type { ScheduledKernel } from './context.ts';
import { describeSchedule } from './module-spec.ts';
import { printKernel } from './print-loops.ts';
import type { PassRun } from './state.ts';

function plain(text: string): PrintedLine {
  return { text, origin: [] };
}

/** What the passes did, as comments; passes that did nothing are left out. */
export function printRuns(runs: readonly PassRun[]): readonly PrintedLine[] {
  const lines: PrintedLine[] = [];
  for (const run of runs) {
    const counts = Object.entries(run.statistics).filter(([, n]) => n > 0);
    if (counts.length > 0)
      lines.push(plain(`// ${run.name}: ${counts.map(([label, n]) => `${n} ${label}`).join(', ')}`));
    for (const note of run.notes) lines.push({ text: `//   ${note.message}`, origin: note.origin });
  }
  return lines;
}

export function printScheduled(kernels: readonly ScheduledKernel[]): readonly PrintedLine[] {
  return kernels.flatMap((kernel) => [
    { text: `// ${kernel.task.description}`, origin: kernel.lowered.origin },
    { text: `// ${describeSchedule(kernel)}`, origin: kernel.lowered.origin },
    ...printKernel(kernel.lowered),
    plain(''),
  ]);
}

/** A table of the arena in order of offsets. */
export function printArena(arena: ArenaPlan, kernels: readonly ScheduledKernel[]): readonly PrintedLine[] {
  const { plan } = arena;
  const gap = plan.arenaBytes - plan.lowerBound;
  const verdict = plan.optimal ? 'proved the least' : `at most ${gap} bytes above the least`;
  const nameOf = (step: number): string => kernels[step]?.lowered.name ?? 'the end';
  const peak = plan.peak.buffers.map((i) => `${arena.buffers[i]?.name ?? '?'} (${arena.buffers[i]?.bytes ?? 0})`);
  const lines = [
    plain(`arena ${plan.arenaBytes} bytes, ${verdict} for these kernels in this order`),
    plain(`tightest at ${nameOf(plan.peak.step)}: ${peak.join(', ')}`),
    ...arena.streams.map(({ first, last, turns, turnRows, windows }) => {
      const held = [...windows].map(([value, bytes]) => `${value.name} (${bytes} of ${bytesOf(value)})`);
      const names = `${nameOf(first)} … ${nameOf(last)}`;
      return plain(
        `${names} run in ${turns.length} turns of ${counted(turnRows, 'row')}, holding windows of ${held.join(', ')}`,
      );
    }),
    plain(''),
    plain('  offset      end    bytes  kind        from … to                         tensor'),
  ];
  const ordered = [...arena.buffers].sort((a, b) => a.offset - b.offset || a.first - b.first);
  for (const b of ordered) {
    const numbers = [b.offset, b.offset + b.bytes, b.bytes].map((n) => String(n).padStart(8)).join(' ');
    const life = `${nameOf(b.first)} … ${nameOf(b.last)}`;
    lines.push({
      text: `${numbers}  ${b.kind.padEnd(10)}  ${life.padEnd(32)}  ${b.name}`,
      origin: b.origin,
    });
  }
  return lines;
}

/**
 * All files one after another. The lines of a kernel's function, of its declaration and of its calls have the source
 * spans of every kernel that the function serves; a call has those of its own kernel.
 */
export function printEmitted(emitted: EmittedModule, kernels: readonly ScheduledKernel[]): readonly PrintedLine[] {
  const origins = new Map<string, PrintedLine['origin']>();
  emitted.functions.forEach((name, i) => {
    origins.set(name, [...(origins.get(name) ?? []), ...(kernels[i]?.lowered.origin ?? [])]);
  });
  const lines: PrintedLine[] = [];
  for (const file of emitted.files) {
    const flags = (file.flags ?? []).length > 0 ? ` (${(file.flags ?? []).join(' ')})` : '';
    lines.push(plain(`/* ---- ${file.name}${flags} ---- */`));
    let current: PrintedLine['origin'] = [];
    let mark = 0;
    // Of a call or a declaration that goes on over several lines.
    let open: PrintedLine['origin'] | undefined;
    const texts = file.text.split('\n');
    for (const [at, text] of texts.entries()) {
      if (open !== undefined) {
        lines.push({ text, origin: open });
        if (text.endsWith(';')) open = undefined;
        continue;
      }
      const call = /^ {2,4}(\w+)\(/.exec(text)?.[1];
      mark = Number(/^ +RELAY_LAYER\((\d+)/.exec(text)?.[1] ?? mark);
      const kernel = emitted.marks?.[mark] ?? mark;
      if (current.length === 0 && call !== undefined && call === emitted.functions[kernel]) {
        const origin = kernels[kernel]?.lowered.origin ?? [];
        lines.push({ text, origin });
        if (!text.endsWith(';')) open = origin;
        continue;
      }
      const head = /^[A-Za-z_].*?\b(\w+)\(/.exec(text);
      const found = head?.[1] === undefined ? undefined : origins.get(head[1]);
      const end = found === undefined ? text : texts.slice(at).find((line) => line.endsWith(';') || line === '{');
      const declares = end?.endsWith(';') === true;
      if (found !== undefined && !declares) current = found;
      lines.push({ text, origin: declares && found !== undefined ? found : current });
      if (declares && !text.endsWith(';')) open = found;
      if (text === '}') current = [];
    }
  }
  return lines;
}
