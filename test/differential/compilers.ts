/** The C compilers of every target that are installed here, with flags and the C library's headers. */
import { spawnSync } from 'node:child_process';
import { targets, type TargetRecord } from '../../compiler/src/targets/targets.ts';

export interface InstalledCompiler {
  /** `cortex-m4f, clang`. */
  readonly name: string;
  readonly target: TargetRecord;
  readonly command: string;
  readonly flags: readonly string[];
}

/** What gcc of a family is asked with to name its headers. */
const libraries: Readonly<Record<TargetRecord['family'], readonly string[]>> = {
  'cortex-m': ['arm-none-eabi-gcc'],
  riscv: ['riscv64-unknown-elf-gcc', '--specs=picolibc.specs'],
  host: [],
};

/** Folders of the C library's headers that gcc of a family looks into; undefined where none is installed. */
function headersOf(family: TargetRecord['family']): readonly string[] | undefined {
  const [command, ...flags] = libraries[family];
  if (command === undefined) return [];
  const done = spawnSync(command, [...flags, '-xc', '-E', '-v', '-'], { input: '#include <math.h>', encoding: 'utf8' });
  if (done.status !== 0) return undefined;
  return [...done.stderr.matchAll(/^ (\S+)$/gm)].flatMap((m) => (m[1] === undefined ? [] : [m[1]]));
}

/** All that can compile here; a line on the console for each package that is missing. */
export function installedCompilers(): readonly InstalledCompiler[] {
  const missing = new Set<string>();
  const headers = new Map<string, readonly string[] | undefined>();
  const found = targets.flatMap((target) => {
    const { family } = target;
    if (!headers.has(family)) headers.set(family, headersOf(family));
    const folders = headers.get(family);
    return target.compilers.flatMap(({ command, flags, package: debian }): InstalledCompiler[] => {
      if (folders === undefined || spawnSync(command, ['--version']).status !== 0) {
        missing.add(folders === undefined ? (target.compilers[0]?.package ?? debian) : debian);
        return [];
      }
      const library = libraries[family].slice(1);
      const found = command === 'clang' ? folders.flatMap((f) => ['-isystem', f]) : library;
      return [{ name: `${target.name}, ${command}`, target, command, flags: [...flags, ...found] }];
    });
  });
  for (const name of missing) console.log(`      install ${name} to compile for more processors`);
  return found;
}
