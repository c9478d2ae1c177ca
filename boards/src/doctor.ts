/** What the boards need on this machine: installed or missing, version, and the package that brings it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { BoardProfile } from './board.ts';
import { findCommand, runChild } from './child.ts';

export interface ToolReport {
  readonly name: string;
  /** What it is for. */
  readonly purpose: string;
  readonly found: boolean;
  readonly path?: string;
  readonly version?: string;
  /** Debian package that installs it. */
  readonly package?: string;
  /** Boards that need it. */
  readonly boards: readonly string[];
}

interface Need {
  readonly purpose: string;
  readonly package: string | undefined;
  readonly boards: string[];
}

/** Looks for every tool that some profile names. `paths` are machine settings: command → where it is. */
export async function examineTools(
  profiles: readonly BoardProfile[],
  paths: Readonly<Record<string, string>> = {},
): Promise<readonly ToolReport[]> {
  const needs = new Map<string, Need>();
  const need = (command: string, purpose: string, debian: string | undefined, board: string): void => {
    const known = needs.get(command) ?? { purpose, package: debian, boards: [] };
    known.boards.push(board);
    needs.set(command, known);
  };
  for (const { name, compiler, transport } of profiles) {
    need(compiler.command, 'C compiler', compiler.package, name);
    if (transport.kind === 'qemu') need(transport.command, 'emulator', transport.package, name);
    if (transport.kind === 'gdb' && transport.server) {
      const { command } = transport.server;
      need(command, 'debug server', command === 'openocd' ? 'openocd' : undefined, name);
    }
  }
  const reports = await Promise.all(
    [...needs].map(([command, { purpose, package: debian, boards }]) =>
      examine(command, paths[command], purpose, debian, boards),
    ),
  );
  const crossCompiler = reports.find((report) => report.name === 'arm-none-eabi-gcc');
  return crossCompiler?.path === undefined
    ? reports
    : [...reports, await newlib(crossCompiler.path, crossCompiler.boards)];
}

async function examine(
  command: string,
  setting: string | undefined,
  purpose: string,
  debian: string | undefined,
  boards: readonly string[],
): Promise<ToolReport> {
  const where = findCommand(setting ?? command);
  const facts = { name: command, purpose, boards, ...(debian === undefined ? {} : { package: debian }) };
  if (where === undefined) return { ...facts, found: false };
  const asked = await runChild(where, ['--version'], { limitMs: 10_000 });
  const version = `${asked.stdout}\n${asked.stderr}`.trim().split('\n')[0] ?? '';
  return { ...facts, found: asked.code === 0, path: where, version };
}

/** The C library is a package of its own; the compiler names the file alone when it does not find it. */
async function newlib(compiler: string, boards: readonly string[]): Promise<ToolReport> {
  const asked = await runChild(compiler, ['-print-file-name=libc_nano.a'], { limitMs: 10_000 });
  const file = asked.stdout.trim();
  const found = path.isAbsolute(file) && existsSync(file);
  const facts = { name: 'newlib-nano', purpose: 'C library', package: 'libnewlib-arm-none-eabi', boards, found };
  return found ? { ...facts, path: file } : facts;
}
