/**
 * "What if" types: another type of a parameter, tried without touching the text. The answer stands in a lens above the
 * function and behind the bindings whose types change, and follows what is typed until it is reset.
 */
import * as vscode from 'vscode';
import { declaredParameters, headline, suggestions, typeFrom, type Declared } from './engine/whatIf.ts';
import type { Session } from './session.ts';
import type { Tuned } from './tuned.ts';
import { showSubstituted, WhatIfLens, whatIfScheme } from './whatIfLens.ts';
import { WhatIf, type Trial } from './whatIfTrials.ts';

const historyKey = 'relay.whatIf.history';
const longestHistory = 12;

/** The commands and lenses of "what if". */
export function registerWhatIf(session: Session, tuned: Tuned, memento: vscode.Memento): vscode.Disposable {
  const whatIf = new WhatIf(session, tuned);
  const lens = new WhatIfLens(whatIf);
  const documentOf = (resource: unknown): vscode.TextDocument | undefined => {
    const uri = resource instanceof vscode.Uri ? resource : vscode.window.activeTextEditor?.document.uri;
    const document = vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri?.toString());
    return document?.languageId === 'relay' ? document : undefined;
  };
  return vscode.Disposable.from(
    whatIf,
    lens,
    vscode.workspace.registerTextDocumentContentProvider(whatIfScheme, lens),
    vscode.languages.registerCodeLensProvider({ language: 'relay' }, lens),
    vscode.commands.registerCommand(
      'relay.whatIf',
      async (resource?: unknown, inFunction?: unknown, parameter?: unknown, type?: unknown) => {
        const document = documentOf(resource);
        if (!document) return undefined;
        const chosen = await chooseParameter(document, inFunction, parameter);
        if (!chosen) return undefined;
        const wanted = typeof type === 'string' ? type : await askType(chosen, whatIf.of(document.uri), memento);
        if (wanted === undefined) return undefined;
        if (wanted === '') {
          whatIf.reset(document.uri);
          return undefined;
        }
        const history = memento.get<readonly string[]>(historyKey, []).filter((known) => known !== wanted);
        await memento.update(historyKey, [wanted, ...history].slice(0, longestHistory));
        const { function: name, parameter: param } = chosen;
        const result = await whatIf.ask({ uri: document.uri, function: name, parameter: param, type: wanted });
        if (result) vscode.window.setStatusBarMessage(`Relay: ${headline(result)}`, 8000);
        return result;
      },
    ),
    vscode.commands.registerCommand('relay.resetWhatIf', (resource?: unknown) => {
      const document = documentOf(resource);
      if (document) whatIf.reset(document.uri);
    }),
    vscode.commands.registerCommand('relay.showWhatIf', (resource?: unknown) => {
      const trial = whatIf.of(documentOf(resource)?.uri ?? vscode.Uri.file('/'));
      return trial && showSubstituted(trial);
    }),
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
    description: d.type,
    detail: typeof inFunction === 'string' ? undefined : `of @${d.function}`,
    declared: d,
  }));
  const placeHolder = 'Parameter whose type to change';
  const options = { title: 'Relay: What If', placeHolder, matchOnDescription: true };
  return (
    await vscode.window.showQuickPick(
      items.map(({ detail, ...item }) => (detail === undefined ? item : { ...item, detail })),
      options,
    )
  )?.declared;
}

interface TypeItem extends vscode.QuickPickItem {
  readonly type?: string;
}

/** Asks for a type: one that is offered, one tried before, or one that is typed. '' resets; undefined leaves. */
function askType(declared: Declared, trial: Trial | undefined, memento: vscode.Memento): Promise<string | undefined> {
  const pick = vscode.window.createQuickPick<TypeItem>();
  pick.title = `Relay: What If %${declared.parameter} Were …`;
  pick.placeholder = `${declared.type}: type another, or only a first size, a shape, an element type`;
  const offered = suggestions(declared.type);
  const rank = (type: string): number => type.split(',').length;
  const tried = memento
    .get<readonly string[]>(historyKey, [])
    .filter((type) => rank(type) === rank(declared.type) && !offered.some((o) => o.type === type));
  const separator = (label: string): TypeItem => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const rest: TypeItem[] = [
    ...(trial ? [{ label: '$(discard) Reset', description: `to ${declared.type}`, type: '' }] : []),
    separator('offered'),
    ...offered.map(({ type, why }) => ({ label: type, description: why, type })),
    ...(tried.length > 0 ? [separator('tried before'), ...tried.map((type) => ({ label: type, type }))] : []),
  ];
  pick.items = rest;
  pick.onDidChangeValue((value) => {
    const type = typeFrom(value, declared.type);
    pick.items = value.trim() === '' ? rest : [{ label: `$(question) ${type}`, type, alwaysShow: true }, ...rest];
  });
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      resolve(pick.selectedItems[0]?.type);
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}
