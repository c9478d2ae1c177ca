/**
 * Writes the reference pages that are made of records: `docs/diagnostics.md`, `docs/operators.md`,
 * `docs/schedules.md`, `docs/passes.md`, `docs/code-actions.md`, and two pages of the guide; and this tool's messages in
 * `docs/errors-compared.md`.
 *
 *     npx tsx tools/docs.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalogue, rangeCatalogue, syntaxCatalogue, type CatalogueEntry } from '../compiler/src/check/catalogue.ts';
import { format } from '../compiler/src/format/format.ts';
import { attributeText } from '../compiler/src/ir/spelling.ts';
import { nestOf } from '../compiler/src/loops/imperative/index.ts';
import type { AttributeSpec } from '../compiler/src/operators/attributes.ts';
import type { Operator } from '../compiler/src/operators/operator.ts';
import { operatorRegistry } from '../compiler/src/operators/registry.ts';
import { actionsPage } from './docs-actions.ts';
import { withOwnMessages } from './docs-compared.ts';
import { commandLinePage, settingsPage } from './docs-guide.ts';
import { passesPage } from './docs-passes.ts';
import { schedulesPage } from './docs-schedules.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const note = '<!-- Made by tools/docs.ts; edit the records instead. -->';
const header = '#[version = "0.0.5"]\n';

/** The pages, by their path in the project. */
export function pages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/diagnostics.md', diagnosticsPage()],
    ['docs/operators.md', operatorsPage()],
    ['docs/errors-compared.md', withOwnMessages(readFileSync(path.join(root, 'docs/errors-compared.md'), 'utf8'))],
    ['docs/code-actions.md', actionsPage(note)],
    ['docs/schedules.md', schedulesPage(note)],
    ['docs/passes.md', passesPage(note)],
    ['docs/guide/settings.md', settingsPage(note)],
    ['docs/guide/command-line.md', commandLinePage(note)],
  ]);
}

// ------------------------------------------------------------------------------------------------ diagnostics

function diagnosticsPage(): string {
  const sections: readonly (readonly [string, string, readonly CatalogueEntry[]])[] = [
    ['Syntax', 'Found while reading the text.', syntaxCatalogue],
    ['Names, types and shapes', 'Found by the checker.', catalogue],
    [
      'Value ranges',
      'Proved from ranges of values, in the editor alone (`relay.valueRanges.diagnostics`).',
      rangeCatalogue,
    ],
  ];
  const lines = [
    '# Diagnostics',
    '',
    note,
    '',
    'Every diagnostic has a code that stays the same from version to version. Each has a program that shows it and the',
    'program put right; both are tests. The version header is left out where it is not the point.',
  ];
  for (const [title, summary, entries] of sections) {
    const links = entries.map(({ code }) => `[\`${code}\`](#${code})`);
    lines.push('', `## ${title}`, '', `${summary} ${links.join(' · ')}`);
    for (const entry of entries) lines.push(...diagnostic(entry));
  }
  return `${lines.join('\n')}\n`;
}

function diagnostic(entry: CatalogueEntry): string[] {
  const { code, title, explanation, wrong, right } = entry;
  // Where the text itself is broken both stand as written, so that they can be compared.
  const shown = (body: string): string => (syntaxCatalogue.includes(entry) ? body : tidy(body));
  return [
    '',
    `### ${code}`,
    '',
    `**${title}.** ${explanation}`,
    ...Object.entries(entry.files ?? {}).flatMap(([name, text]) => [
      '',
      `With \`${name}\`:`,
      '',
      ...fenced(tidy(text)),
    ]),
    '',
    'Wrong:',
    '',
    ...fenced(shown(wrong)),
    '',
    'Right:',
    '',
    ...fenced(shown(right)),
  ];
}

/** A program as the formatter writes it, without the header that it only needs to be read. */
function tidy(body: string): string {
  const formatted = format(header + body);
  return formatted.ok ? formatted.value.text.slice(header.length).trimEnd() : body;
}

function fenced(text: string): string[] {
  const short = text.length > 400 ? `${text.slice(0, 150)} … ${text.slice(-150)}` : text;
  return ['```relay', short, '```'];
}

// ------------------------------------------------------------------------------------------------ operators

function operatorsPage(): string {
  const groups = new Map<string, Operator[]>();
  for (const operator of operatorRegistry.all()) {
    const dot = operator.name.lastIndexOf('.');
    const group = dot < 0 ? '' : operator.name.slice(0, dot);
    groups.set(group, [...(groups.get(group) ?? []), operator]);
  }
  const lines = [
    '# Operators',
    '',
    note,
    '',
    `Relay has ${operatorRegistry.names().length} operators here. Inputs are given by position, attributes by name.`,
  ];
  for (const [group, operators] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const links = operators.map(({ name }) => `[\`${name}\`](#${anchor(name)})`);
    lines.push('', group === '' ? '## Tensors' : `## \`${group}\``, '', links.join(' · '));
    for (const operator of operators) lines.push(...operatorSection(operator));
  }
  return `${lines.join('\n')}\n`;
}

/** The anchor that renderers of Markdown give a heading. */
function anchor(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9_-]/g, '');
}

function operatorSection(operator: Operator): string[] {
  const { name, summary, details, inputs, variadic, noMeaning, examples } = operator;
  const lines = ['', `### ${name}`, '', summary];
  if (details !== undefined) lines.push('', details);
  if (noMeaning !== undefined) lines.push('', `It is checked and not evaluated: ${noMeaning}.`);
  if (operator.kernel !== undefined && nestOf(name) === undefined)
    lines.push('', 'A board takes its result alone, computed while compiling from operands that are constants.');
  const { gradient } = operator;
  if (gradient && typeof gradient !== 'function' && 'none' in gradient && noMeaning === undefined)
    lines.push('', `It has no gradient: ${gradient.none}.`);
  if (variadic === true) lines.push('', 'Takes any number of arguments.');
  if (inputs.length > 0)
    lines.push(
      '',
      ...inputs.map((input) => `- \`${input.name}\`${input.tuple === true ? ' (a tuple)' : ''}: ${input.summary}`),
    );
  const attributes = Object.entries(operator.attributes) as unknown as [string, AttributeSpec][];
  if (attributes.length > 0)
    lines.push(
      '',
      '| Attribute | Kind | Default | Meaning |',
      '| --- | --- | --- | --- |',
      ...attributes.map(
        ([key, spec]) => `| \`${key}\` | ${kindText(spec)} | ${defaultText(spec)} | ${cell(meaning(spec))} |`,
      ),
    );
  for (const example of examples ?? [])
    lines.push('', `${example.title}:`, '', ...fenced(tidy(example.source.replace(/^fn /, 'def @main'))));
  return lines;
}

function kindText({ kind, nullable }: AttributeSpec): string {
  return cell(`\`${kind}\`${nullable === true ? ' or `None`' : ''}`);
}

function defaultText(spec: AttributeSpec): string {
  return spec.default === undefined ? 'required' : cell(`\`${attributeText(spec.default, spec.kind)}\``);
}

function meaning({ summary, values, min, max }: AttributeSpec): string {
  const limits = [
    ...(values ? [`One of ${values.map((value) => `\`"${value}"\``).join(', ')}.`] : []),
    ...(min === undefined ? [] : [`At least ${min}.`]),
    ...(max === undefined ? [] : [`At most ${max}.`]),
  ];
  return [summary, ...limits].join(' ');
}

function cell(text: string): string {
  return text.replace(/\|/g, '\\|').replace(/\n/g, ' ');
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  for (const [file, text] of pages()) writeFileSync(path.join(root, file), text);
