import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { screenshot, tell, texts, until, hasDriver } from './driver.ts';
import { closeAll, diagnosticsOf, file, hoverText, open, positionOf } from './editor.ts';

/** What a person sees of the language while reading and typing. */
export function languageTests(): void {
  describe('a .relay file', () => {
    afterEach(closeAll);

    it('shows the error where it is, with a code and the other side', async () => {
      await open('broken.relay');
      const [problem, ...more] = await diagnosticsOf(file('broken.relay'), (found) => found.length > 0);
      assert.ok(problem);
      assert.equal(more.length, 0, more.map((d) => d.message).join('\n'));
      assert.equal(problem.severity, vscode.DiagnosticSeverity.Error);
      assert.equal(problem.source, 'relay');
      assert.equal(problem.range.start.line, 2);
      assert.match(problem.message, /3/);
      assert.match(problem.message, /4/);
    });

    it('loses the error when it is repaired, and gets it back with undo', async () => {
      const editor = await open('broken.relay');
      await diagnosticsOf(file('broken.relay'), (found) => found.length === 1);
      const at = positionOf(editor.document, '(16, 4, 3, 3)', 5);
      await editor.edit((edit) => edit.replace(new vscode.Range(at, at.translate(0, 1)), '3'));
      await diagnosticsOf(file('broken.relay'), (found) => found.length === 0);
      await vscode.commands.executeCommand('undo');
      await diagnosticsOf(file('broken.relay'), (found) => found.length === 1);
    });

    it('shows types and what an operator does on hover', async () => {
      const { document } = await open('network.relay');
      const operator = await hoverText(document.uri, positionOf(document, 'nn.conv2d(%image', 4));
      assert.match(operator, /Tensor\[\(1, 16, 16, 16\), float32\]/);
      assert.match(operator, /strides/);
      const local = await hoverText(document.uri, positionOf(document, '%features)', 2));
      assert.match(local, /%features: Tensor\[\(1, 16, 16, 16\), float32\]/);
    });

    it('has an outline of functions, parameters and bindings', async () => {
      const { document } = await open('network.relay');
      const symbols = await until('an outline', async () => {
        const found = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(
          'vscode.executeDocumentSymbolProvider',
          document.uri,
        );
        return found && found.length > 0 ? found : undefined;
      });
      assert.deepEqual(
        symbols.map((symbol) => symbol.name),
        ['@block', '@main'],
      );
      const names = symbols[1]?.children.map((child) => child.name);
      assert.deepEqual(names, ['%image', '%stem', '%weight', '%head', '%1', '%2', '%features', '%3', '%4', '%5']);
    });

    it('leads from a name to its definition, and renames it everywhere', async () => {
      const { document } = await open('network.relay');
      await hoverText(document.uri, positionOf(document, '%features)', 2));
      const [target] = await vscode.commands.executeCommand<(vscode.Location | vscode.LocationLink)[]>(
        'vscode.executeDefinitionProvider',
        document.uri,
        positionOf(document, '@block(%2', 2),
      );
      assert.ok(target);
      const range = 'targetUri' in target ? target.targetRange : target.range;
      assert.equal(range.start.line, 2);
      const edit = await vscode.commands.executeCommand<vscode.WorkspaceEdit>(
        'vscode.executeDocumentRenameProvider',
        document.uri,
        positionOf(document, '%features)', 2),
        'pooled',
      );
      assert.equal(edit.get(document.uri).length, 2);
    });

    it('offers operators and attributes while typing', async () => {
      const { document } = await open('network.relay');
      const labels = async (position: vscode.Position): Promise<string[]> => {
        const list = await vscode.commands.executeCommand<vscode.CompletionList>(
          'vscode.executeCompletionItemProvider',
          document.uri,
          position,
        );
        return list.items.map((item) => (typeof item.label === 'string' ? item.label : item.label.label));
      };
      await until('completion', async () =>
        (await labels(positionOf(document, 'nn.softmax', 3))).includes('nn.softmax'),
      );
      assert.ok((await labels(positionOf(document, 'units=10', 0))).some((label) => label.includes('out_dtype')));
    });

    it('is coloured, hinted and readable', async function () {
      if (!hasDriver) this.skip();
      const { document } = await open('network.relay');
      await hoverText(document.uri, positionOf(document, '%features)', 2));
      const hints = await until('inlay hints on the screen', async () => {
        const found = await texts(
          '.view-line span[class*="dyn-rule"], .view-line .inlayHint, .view-line span[class*="inlay"]',
        );
        return found.some((text) => text.includes('Tensor')) ? found : undefined;
      });
      assert.ok(hints.length > 0);
    });

    it('comes back by itself after the language server crashed', async () => {
      const { document } = await open('network.relay');
      const position = positionOf(document, '%features)', 2);
      await hoverText(document.uri, position);
      await vscode.commands.executeCommand('relay.restartServer');
      assert.match(await hoverText(document.uri, position), /%features/);
    });
  });

  describe('the picture of the editor', () => {
    afterEach(closeAll);

    it('is taken for the guide', async function () {
      if (!hasDriver) this.skip();
      await tell('size', { width: 1280, height: 720 });
      const editor = await open('broken.relay');
      await diagnosticsOf(file('broken.relay'), (found) => found.length === 1);
      await screenshot('problem');
      assert.ok(editor);
    });
  });
}
