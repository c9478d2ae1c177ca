/**
 * From C text to a linked image: finds the compiler, compiles files side by side into a private folder, links, reads
 * the ELF. Objects are kept by content, so what did not change is not compiled again. Never through a shell.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { neverCancelled, type CancellationToken } from '../../compiler/src/base/cancellation.ts';
import { fail, ok, type Failure, type Result } from '../../compiler/src/base/result.ts';
import type { BoardProfile } from './board.ts';
import { findCommand, runChild } from './child.ts';
import { coreOf } from './cores.ts';
import { readElf, type Elf } from './elf.ts';
import { codeRegion, linkerScript, type Placement } from './linker.ts';
import { runtimeFolder } from './resources.ts';
import { explainOverflow, imageOf, programSize, type LinkedImage } from './size.ts';

/** One generated C or header file. Names are plain identifiers with an extension; flags apply to this file alone. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
  readonly flags?: readonly string[];
}

export interface BuildOptions {
  readonly placement?: Placement;
  /** Compilers that run at the same time. */
  readonly jobs?: number;
  readonly token?: CancellationToken | undefined;
  /** Binary files that sources include by name (`.incbin`); names are plain identifiers with an extension. */
  readonly data?: ReadonlyMap<string, Uint8Array>;
  /** Milliseconds for one run of the compiler. */
  readonly limitMs?: number;
}

/** An object file, or why there is none. */
export type Compiled = Result<string>;

const COMPILE_LIMIT_MS = 120_000;

/** Flags for every file: as fast as the compiler makes it, without the freedoms that change a float's value. */
const commonFlags = [
  '-std=gnu11',
  '-O3',
  '-ffunction-sections',
  '-fdata-sections',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-w',
];

/** Preprocessor definitions that choose the timer of `relay_harness.h`. */
function timerFlags(profile: BoardProfile): string[] {
  const { kind, address } = profile.timer;
  if (kind === 'cmsdk-timer') return [`-DRELAY_TIMER_CMSDK=0x${(address ?? 0x40000000).toString(16)}u`];
  if (kind === 'dwt') return ['-DRELAY_TIMER_DWT'];
  if (kind === 'minstret') return ['-DRELAY_TIMER_MINSTRET'];
  return kind === 'systick' ? ['-DRELAY_TIMER_SYSTICK'] : [];
}

/** The flags that a file is compiled with for a board. */
export function compilerFlags(profile: BoardProfile, file: SourceFile): readonly string[] {
  return [...profile.compiler.flags, ...commonFlags, ...timerFlags(profile), ...(file.flags ?? [])];
}

const FOLDER_PREFIX = 'relay-build-';
const openFolders = new Set<string>();
let hooked = false;

/** A compiler and a private folder for one board. Close it to remove the folder. */
export class Toolchain {
  readonly profile: BoardProfile;
  readonly compiler: string;
  /** First line of `--version`. */
  readonly version: string;
  /** Folder of objects and images, removed on close. */
  readonly folder: string;
  private readonly runtime: string;
  private readonly objects = new Map<string, Promise<Compiled>>();
  private images = 0;

  private constructor(profile: BoardProfile, compiler: string, version: string, folder: string, runtime: string) {
    this.profile = profile;
    this.compiler = compiler;
    this.version = version;
    this.folder = folder;
    this.runtime = runtime;
  }

  /**
   * Finds the profile's compiler. `compilerPath` (a setting of the machine, never of a workspace) wins over the path.
   * Fails with `missing-tool`, or `cannot-write` where there is no place for object files.
   */
  static async open(
    profile: BoardProfile,
    options: { readonly compilerPath?: string | undefined; readonly root?: string | undefined } = {},
  ): Promise<Result<Toolchain>> {
    const compiler = findCommand(options.compilerPath ?? profile.compiler.command);
    if (compiler === undefined)
      return { ok: false, error: missingTool(profile.compiler.command, profile.compiler.package) };
    const asked = await runChild(compiler, ['--version'], { limitMs: 10_000 });
    if (asked.code !== 0) {
      const message = `\`${compiler} --version\` failed: ${firstLines(asked.stderr, 2) || 'no output'}.`;
      return fail('missing-tool', message, installHint(profile.compiler.package));
    }
    removeAbandoned();
    let folder: string;
    try {
      folder = await mkdtemp(path.join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
    } catch (error) {
      const message = `No folder for object files can be made in ${tmpdir()}: ${(error as Error).message}.`;
      return fail('cannot-write', message, 'Set TMPDIR to a folder that can be written to.');
    }
    openFolders.add(folder);
    if (!hooked) {
      hooked = true;
      process.on('exit', () => {
        for (const open of openFolders) rmSync(open, { recursive: true, force: true });
      });
    }
    const version = firstLines(asked.stdout, 1);
    return ok(new Toolchain(profile, compiler, version, folder, runtimeFolder(options.root)));
  }

  /** First line of `--version` of the profile's compiler, where it is installed. */
  static async versionOf(profile: BoardProfile): Promise<string | undefined> {
    const compiler = findCommand(profile.compiler.command);
    const asked = compiler === undefined ? undefined : await runChild(compiler, ['--version'], { limitMs: 10_000 });
    return asked?.code === 0 ? firstLines(asked.stdout, 1) : undefined;
  }

  /** Start-up code and harness of this board's processor. */
  async harness(): Promise<readonly SourceFile[]> {
    const family = coreOf(this.profile).folder;
    return Promise.all([
      this.runtimeFile('relay_harness.h'),
      this.runtimeFile('relay_bare_metal.h'),
      this.runtimeFile('relay_layers.h'),
      this.runtimeFile('harness.c', 'relay_state.c'),
      this.runtimeFile(`${family}/startup.c`, 'relay_startup.c'),
    ]);
  }

  /** A file of `runtime/boards`, under a name of its own in the build. */
  async runtimeFile(file: string, name = path.basename(file)): Promise<SourceFile> {
    const text = await readFile(path.join(this.runtime, 'boards', file), 'utf8');
    return { name, text, flags: ['-O2'] };
  }

  /** Compiles and links `sources` together with the harness. */
  async build(sources: readonly SourceFile[], options: BuildOptions = {}): Promise<Result<LinkedImage>> {
    const all = [...(await this.harness()), ...sources];
    const compiled = await this.compile(all, options);
    const objects: string[] = [];
    for (const object of compiled) {
      if (!object.ok) return object;
      objects.push(object.value);
    }
    return this.link(objects, options);
  }

  /** Compiles the `.c` files among `sources`, in their order; headers among them are visible to all. */
  async compile(sources: readonly SourceFile[], options: BuildOptions = {}): Promise<Compiled[]> {
    for (const name of [...sources.map((source) => source.name), ...(options.data?.keys() ?? [])]) {
      if (!/^[A-Za-z0-9_]+\.(c|h|bin)$/.test(name)) throw new Error(`not a generated file name: ${name}`);
    }
    for (const [name, bytes] of options.data ?? []) await writeFile(path.join(this.folder, name), bytes);
    const headers = sources.filter((source) => source.name.endsWith('.h'));
    const headerKey = createHash('sha256');
    for (const header of headers) headerKey.update(header.name).update('\0').update(header.text).update('\0');
    const key = headerKey.digest('hex').slice(0, 16);
    const headerFolder = path.join(this.folder, `h${key}`);
    await writeHeaders(headerFolder, headers);
    const files = sources.filter((source) => source.name.endsWith('.c'));
    const results: Compiled[] = new Array<Compiled>(files.length);
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let index = next++; index < files.length; index = next++) {
        const file = files[index];
        if (file) results[index] = await this.compileOne(file, headerFolder, key, options);
      }
    };
    await Promise.all(Array.from({ length: Math.min(options.jobs ?? 2, files.length) }, worker));
    return results;
  }

  private compileOne(file: SourceFile, headers: string, headerKey: string, options: BuildOptions): Promise<Compiled> {
    const flags = compilerFlags(this.profile, file);
    const hash = createHash('sha256').update(headerKey).update(flags.join('\0')).update('\0').update(file.text);
    const key = hash.digest('hex').slice(0, 24);
    const known = this.objects.get(key);
    if (known) return known;
    const run = async (): Promise<Compiled> => {
      const { token = neverCancelled } = options;
      if (token.isCancellationRequested) return fail('cancelled', 'Cancelled.');
      const stem = path.join(this.folder, key);
      await writeFile(`${stem}.c`, file.text);
      const args = [
        '-c',
        ...flags,
        ...debugNames(this.folder, stem, file),
        '-I',
        headers,
        '-o',
        `${stem}.o`,
        `${stem}.c`,
      ];
      // Included binary files are looked up from the working folder.
      const limits = { limitMs: options.limitMs ?? COMPILE_LIMIT_MS, token, cwd: this.folder };
      let done = await runChild(this.compiler, args, limits);
      // Killed from outside (memory ran out, say): that says nothing about the file, so it gets a second chance.
      if (done.code === null && !done.timedOut && !done.cancelled) done = await runChild(this.compiler, args, limits);
      if (done.cancelled) return fail('cancelled', 'Cancelled.');
      if (done.timedOut) return fail('compile-error', `The compiler took longer than its limit on ${file.name}.`);
      if (done.code === 0) return ok(`${stem}.o`);
      return fail('compile-error', `${file.name} does not compile: ${compilerErrors(done.stderr, stem)}`);
    };
    const result = run();
    this.objects.set(key, result);
    // A cancelled compilation says nothing about the file.
    void result.then((done) => {
      if (!done.ok && done.error.code === 'cancelled') this.objects.delete(key);
    });
    return result;
  }

  /** Links objects made by `compile`. Fails with `does-not-fit` (how much, where, the largest symbols) or `link-error`. */
  async link(objects: readonly string[], options: BuildOptions = {}): Promise<Result<LinkedImage>> {
    const { profile } = this;
    const { placement = 'flash', token = neverCancelled } = options;
    const output = path.join(this.folder, `image${this.images++}.elf`);
    const native = profile.transport.kind === 'process';
    const attempt = async (slack: number): Promise<Result<Elf>> => {
      const args = [...profile.compiler.flags, '-o', output, ...objects, '-Wl,--gc-sections'];
      if (!native) {
        const script = linkerScript(profile, placement, slack);
        if (script === undefined) {
          return fail('bad-board-profile', `The board ${profile.name} has no memory for code in ${placement}.`);
        }
        await writeFile(`${output}.ld`, script);
        args.push('-nostartfiles', ...coreOf(profile).linkFlags, '-T', `${output}.ld`, '-Wl,--no-warn-rwx-segments');
      }
      args.push('-lm');
      const done = await runChild(this.compiler, args, { limitMs: COMPILE_LIMIT_MS, token });
      if (done.cancelled) return fail('cancelled', 'Cancelled.');
      if (done.code === 0) return readElf(new Uint8Array(await readFile(output)));
      if (/overflowed by|will not fit in region/.test(done.stderr)) return fail('does-not-fit', done.stderr);
      return fail('link-error', `The program does not link: ${firstLines(done.stderr.replaceAll(this.folder, ''), 4)}`);
    };
    const linked = await attempt(0);
    if (linked.ok) return ok(imageOf(linked.value, output, programSize(linked.value, profile, placement)));
    if (linked.error.code !== 'does-not-fit') return linked;
    const roomy = await attempt(64 * 1024 * 1024);
    return { ok: false, error: explainOverflow(linked.error.message, roomy.ok ? roomy.value : undefined, profile) };
  }

  /** Removes objects and images that are not needed any more; a later compilation makes them anew. */
  async discard(files: readonly string[]): Promise<void> {
    const gone = new Set(files);
    for (const file of files) {
      this.objects.delete(path.basename(file, '.o'));
      if (file.endsWith('.o')) gone.add(file.replace(/\.o$/, '.c'));
      else gone.add(`${file}.ld`);
    }
    await Promise.all([...gone].map((file) => rm(file, { force: true })));
  }

  /** Whether code and constants can be placed in flash at all. */
  get hasFlash(): boolean {
    return codeRegion(this.profile, 'flash') !== undefined;
  }

  async close(): Promise<void> {
    openFolders.delete(this.folder);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Names for a debugger that hold where the build is saved, not where it was compiled: the folder is the debugger's
 * own, and the file bears its name. So an image with line tables is the same byte for byte each time, too.
 */
function debugNames(folder: string, stem: string, { name, flags = [] }: SourceFile): readonly string[] {
  if (!flags.includes('-g')) return [];
  // The last that fits wins.
  return [`-fdebug-prefix-map=${folder}=.`, `-fdebug-prefix-map=${stem}.c=${name}`];
}

/** Removes folders of processes that were killed before they could do it. */
function removeAbandoned(): void {
  if (openFolders.size > 0) return;
  for (const name of entriesOf(tmpdir())) {
    const owner = name.startsWith(FOLDER_PREFIX) ? /^(\d+)-/.exec(name.slice(FOLDER_PREFIX.length))?.[1] : undefined;
    if (owner === undefined || isAlive(Number(owner))) continue;
    try {
      rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Another user's folder; not ours to remove.
    }
  }
}

/** What lies in a folder; nothing where it cannot be read. */
function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function writeHeaders(folder: string, headers: readonly SourceFile[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all(headers.map((header) => writeFile(path.join(folder, header.name), header.text)));
}

/** The failure for a program that is not installed. */
export function missingTool(command: string, debianPackage: string | undefined): Failure {
  return {
    code: 'missing-tool',
    message: `\`${command}\` was not found on this machine.`,
    remedy: installHint(debianPackage) ?? `Install ${command} and put it on the path.`,
  };
}

function installHint(debianPackage: string | undefined): string | undefined {
  return debianPackage === undefined ? undefined : `Install it with \`sudo apt-get install ${debianPackage}\`.`;
}

function firstLines(text: string, count: number): string {
  return text.trim().split('\n').slice(0, count).join('\n');
}

/** The first error lines; the private path of the file, if it has one, is removed. */
export function compilerErrors(stderr: string, stem?: string): string {
  const lines = (stem === undefined ? stderr : stderr.replaceAll(`${stem}.c`, 'line')).split('\n');
  const errors = lines.filter((line) => /error|Error|fatal/.test(line));
  return (errors.length > 0 ? errors : lines).slice(0, 4).join('\n').trim() || 'the compiler ended without a message';
}
