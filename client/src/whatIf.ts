/** "What if" types: another type of a parameter, tried without touching the text. */
import * as vscode from 'vscode';
import { requests, type Footprint, type WhatIfParams, type WhatIfResult } from '../../server/src/protocol.ts';
import type { Profiles } from './profiles.ts';
import { count, size } from './engine/sizes.ts';
import { parametersOf } from './parameters.ts';
import type { Session } from './session.ts';

const scheme = 'relay-what-if';

/** `relay-what-if:/model.relay?{"source":…,"function":…,"parameter":…,"type":…}` */
interface Address {
  readonly source: string;
  readonly function: string;
  readonly parameter: string;
  readonly type: string;
}

interface Declared {
  readonly function: string;
  readonly parameter: string;
  readonly type: string;
  readonly line: number;
}

/** Parameters with a tensor type, found in the text. */
export function declaredParameters(text: string): readonly Declared[] {
  const found: Declared[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  let current = '';
  lines.forEach((content, line) => {
    const head = /\bdef\s+@([\w.]+)/.exec(content);
    if (head?.[1] !== undefined) current = head[1];
    if (current === '' || /^\s*(let\s|%[\w.]+\s*=)/.test(content)) return;
    // Behind the body's brace there are no parameters of the definition any more.
    const body = head ? content.replace(/\{[^}]*$/, '') : content;
    for (const match of body.matchAll(/%([A-Za-z_][\w.]*)\s*:\s*(Tensor\[\([^)]*\),\s*\w+\])/g))
      found.push({ function: current, parameter: match[1] ?? '', type: match[2] ?? '', line });
    if (/\{\s*$/.test(content)) current = '';
  });
  return found;
}

class WhatIfProvider implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly session: Session;
  private readonly profiles: Profiles;
  private readonly checked: vscode.Disposable;

  constructor(session: Session, profiles: Profiles) {
    this.session = session;
    this.profiles = profiles;
    this.checked = session.onChecked(({ uri }) => {
      for (const document of vscode.workspace.textDocuments)
        if (document.uri.scheme === scheme && addressOf(document.uri).source === uri) this.changed.fire(document.uri);
    });
  }

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const { source, ...wanted } = addressOf(uri);
    const weights = await parametersOf(vscode.Uri.parse(source));
    const target = (await this.profiles.chosen())?.target;
    const params: WhatIfParams = {
      uri: source,
      ...wanted,
      ...(weights === undefined ? {} : { params: weights }),
      ...(target === undefined ? {} : { target }),
    };
    try {
      const result = await this.session.client.sendRequest<WhatIfResult>(requests.whatIf, params, token);
      return report(wanted, result);
    } catch (error) {
      return `// ${error instanceof Error ? error.message : String(error)}\n`;
    }
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const enabled = vscode.workspace.getConfiguration('relay', document).get<boolean>('whatIf.lens', true);
    if (!enabled || document.lineCount > 20_000) return [];
    const seen = new Set<string>();
    return declaredParameters(document.getText()).flatMap((declared) => {
      if (seen.has(declared.function)) return [];
      seen.add(declared.function);
      const range = new vscode.Range(declared.line, 0, declared.line, 0);
      const args = [document.uri, declared.function];
      return new vscode.CodeLens(range, { title: 'What if …', command: 'relay.whatIf', arguments: args });
    });
  }

  dispose(): void {
    this.checked.dispose();
    this.changed.dispose();
  }
}

function addressOf(uri: vscode.Uri): Address {
  return JSON.parse(uri.query) as Address;
}

/** The answer as text: figures and types that follow as comments, then the program as it would be. */
function report(wanted: Omit<Address, 'source'>, result: WhatIfResult): string {
  const lines = [`What if %${wanted.parameter} of @${wanted.function} were ${wanted.type}`, ''];
  if (result.failure) return comments([...lines, result.failure.message, result.failure.remedy ?? '']);
  const { before, after } = result;
  if (before && after) {
    lines.push(
      figure('MACs', before, after, (f) => count(f.macs)),
      figure('RAM', before, after, (f) => size(f.arenaBytes)),
      figure('Constants', before, after, (f) => size(f.constantBytes)),
    );
    if (before.failure !== undefined) lines.push(`As it is, it does not compile: ${before.failure}`);
    if (after.failure !== undefined) lines.push(`It would not compile: ${after.failure}`);
    lines.push('');
  }
  for (const error of result.errors) lines.push(`Line ${error.line + 1}: ${error.message}`);
  for (const { name, before: was, after: is } of result.changed) lines.push(`${name}: ${was} → ${is}`);
  return `${comments(lines)}${result.text}`;
}

function figure(name: string, before: Footprint, after: Footprint, text: (f: Footprint) => string): string {
  const side = (f: Footprint): string => (f.failure === undefined ? text(f) : '–');
  return `${name.padEnd(10)} ${side(before)} → ${side(after)}`;
}

function comments(lines: readonly string[]): string {
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) => `// ${line}`.trimEnd() + '\n')
    .join('');
}

export function registerWhatIf(session: Session, profiles: Profiles): vscode.Disposable {
  const provider = new WhatIfProvider(session, profiles);
  return vscode.Disposable.from(
    provider,
    vscode.workspace.registerTextDocumentContentProvider(scheme, provider),
    vscode.languages.registerCodeLensProvider({ language: 'relay' }, provider),
    vscode.commands.registerCommand(
      'relay.whatIf',
      async (resource?: unknown, inFunction?: unknown, parameter?: unknown, type?: unknown) => {
        const uri = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
        const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri?.toString());
        if (document?.languageId !== 'relay') return;
        const chosen = await chooseParameter(document, inFunction, parameter);
        if (!chosen) return;
        const wanted = typeof type === 'string' ? type : await askType(chosen);
        if (wanted === undefined) return;
        const query = JSON.stringify({
          source: document.uri.toString(),
          function: chosen.function,
          parameter: chosen.parameter,
          type: wanted,
        } satisfies Address);
        const path = `/what if, ${document.uri.path.split('/').at(-1) ?? ''}`;
        const provided = await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme, path, query }));
        const shown = await vscode.languages.setTextDocumentLanguage(provided, 'relay-lowered');
        await vscode.window.showTextDocument(shown, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
      },
    ),
  );
}

async function chooseParameter(
  document: vscode.TextDocument,
  inFunction: unknown,
  parameter: unknown,
): Promise<Declared | undefined> {
  const all = declaredParameters(document.getText()).filter(
    (d) =>
      (typeof inFunction !== 'string' || d.function === inFunction) &&
      (typeof parameter !== 'string' || d.parameter === parameter),
  );
  if (all.length === 0) {
    void vscode.window.showInformationMessage('No parameter here has a tensor type to change.');
    return undefined;
  }
  if (all.length === 1) return all[0];
  const items = all.map((d) => ({
    label: `%${d.parameter}`,
    description: `@${d.function}`,
    detail: d.type,
    declared: d,
  }));
  const placeHolder = 'Parameter whose type to change';
  return (await vscode.window.showQuickPick(items, { title: 'Relay: What If', placeHolder }))?.declared;
}

function askType(declared: Declared): Thenable<string | undefined> {
  const start = declared.type.indexOf('(') + 1;
  const first = /^[^,)]*/.exec(declared.type.slice(start))?.[0].length ?? 0;
  return vscode.window.showInputBox({
    title: `Relay: What If %${declared.parameter} Were …`,
    value: declared.type,
    valueSelection: [start, start + first],
    prompt: 'The text stays as it is',
  });
}
