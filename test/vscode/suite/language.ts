import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
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

    it('comes back by itself after the language server crashed, with nothing lost', async function () {
      if (!existsSync('/proc')) this.skip();
      const editor = await open('network.relay');
      const position = positionOf(editor.document, '%features)', 2);
      await hoverText(editor.document.uri, position);
      await editor.edit((edit) => edit.insert(positionOf(editor.document, '%5)', 0), '%x'));
      await diagnosticsOf(editor.document.uri, (found) => found.length > 0);
      const [crashed] = await until('the process of the server', async () => {
        const found = await serverProcesses();
        return found.length > 0 ? found : undefined;
      });
      assert.ok(crashed);
      process.kill(crashed, 'SIGKILL');
      await until('a new server', async () => {
        const found = await serverProcesses();
        return found.some((id) => id !== crashed) || undefined;
      });
      // The unsaved text is what the new server checks.
      await diagnosticsOf(editor.document.uri, (found) => found.length > 0);
      assert.match(await hoverText(editor.document.uri, position), /%features/);
      await vscode.commands.executeCommand('undo');
      await diagnosticsOf(editor.document.uri, (found) => found.length === 0);
    });

    it('goes on after a restart by hand', async () => {
      const { document } = await open('network.relay');
      await vscode.commands.executeCommand('relay.restartServer');
      assert.match(await hoverText(document.uri, positionOf(document, '%features)', 2)), /%features/);
    });
  });

  describe('the picture of the editor', () => {
    afterEach(closeAll);
    after(() => vscode.workspace.getConfiguration('workbench').update('colorTheme', undefined, true));

    /** Opens the hover at a place with everything in sight that belongs to the picture, and takes it. */
    async function picture(name: string, theme: string, place: string, after: number, expected: RegExp): Promise<void> {
      await tell('size', { width: 1320, height: 700 });
      await vscode.workspace.getConfiguration('workbench').update('colorTheme', theme, true);
      const editor = await open('classifier.relay');
      await diagnosticsOf(file('classifier.relay'), (found) => found.length === 1);
      const at = positionOf(editor.document, place, after);
      editor.selection = new vscode.Selection(at, at);
      await vscode.commands.executeCommand('outline.focus');
      await until('the outline', async () => (await texts('.outline-tree .monaco-list-row')).length > 3 || undefined);
      await vscode.window.showTextDocument(editor.document);
      await until(
        'types behind the bindings',
        async () =>
          (await texts('.view-line')).some((line) => /%4:.Tensor/.test(line.replaceAll('\u00a0', ' '))) || undefined,
      );
      await vscode.commands.executeCommand('notifications.clearAll');
      await vscode.commands.executeCommand('editor.action.showHover');
      await until(
        'the hover',
        async () => (await texts('.monaco-hover')).some((text) => expected.test(text)) || undefined,
      );
      // The hover fades in.
      await new Promise((resolve) => setTimeout(resolve, 800));
      await screenshot(name);
    }

    it('shows an error with its explanation, types and the outline', async function () {
      if (!hasDriver) this.skip();
      await picture('editor', 'Default Dark Modern', '%head, units', 2, /transpose/);
    });

    it('shows what an operator does, on a light theme', async function () {
      if (!hasDriver) this.skip();
      await picture('hover', 'Default Light Modern', 'nn.conv2d(%1', 4, /strides/);
    });
  });
}

/** Process ids of the language servers that this extension host started. */
async function serverProcesses(): Promise<number[]> {
  const found: number[] = [];
  for (const id of await readdir('/proc')) {
    if (!/^\d+$/.test(id)) continue;
    try {
      const status = await readFile(`/proc/${id}/status`, 'utf8');
      const command = await readFile(`/proc/${id}/cmdline`, 'utf8');
      if (status.includes(`\nPPid:\t${process.pid}\n`) && command.includes('server.cjs')) found.push(Number(id));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
