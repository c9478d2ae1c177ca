import { examineTools } from '../../../boards/src/index.ts';
import { exit } from '../io.ts';
import { knownProfiles } from '../profiles.ts';
import { renderTable } from '../render.ts';
import type { Verb } from '../verb.ts';
import { version } from '../version.ts';

/** Tools without which the boards that need no hardware do not work. */
const essentialBoards = ['mps2-an386', 'host'];

export const doctorVerb: Verb = {
  name: 'doctor',
  summary: 'Tell what is installed, what is missing, and which package brings it.',
  usage: '[--json]',
  options: { json: { type: 'boolean', summary: 'print one JSON object' } },
  positionals: { min: 0, max: 0 },
  async run(args, io) {
    const tools = await examineTools(knownProfiles().profiles);
    const essential = tools.filter((t) => !t.found && t.boards.some((b) => essentialBoards.includes(b)));
    const packages = [...new Set(essential.map((t) => t.package ?? t.name))];
    if (args.flag('json')) {
      io.out(
        JSON.stringify({
          ok: essential.length === 0,
          version,
          node: process.versions.node,
          tools,
          missingPackages: packages,
        }),
      );
      return essential.length === 0 ? exit.ok : exit.usage;
    }
    io.out(`relay ${version}, Node ${process.versions.node}`);
    const rows = tools.map((t) => [
      t.found ? 'found' : 'MISSING',
      t.name,
      t.purpose,
      t.found ? (t.version ?? t.path ?? '') : `install ${t.package ?? t.name}`,
      t.boards.join(', '),
    ]);
    io.out(renderTable(['', 'tool', 'is the', 'details', 'for'], rows, io.columns));
    if (packages.length > 0) io.out(`\nInstall what is missing:\n  sudo apt-get install ${packages.join(' ')}`);
    return essential.length === 0 ? exit.ok : exit.usage;
  },
};
