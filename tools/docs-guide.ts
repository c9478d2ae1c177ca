/** The pages of the guide that are made of records: settings and commands of the manifest, verbs of the command line. */
import { readFileSync } from 'node:fs';
import { verbs } from '../cli/src/main.ts';
import { usageOf } from '../cli/src/verb.ts';

interface Setting {
  readonly type: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly scope?: string;
  readonly description?: string;
  readonly markdownDescription?: string;
}
interface Manifest {
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
  readonly contributes: {
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: { readonly commandPalette: readonly { readonly command: string; readonly when: string }[] };
  };
}

function cell(text: string): string {
  return text.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' ');
}

/** `docs/guide/settings.md` */
export function settingsPage(note: string): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { contributes, capabilities } = JSON.parse(text) as Manifest;
  const { restrictedConfigurations } = capabilities.untrustedWorkspaces;
  const rows = Object.entries(contributes.configuration.properties).map(([name, setting]) => {
    const values = setting.enum ? ` One of ${setting.enum.map((v) => `\`${v}\``).join(', ')}.` : '';
    const where =
      setting.scope === 'machine'
        ? 'machine'
        : restrictedConfigurations.includes(name)
          ? 'trusted workspaces'
          : 'anywhere';
    const summary = `${setting.markdownDescription ?? setting.description ?? ''}${values}`;
    return `| \`${name}\` | \`${JSON.stringify(setting.default)}\` | ${where} | ${cell(summary)} |`;
  });
  const hidden = new Set(contributes.menus.commandPalette.filter((m) => m.when === 'false').map((m) => m.command));
  const commands = contributes.commands
    .filter(({ command }) => !hidden.has(command))
    .map(({ command, title }) => `| **Relay: ${cell(title)}** | \`${command}\` |`);
  return `${[
    '# Settings and commands',
    '',
    note,
    '',
    'All settings are in the settings editor under *Relay*. *Machine* settings name programs on your computer: a workspace',
    'cannot change them. Those of *trusted workspaces* are ignored in others.',
    '',
    '| Setting | Default | May stand in | Meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    '## Commands',
    '',
    'In the palette (Ctrl+Shift+P). Give any of them a key with *Preferences: Open Keyboard Shortcuts*.',
    '',
    '| Command | Name for a key binding |',
    '| --- | --- |',
    ...commands,
  ].join('\n')}\n`;
}

/** `docs/guide/command-line.md` */
export function commandLinePage(note: string): string {
  const sections = verbs.flatMap((verb) => ['', `### relay ${verb.name}`, '', '```text', usageOf(verb), '```']);
  return `${[
    '# Command line',
    '',
    note,
    '',
    'The engine behind the editor is a command, `relay`; in a clone it is `bin/relay`. Exit status: 0 fine, 1 the program has',
    'errors or a comparison failed, 2 wrong usage or a missing tool (with the package to install). `--json` prints one JSON',
    'object on standard output; progress and messages go to standard error.',
    '',
    '```sh',
    'relay check model.relay                                  # errors with places and remedies',
    'relay lower model.relay --stage fused                    # any stage of `relay stages`',
    'relay lower model.relay --to asm --kernel fused_nn_dense_3',
    'relay tune model.relay --params model.params --board mps2-an386 --trials 200',
    'relay deploy model.relay --params model.params --board mps2-an386 --json',
    'cat model.relay | relay lower - --name model --stage c   # `-` is standard input',
    '```',
    '',
    '| Verb | What it does |',
    '| --- | --- |',
    ...verbs.map((verb) => `| [\`${verb.name}\`](#relay-${verb.name}) | ${cell(verb.summary)} |`),
    '',
    '## Verbs',
    ...sections,
  ].join('\n')}\n`;
}
