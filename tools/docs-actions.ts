/** The page about code actions, made of their records. */
import type { CodeActionRecord } from '../server/src/features/actions/action.ts';
import { codeActionRecords } from '../server/src/features/actions/index.ts';

const kinds: Readonly<Record<CodeActionRecord['kind'], string>> = {
  quickfix: 'Quick fix',
  'refactor.inline': 'Refactoring (inline)',
  'refactor.extract': 'Refactoring (extract)',
  'refactor.rewrite': 'Refactoring (rewrite)',
};

/** `docs/code-actions.md`. */
export function actionsPage(note: string): string {
  const links = codeActionRecords.map(({ name }) => `[${name}](#${anchor(name)})`);
  const lines = [
    '# Code actions',
    '',
    note,
    '',
    'What the light bulb offers. `▮` is the cursor, `⟦…⟧` a selection; the version header is left out. Each pair is a test,',
    'and so is that the result checks and computes what the program did.',
    '',
    links.join(' · '),
  ];
  for (const record of codeActionRecords) lines.push(...section(record));
  return `${lines.join('\n')}\n`;
}

function section({ name, kind, summary, example }: CodeActionRecord): string[] {
  const marked = example.before.replace('$0', '▮').replace('«', '⟦').replace('»', '⟧');
  return [
    '',
    `## ${name}`,
    '',
    `${kinds[kind]}. ${summary}`,
    '',
    'Before:',
    '',
    ...fenced(marked),
    '',
    'After:',
    '',
    ...fenced(example.after),
  ];
}

function fenced(text: string): string[] {
  // The second word keeps the programs apart from whole files that tests of the pages check.
  return ['```relay fragment', text.trimEnd(), '```'];
}

/** The anchor that renderers of Markdown give a heading. */
function anchor(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}
