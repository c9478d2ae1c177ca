import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, tell, until } from './driver.ts';
import { closeAll, diagnosticsOf, file, hoverText, open, positionOf, withTypes } from './editor.ts';

/** Asks a provider of the editor as the editor itself does, until it has an answer that is not empty. */
function ask<T>(command: string, ...args: unknown[]): Promise<NonNullable<T>> {
  return until<T>(command, async () => {
    const answer = await vscode.commands.executeCommand<T | undefined>(`vscode.${command}`, ...args);
    return Array.isArray(answer) && answer.length === 0 ? undefined : answer;
  });
}

const targetOf = (found: vscode.Location | vscode.LocationLink): vscode.Uri =>
  'targetUri' in found ? found.targetUri : found.uri;

/** Every service of the language once, through the editor's own commands. */
export function serviceTests(): void {
  describe('a service of the language', () => {
    afterEach(closeAll);

    it('explains in a hover where each dimension came from, with links', async () => {
      const { document } = await withTypes('network.relay');
      const text = await hoverText(document.uri, positionOf(document, 'nn.batch_flatten', 4));
      assert.match(text, /16/);
      const hover = await hoverText(document.uri, positionOf(document, '%4 =', 1));
      assert.match(hover, /\]\([^)]*#L?\d+/, hover);
    });

    it('renames a function in the file that defines it and in the one that imports it', async () => {
      const editor = await withTypes('importing.relay');
      const { document } = editor;
      const edit = await ask<vscode.WorkspaceEdit>(
        'executeDocumentRenameProvider',
        document.uri,
        positionOf(document, '@scaled(%x)', 2),
        'doubled',
      );
      const files = edit.entries().map(([uri, edits]) => `${uri.path.split('/').at(-1)} ${edits.length}`);
      assert.deepEqual(files.sort(), ['importing.relay 2', 'layers.relay 1']);
      await vscode.workspace.applyEdit(edit);
      assert.match(document.getText(), /@doubled\(@helper/);
      const errors = (): readonly string[] =>
        vscode.languages
          .getDiagnostics(document.uri)
          .filter((d) => d.severity === vscode.DiagnosticSeverity.Error)
          .map((d) => d.message);
      // The other file is not saved: its new name is known all the same.
      await editor.edit((edit) => edit.replace(positionOf(document, 'nn.softmax', 0), 'x'));
      await until('the check', () => errors().length > 0);
      await vscode.commands.executeCommand('undo');
      await until('both files to agree', () => errors().length === 0);
    });

    it('leads from a call into the imported file', async () => {
      const { document } = await withTypes('importing.relay');
      const [found] = await ask<(vscode.Location | vscode.LocationLink)[]>(
        'executeDefinitionProvider',
        document.uri,
        positionOf(document, '@scaled(%x)', 2),
      );
      assert.ok(found && targetOf(found).path.endsWith('lib/layers.relay'));
    });

    it('links an import to its file', async () => {
      const { document } = await withTypes('importing.relay');
      const links = await ask<vscode.DocumentLink[]>('executeLinkProvider', document.uri);
      assert.ok(links.some((link) => link.target?.path.endsWith('lib/layers.relay')));
    });

    it('knows who calls whom', async () => {
      const { document } = await withTypes('importing.relay');
      const [item] = await ask<vscode.CallHierarchyItem[]>(
        'prepareCallHierarchy',
        document.uri,
        positionOf(document, 'def @helper', 6),
      );
      assert.match(item?.name ?? '', /helper/);
      const calls = await ask<vscode.CallHierarchyIncomingCall[]>('provideIncomingCalls', item);
      assert.deepEqual(
        calls.map((call) => call.from.name.replace('@', '')),
        ['main'],
      );
      const made = await ask<vscode.CallHierarchyOutgoingCall[]>('provideOutgoingCalls', item);
      assert.ok(
        made.some((call) => call.to.name.includes('scaled')),
        made.map((call) => call.to.name).join(', '),
      );
    });

    it('finds functions of the workspace by name', async () => {
      await withTypes('network.relay');
      const found = await until('a symbol', async () => {
        const all = await ask<vscode.SymbolInformation[]>('executeWorkspaceSymbolProvider', 'block');
        return all.length > 0 ? all : undefined;
      });
      assert.ok(found.some((symbol) => symbol.name.includes('block')));
    });

    it('shows lenses above functions: uses, tuning, lowering, what if', async () => {
      const { document } = await withTypes('network.relay');
      const titles = await until('lenses', async () => {
        const lenses = await ask<vscode.CodeLens[]>('executeCodeLensProvider', document.uri, 20);
        const found = lenses.map((lens) => lens.command?.title ?? '');
        return found.length >= 4 ? found : undefined;
      });
      for (const title of ['1 use', 'Tune and deploy', 'Show lowering', 'What if …'])
        assert.ok(titles.includes(title), title);
    });

    it('hints at types, each kind by its setting', async () => {
      const { document } = await withTypes('network.relay');
      const hints = (): Promise<vscode.InlayHint[]> =>
        ask('executeInlayHintProvider', document.uri, new vscode.Range(0, 0, document.lineCount, 0));
      const text = (hint: vscode.InlayHint): string =>
        typeof hint.label === 'string' ? hint.label : hint.label.map((part) => part.value).join('');
      await until('types', async () => (await hints()).some((hint) => text(hint).includes('Tensor[(1, 16, 16, 16)')));
      const settings = vscode.workspace.getConfiguration('relay');
      await settings.update('inlayHints.types', false, vscode.ConfigurationTarget.Workspace);
      await settings.update('inlayHints.parameterNames', true, vscode.ConfigurationTarget.Workspace);
      try {
        await until('names alone', async () => {
          const all = (await hints()).map(text);
          return (
            all.length > 0 &&
            all.some((t) => /^(data|weight|%?x|lhs)/.test(t)) &&
            !all.some((t) => t.includes('Tensor'))
          );
        });
      } finally {
        await settings.update('inlayHints.types', undefined, vscode.ConfigurationTarget.Workspace);
        await settings.update('inlayHints.parameterNames', undefined, vscode.ConfigurationTarget.Workspace);
      }
    });

    it('helps with the attributes of a call', async () => {
      const { document } = await withTypes('network.relay');
      const help = await ask<vscode.SignatureHelp>(
        'executeSignatureHelpProvider',
        document.uri,
        positionOf(document, 'strides=[2, 2]', 9),
      );
      const signature = help.signatures[0];
      assert.match(signature?.label ?? '', /nn\.conv2d/);
      const active = signature?.parameters[help.activeParameter];
      const label = active?.label;
      assert.match(typeof label === 'string' ? label : (signature?.label.slice(...(label ?? [0, 0])) ?? ''), /strides/);
    });

    it('finds and marks every use of a binding', async () => {
      const { document } = await withTypes('network.relay');
      const at = positionOf(document, 'let %features', 6);
      const uses = await ask<vscode.Location[]>('executeReferenceProvider', document.uri, at);
      assert.equal(uses.length, 2);
      const marks = await ask<vscode.DocumentHighlight[]>('executeDocumentHighlights', document.uri, at);
      assert.equal(marks.length, 2);
    });

    it('repairs a shape from the light bulb', async () => {
      const { document } = await withTypes('classifier.relay');
      const [problem] = await diagnosticsOf(document.uri, (found) => found.length === 1);
      assert.ok(problem);
      const actions = await ask<vscode.CodeAction[]>('executeCodeActionProvider', document.uri, problem.range);
      const repair = actions.find((action) => action.isPreferred) ?? actions.find((action) => action.edit);
      assert.ok(repair?.edit, actions.map((action) => action.title).join(', '));
      await vscode.workspace.applyEdit(repair.edit);
      await diagnosticsOf(document.uri, (found) => found.every((d) => d.severity !== vscode.DiagnosticSeverity.Error));
    });

    it('formats, folds, and grows selections by the tree', async () => {
      const { document } = await withTypes('network.relay');
      const at = positionOf(document, '%features)', 2);
      const [selection] = await ask<vscode.SelectionRange[]>('executeSelectionRangeProvider', document.uri, [at]);
      assert.ok(selection?.parent?.parent);
      const folds = await ask<vscode.FoldingRange[]>('executeFoldingRangeProvider', document.uri);
      assert.ok(folds.some((fold) => fold.start === 7));
      const range = new vscode.Range(positionOf(document, '%2 = ', 0), positionOf(document, '%2 = ', 5));
      const squeezed = new vscode.WorkspaceEdit();
      squeezed.replace(document.uri, range, '%2=');
      await vscode.workspace.applyEdit(squeezed);
      const edits = await ask<vscode.TextEdit[]>('executeFormatDocumentProvider', document.uri, {
        tabSize: 2,
        insertSpaces: true,
      });
      const formatted = new vscode.WorkspaceEdit();
      formatted.set(document.uri, edits);
      await vscode.workspace.applyEdit(formatted);
      assert.match(document.getText(), /%2 = nn\.relu/);
    });

    it('colours names by their meaning', async () => {
      const { document } = await withTypes('network.relay');
      const legend = await ask<vscode.SemanticTokensLegend>('provideDocumentSemanticTokensLegend', document.uri);
      const tokens = await ask<vscode.SemanticTokens>('provideDocumentSemanticTokens', document.uri);
      assert.ok(tokens.data.length > 100 && tokens.data.length % 5 === 0);
      assert.ok(legend.tokenTypes.includes('parameter'));
    });
  });
}

/** Last of all: what such a file costs to compile would delay the previews of other tests. */
export function longFileTests(): void {
  describe('a file of 15,000 lines', () => {
    afterEach(closeAll);

    it('answers while it is typed in', async function () {
      this.timeout(120_000);
      const lines = Array.from({ length: 15_000 }, (_, i) => `  %${i} = add(${i === 0 ? '%x' : `%${i - 1}`}, %y);`);
      const text = `#[version = "0.0.5"]\ndef @main(%x: Tensor[(4), float32], %y: Tensor[(4), float32]) {\n${lines.join('\n')}\n  %14999\n}\n`;
      const uri = file('long.relay');
      await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
      const editor = await open('long.relay');
      const { document } = editor;
      const place = positionOf(document, '%7000 = add', 1);
      assert.match(await hoverText(document.uri, place), /Tensor\[\(4\), float32\]/);
      editor.selection = new vscode.Selection(place.line, 0, place.line, 0);
      editor.revealRange(editor.selection);
      await vscode.window.showTextDocument(document);
      const typed = '  // typed in the middle\n';
      if (hasDriver) {
        await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
        await tell('type', { text: '// typed in the middle' });
        await tell('press', { key: 'Enter' });
      } else await editor.edit((edit) => edit.insert(editor.selection.active, typed));
      await until('the text', () => /typed in the middle\s*\n/.test(document.getText()));
      const wrong = positionOf(document, '%9000 = add(%8999, %y)', 13);
      assert.ok(await editor.edit((edit) => edit.insert(wrong, '9')));
      await diagnosticsOf(uri, (found) => found.length > 0);
      await vscode.commands.executeCommand('undo');
      await diagnosticsOf(uri, (found) => found.length === 0);
      await vscode.commands.executeCommand('workbench.action.files.revert');
      await vscode.workspace.fs.delete(uri);
    });
  });
}
