import { examineTools, type BoardProfile, type ToolReport } from '../../../boards/src/index.ts';
import { exit } from '../io.ts';
import { finish } from '../model.ts';
import { knownProfiles, readProfile } from '../profiles.ts';
import { renderFailure, renderTable } from '../render.ts';
import type { Verb } from '../verb.ts';

function missingFor(profile: BoardProfile, tools: readonly ToolReport[]): readonly ToolReport[] {
  return tools.filter((tool) => !tool.found && tool.boards.includes(profile.name));
}

function reach(profile: BoardProfile): string {
  const { transport } = profile;
  if (transport.kind === 'gdb') return `GDB server at ${transport.host}:${transport.port}`;
  return transport.kind === 'qemu' ? 'emulator' : 'this machine';
}

/** Flash and RAM in KB, region by region. */
function memoryOf({ memory }: BoardProfile): string {
  const sizes = (kind: 'flash' | 'ram'): string =>
    memory
      .filter((m) => m.kind === kind)
      .map((m) => Math.round(m.bytes / 1024))
      .join(' + ');
  return memory.length === 0 ? 'no limit' : `flash ${sizes('flash')} KB, RAM ${sizes('ram')} KB`;
}

export const boardsVerb: Verb = {
  name: 'boards',
  summary: 'List the boards that --board takes.',
  usage: '[--json] [--check FILE]',
  options: {
    json: { type: 'boolean', summary: 'print one JSON object' },
    check: { type: 'string', value: 'FILE', summary: 'say whether a profile file is valid' },
  },
  positionals: { min: 0, max: 0 },
  async run(args, io) {
    const file = args.text('check');
    if (file !== undefined) {
      const profile = readProfile(file);
      if (!profile.ok) return finish({ failure: profile.error, code: 1 }, args, io);
      const { name } = profile.value;
      io.out(args.flag('json') ? JSON.stringify({ ok: true, name }) : `${file} is a valid profile of '${name}'.`);
      return exit.ok;
    }
    const { profiles, problems } = knownProfiles();
    const tools = await examineTools(profiles);
    for (const problem of problems) io.err(renderFailure(problem, io.colour));
    if (args.flag('json')) {
      const boards = profiles.map((p) => ({
        name: p.name,
        description: p.description,
        target: p.target,
        provenance: p.provenance,
        reach: reach(p),
        memory: p.memory.map(({ name, kind, bytes }) => ({ name, kind, bytes })),
        stackBytes: p.stackBytes,
        compiler: tools.find((t) => t.name === p.compiler.command)?.version ?? null,
        missing: missingFor(p, tools).map((t) => ({ name: t.name, package: t.package ?? t.name })),
      }));
      io.out(JSON.stringify({ boards, problems }));
      return exit.ok;
    }
    const rows = profiles.map((p) => {
      const missing = missingFor(p, tools).map((t) => t.package ?? t.name);
      return [
        p.name,
        p.target,
        p.provenance,
        memoryOf(p),
        missing.length > 0 ? `needs ${missing.join(', ')}` : reach(p),
        p.description,
      ];
    });
    io.out(renderTable(['board', 'target', 'numbers are', 'memory', 'reached by', 'description'], rows, io.columns));
    return exit.ok;
  },
};
