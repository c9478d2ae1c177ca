/** The assembly that a board's compiler makes of generated C, each instruction with the line of C that it came from. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Result } from '../../compiler/src/base/result.ts';
import { runChild } from './child.ts';
import { compilerErrors, compilerFlags, type SourceFile, type Toolchain } from './toolchain.ts';

/** A line of C: the file's name without folder, and the number, from 1. */
export interface CLine {
  readonly file: string;
  readonly line: number;
}

export interface AssemblyLine {
  readonly text: string;
  /** Absent for labels, literal pools, and code that stands for no line. */
  readonly from?: CLine;
}

export interface AssemblyFunction {
  readonly name: string;
  readonly lines: readonly AssemblyLine[];
  readonly instructions: number;
}

/** One C file in assembly. */
export interface AssemblyFile {
  /** Name of the C file. */
  readonly name: string;
  readonly functions: readonly AssemblyFunction[];
}

const LIMIT_MS = 120_000;

/** Compiles the `.c` files among `sources` as a build would, down to assembly. Headers are visible to all of them. */
export async function assemblyOf(
  toolchain: Toolchain,
  sources: readonly SourceFile[],
  token: CancellationToken,
): Promise<Result<readonly AssemblyFile[]>> {
  const folder = await mkdtemp(path.join(toolchain.folder, 'assembly-'));
  for (const { name, text } of sources) await writeFile(path.join(folder, name), text);
  const files: AssemblyFile[] = [];
  for (const source of sources.filter(({ name }) => name.endsWith('.c'))) {
    const output = path.join(folder, `${source.name}.s`);
    // Line tables alone: they change nothing about the code.
    const args = ['-S', '-g1', ...compilerFlags(toolchain.profile, source), '-o', output, source.name];
    const done = await runChild(toolchain.compiler, args, { limitMs: LIMIT_MS, token, cwd: folder });
    if (done.cancelled) return fail('cancelled', 'Cancelled.');
    if (done.timedOut) return fail('compile-error', `The compiler took longer than its limit on ${source.name}.`);
    if (done.code !== 0)
      return fail('compile-error', `${source.name} does not compile: ${compilerErrors(done.stderr)}`);
    files.push({ name: source.name, functions: parseAssembly(await readFile(output, 'utf8')) });
  }
  return ok(files);
}

/** Data inside a function: literal pools and jump tables. */
const data = new Set(['.word', '.long', '.4byte', '.short', '.hword', '.value', '.2byte', '.byte', '.quad', '.8byte']);

/**
 * The functions in a compiler's assembly (GNU syntax, ELF), in their order. Directives that say nothing about the code
 * and labels that nothing refers to are left out; `.loc` directives become the lines' origins.
 */
export function parseAssembly(text: string): readonly AssemblyFunction[] {
  const files = new Map<string, string>();
  const names = new Set<string>();
  const found: { name: string; lines: AssemblyLine[] }[] = [];
  let current: (typeof found)[number] | undefined;
  let from: CLine | undefined;
  const all = text.split(/\r?\n/);
  for (const raw of all) {
    const type = /^\s*\.type\s+([\w.$]+)\s*,\s*[%@#"]?function/.exec(raw);
    if (type?.[1] !== undefined) names.add(type[1]);
  }
  for (const raw of all) {
    const line = raw.trim();
    const file = /^\.file\s+(\d+)\s+(?:"[^"]*"\s+)?"([^"]*)"/.exec(line);
    if (file) files.set(file[1] ?? '', path.posix.basename((file[2] ?? '').replaceAll('\\', '/')));
    const label = /^([\w.$]+):/.exec(line)?.[1];
    if (label !== undefined && names.has(label)) {
      current = { name: label, lines: [] };
      from = undefined;
      found.push(current);
      continue;
    }
    if (!current) continue;
    const loc = /^\.loc\s+(\d+)\s+(\d+)/.exec(line);
    if (loc) {
      const [name, number] = [files.get(loc[1] ?? ''), Number(loc[2])];
      from = name !== undefined && number > 0 ? { file: name, line: number } : undefined;
    } else if (/^\.size\s/.test(line)) current = undefined;
    else if (label !== undefined) current.lines.push({ text: `${label}:` });
    else if (line === '' || /^[@#;]|^\/\//.test(line)) continue;
    else {
      const [word = ''] = line.split(/\s/, 1);
      const shown = `        ${line.replace(/\s*\t\s*/g, ' ')}`;
      if (!word.startsWith('.')) current.lines.push(from ? { text: shown, from } : { text: shown });
      else if (data.has(word)) current.lines.push({ text: shown });
    }
  }
  return found.map(({ name, lines }) => ({ name, ...tidy(lines) }));
}

/** Without labels that no line names: the compiler sets many for its debug information alone. */
function tidy(lines: readonly AssemblyLine[]): Pick<AssemblyFunction, 'lines' | 'instructions'> {
  const used = new Set<string>();
  let instructions = 0;
  for (const { text } of lines) {
    if (!text.startsWith(' ')) continue;
    if (!/^\s*\./.test(text)) instructions++;
    for (const [word] of text.matchAll(/[\w.$]+/g)) {
      used.add(word);
      // `1b` and `2f` are the labels 1 and 2 of an inline instruction sequence.
      const near = /^(\d+)[bf]$/.exec(word)?.[1];
      if (near !== undefined) used.add(near);
    }
  }
  return { lines: lines.filter(({ text }) => text.startsWith(' ') || used.has(text.slice(0, -1))), instructions };
}
