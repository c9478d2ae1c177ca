/** Documents that no file holds: the prelude as a program, and what a diagnostic means. */
import { catalogueEntry } from '../../compiler/src/check/catalogue.ts';
import { preludeText } from '../../compiler/src/ir/prelude.ts';
import { documentationScheme, preludeUri } from './protocol.ts';

/** Where a diagnostic's code is explained; undefined for a code that no page explains. */
export function documentationOf(code: string): string | undefined {
  return catalogueEntry(code) && `${documentationScheme}:/diagnostics/${code}.md`;
}

/** The text of a virtual document; undefined when there is none of that URI. */
export function virtualDocument(uri: string): string | undefined {
  if (uri === preludeUri) return preludeText;
  const prefix = `${documentationScheme}:/diagnostics/`;
  if (!uri.startsWith(prefix) || !uri.endsWith('.md')) return undefined;
  const entry = catalogueEntry(uri.slice(prefix.length, -'.md'.length));
  if (!entry) return undefined;
  const { code, title, explanation, wrong, right } = entry;
  const program = (text: string): string => `\`\`\`relay\n${text.trimEnd()}\n\`\`\``;
  const sections = [`# ${title}`, `\`${code}\``, explanation, '## Wrong', program(wrong), '## Right', program(right)];
  return `${sections.join('\n\n')}\n`;
}
