/** The stage behind C: what the board's compiler makes of it, with the way back to C and to the source. */
import { assemblyOf, Toolchain, type AssemblyFunction, type BoardProfile } from '../../boards/src/index.ts';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import type { PrintedLine, PrintedText } from '../../compiler/src/ir/print.ts';
import type { CompileState } from '../../compiler/src/pipeline/state.ts';
import { stageNamed } from '../../compiler/src/pipeline/stages.ts';

/** The row that `relay stages` shows behind the compiler's own stages. */
export const assemblyStage = {
  name: 'asm',
  title: 'Assembly',
  summary: 'What the board’s C compiler makes of the C; needs that compiler.',
  language: 'asm',
} as const;

export interface AssemblyText extends PrintedText {
  /** For each line that came from C: its line in the text of the stage `c`. Both from 0. */
  readonly c: readonly { readonly line: number; readonly c: number }[];
}

/** Longer lines of C are cut in the comments that quote them. */
const longestQuote = 96;

/**
 * Compiles the C of a state that has reached it and prints its functions; `kernel` (a kernel's name or its function's)
 * asks for one of them. Fails with `missing-tool`, `compile-error` or `no-such-kernel`.
 */
export async function printAssembly(
  state: CompileState,
  profile: BoardProfile,
  kernel: string | undefined,
  token: CancellationToken,
): Promise<Result<AssemblyText>> {
  const { emitted, kernels } = state;
  if (!emitted || !kernels) throw new Error('the C is missing');
  const names = kernels.map(({ lowered }) => lowered.name);
  const wanted = kernel === undefined ? undefined : (emitted.functions[names.indexOf(kernel)] ?? kernel);
  if (wanted !== undefined && !emitted.functions.includes(wanted))
    return fail('no-such-kernel', `There is no kernel '${kernel}'.`, `Kernels: ${names.join(', ')}.`);
  const opened = await Toolchain.open(profile);
  if (!opened.ok) return opened;
  const toolchain = opened.value;
  try {
    const files = await assemblyOf(toolchain, emitted.files, token);
    if (!files.ok) return files;
    const c = stageNamed('c')?.print(state).lines ?? [];
    const writer = new Writer(c, new Set(emitted.functions));
    writer.add(`// ${toolchain.version} ${profile.compiler.flags.join(' ')}`.trimEnd());
    for (const file of files.value) {
      const chosen = file.functions.filter(({ name }) => wanted === undefined || name === wanted);
      if (chosen.length > 0) writer.file(file.name, chosen);
    }
    return ok(writer.result());
  } finally {
    await toolchain.close();
  }
}

class Writer {
  private readonly c: readonly PrintedLine[];
  private readonly kernels: ReadonlySet<string>;
  private readonly starts: ReadonlyMap<string, number>;
  private readonly lines: PrintedLine[] = [];
  private readonly links: { line: number; c: number }[] = [];

  constructor(c: readonly PrintedLine[], kernels: ReadonlySet<string>) {
    this.c = c;
    this.kernels = kernels;
    const heads = c.map(({ text }, i) => [/^\/\* ---- (\S+)/.exec(text)?.[1], i] as const);
    this.starts = new Map(heads.flatMap(([name, i]) => (name === undefined ? [] : [[name, i] as const])));
  }

  /** A line; `from` is the line of the stage `c` that it came from, `otherwise` the origin of what that line lacks. */
  add(text: string, from?: number, otherwise: PrintedLine['origin'] = []): void {
    if (from !== undefined) this.links.push({ line: this.lines.length, c: from });
    const own = from === undefined ? [] : (this.c[from]?.origin ?? []);
    this.lines.push({ text, origin: own.length > 0 ? own : otherwise });
  }

  file(name: string, functions: readonly AssemblyFunction[]): void {
    this.add('');
    this.add(`// ---- ${name} ----`);
    for (const fn of functions) {
      const at = (from: { file: string; line: number } | undefined): number | undefined => {
        const start = from && this.starts.get(from.file);
        const line = from && start !== undefined ? start + from.line : undefined;
        return line !== undefined && line < this.c.length ? line : undefined;
      };
      const places = fn.lines.flatMap(({ from }) => at(from) ?? []);
      const [first] = places;
      // Code of helpers that were inlined into a kernel belongs to the kernel.
      const own = places.map((line) => this.c[line]?.origin ?? []).find((origin) => origin.length > 0);
      const kernel = this.kernels.has(fn.name) ? own : undefined;
      this.add('');
      this.add(`// ${fn.instructions} instruction${fn.instructions === 1 ? '' : 's'}`, first, kernel);
      this.add(`${fn.name}:`, first, kernel);
      let before: number | undefined;
      for (const { text, from } of fn.lines) {
        const line = at(from);
        if (line !== undefined && line !== before) this.add(`  // ${this.quote(line)}`, line, kernel);
        before = line ?? before;
        this.add(text, line, kernel);
      }
    }
  }

  private quote(line: number): string {
    const text = (this.c[line]?.text ?? '').trim();
    return text.length > longestQuote ? `${text.slice(0, longestQuote - 1)}…` : text;
  }

  result(): AssemblyText {
    return { text: this.lines.map(({ text }) => `${text}\n`).join(''), lines: this.lines, c: this.links };
  }
}
