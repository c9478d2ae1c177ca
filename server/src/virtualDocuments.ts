/** Documents that no file holds: the prelude as a program, what a diagnostic means, what an operator does. */
import { catalogueEntry } from '../../compiler/src/check/catalogue.ts';
import { preludeText } from '../../compiler/src/ir/prelude.ts';
import { operatorRegistry } from '../../compiler/src/operators/registry.ts';
import { attributeTable, code, operatorSignature } from './features/describe.ts';
import { documentationScheme, preludeUri } from './protocol.ts';

const diagnosticsFolder = `${documentationScheme}:/diagnostics/`;
const operatorsFolder = `${documentationScheme}:/operators/`;

/** Where a diagnostic's code is explained; undefined for a code that no page explains. */
export function documentationOf(diagnostic: string): string | undefined {
  return catalogueEntry(diagnostic) && `${diagnosticsFolder}${diagnostic}.md`;
}

/** Where an operator is documented. */
export function operatorDocumentation(name: string): string {
  return `${operatorsFolder}${name}.md`;
}

/** The text of a virtual document; undefined when there is none of that URI. */
export function virtualDocument(uri: string): string | undefined {
  if (uri === preludeUri) return preludeText;
  if (!uri.endsWith('.md')) return undefined;
  const named = (folder: string): string => uri.slice(folder.length, -'.md'.length);
  if (uri.startsWith(diagnosticsFolder)) return diagnosticPage(named(diagnosticsFolder));
  if (uri.startsWith(operatorsFolder)) return operatorPage(named(operatorsFolder));
  return undefined;
}

function program(text: string): string {
  return `\`\`\`relay\n${text.trimEnd()}\n\`\`\``;
}

function page(...sections: readonly string[]): string {
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function diagnosticPage(name: string): string | undefined {
  const entry = catalogueEntry(name);
  if (!entry) return undefined;
  const { title, explanation, wrong, right } = entry;
  return page(`# ${title}`, code(name), explanation, '## Wrong', program(wrong), '## Right', program(right));
}

function operatorPage(name: string): string | undefined {
  const operator = operatorRegistry.get(name);
  if (!operator) return undefined;
  const { summary, details = '', inputs, examples = [] } = operator;
  return page(
    `# ${name}`,
    summary,
    program(operatorSignature(operator)),
    details,
    inputs.map((input) => `- ${code(input.name)} ${input.summary}`).join('\n'),
    attributeTable(operator, undefined),
    ...examples.flatMap(({ title, source }) => [`## ${title}`, program(source)]),
  );
}
