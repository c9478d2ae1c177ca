import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, screenshot, tell, texts, until, webviewTexts } from './driver.ts';
import {
  closeAll,
  diagnosticsOf,
  file,
  hoverText,
  open,
  positionOf,
  setting,
  themes,
  useTheme,
  withTypes,
} from './editor.ts';

/** Waits until the document is compiled. */
async function built(document: vscode.TextDocument, operator: string): Promise<string> {
  return until('the build', async () => {
    const text = await hoverText(document.uri, positionOf(document, operator, 2));
    return /Kernel/.test(text) ? text : undefined;
  });
}

async function alone(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeSidebar');
  await vscode.commands.executeCommand('notifications.clearAll');
}

/** The views beside the text: memory, graph, what-if. */
export function viewTests(): void {
  describe('memory in the text', () => {
    afterEach(closeAll);
    after(async () => {
      await setting('board', undefined);
      await useTheme(undefined);
      await vscode.commands.executeCommand('workbench.view.explorer');
    });

    it('stands at the end of lines with the peak marked, and in the hover', async function () {
      const { document } = await open('network.relay');
      assert.match(await built(document, 'nn.softmax'), /alive/);
      if (!hasDriver) this.skip();
      // A pseudo-element carries the text: what it says is read from the style sheet.
      await until('the ribbon', async () => (await texts('.view-line [class*="ced-"]')).length > 0 || undefined);
    });

    it('says in the hover why neighbours were not fused', async () => {
      const { document } = await open('network.relay');
      await built(document, 'nn.softmax');
      const text = await hoverText(document.uri, positionOf(document, 'nn.softmax', 2));
      assert.match(text, /Not fused[\s\S]*softmax is not pointwise/);
    });

    it('reports while typing that the board is too small, and which tensor to attack', async () => {
      await setting('board', 'nrf52840dk');
      const editor = await open('convolution.relay');
      const { document } = editor;
      await built(document, 'nn.relu');
      const budget = (d: vscode.Diagnostic): boolean => d.code === 'board-ram';
      assert.ok(!vscode.languages.getDiagnostics(document.uri).some(budget));
      const size = positionOf(document, '32, 32', 0);
      await editor.edit((edit) => edit.replace(new vscode.Range(size, size.translate(0, 6)), '96, 96'));
      const [problem] = (await diagnosticsOf(document.uri, (found) => found.some(budget))).filter(budget);
      assert.match(problem?.message ?? '', /nrf52840dk has .* of RAM.*largest tensor alive at the peak is \S+ with/);
      assert.ok((problem?.relatedInformation ?? []).length > 0);
      await vscode.commands.executeCommand('undo');
      await diagnosticsOf(document.uri, (found) => !found.some(budget));
    });

    for (const [theme, name] of themes())
      it(`is drawn as a map of the arena, in step with the cursor (${name})`, async function () {
        await useTheme(theme);
        const editor = await open('network.relay');
        const { document } = editor;
        await built(document, 'nn.softmax');
        const shown = await vscode.commands.executeCommand<{ peak: { name: string }[] }>(
          'relay.showMemory',
          document.uri,
        );
        assert.ok(shown.peak.length > 0);
        if (!hasDriver) this.skip();
        await alone();
        assert.match((await webviewTexts('h1')).join(), /RAM .* KB/);
        const at = positionOf(document, 'nn.global_avg_pool2d', 2);
        editor.selection = new vscode.Selection(at, at);
        await until('the kernel of the cursor', async () =>
          (await webviewTexts('.step.current title')).some((text) => /global_avg_pool2d/.test(text)),
        );
        if (name === 'dark') {
          await tell('webviewClick', { selector: 'section:not([hidden]) button' });
          await until('the cursor on the tensor', () => editor.selection.active.line !== at.line);
          await tell('webviewFocus', { selector: '.step.current' });
          await tell('press', { key: 'End' });
          await tell('press', { key: 'Enter' });
          await until(
            'the last kernel',
            () => editor.selection.active.line === positionOf(document, 'nn.softmax').line,
          );
          editor.selection = new vscode.Selection(at, at);
        }
        const peak = positionOf(document, 'nn.relu(%0)', 2);
        editor.selection = new vscode.Selection(peak, peak);
        await until('the peak', async () =>
          (await webviewTexts('.step.current title')).some((text) => /the peak/.test(text)),
        );
        await screenshot(`memory-${name}`);
      });

    it('says in the view what is wrong where a program does not compile', async function () {
      const { document } = await withTypes('broken.relay');
      await vscode.commands.executeCommand('relay.showMemory', document.uri);
      if (!hasDriver) this.skip();
      assert.match((await webviewTexts('p')).join(), /does not compile/);
    });
  });

  describe('the graph view', () => {
    afterEach(closeAll);
    after(() => useTheme(undefined));

    for (const [theme, name] of themes())
      it(`draws the function at the cursor and follows it (${name})`, async function () {
        await useTheme(theme);
        const editor = await open('network.relay');
        const { document } = editor;
        await built(document, 'nn.softmax');
        const at = positionOf(document, 'nn.softmax', 2);
        editor.selection = new vscode.Selection(at, at);
        const graph = await vscode.commands.executeCommand<{ name: string; nodes: { title: string }[] }>(
          'relay.showGraph',
          document.uri,
        );
        assert.equal(graph.name, '@main');
        assert.ok(graph.nodes.some((node) => node.title === 'nn.softmax'));
        if (!hasDriver) this.skip();
        await alone();
        await until('the marked node', async () => (await webviewTexts('.node.current')).join().includes('nn.softmax'));
        await until('MACs', async () => (await webviewTexts('.node')).some((text) => text.includes('MACs')));
        assert.ok((await webviewTexts('text.shape')).includes('(1, 16, 16, 16) float32'));
        await screenshot(`graph-${name}`);
        await tell('webviewClick', { selector: '.node.parameter' });
        await until('the cursor on the parameter', () => editor.selection.active.line < at.line);
        const before = editor.selection.active.line;
        await tell('press', { key: 'ArrowDown' });
        await tell('press', { key: 'Enter' });
        await until('the next node', () => editor.selection.active.line !== before);
      });
  });

  describe('what if', () => {
    afterEach(closeAll);
    after(() => useTheme(undefined));

    it('shows work and memory in the lens, and types behind bindings, without touching the text', async () => {
      const { document } = await withTypes('network.relay');
      const before = document.getText();
      const result = await vscode.commands.executeCommand<{
        errors: unknown[];
        changed: { name: string; after: string }[];
        before: { macs: number };
        after: { macs: number; arenaBytes: number };
      }>('relay.whatIf', document.uri, 'main', 'image', 'Tensor[(4, 3, 32, 32), float32]');
      assert.deepEqual(result.errors, []);
      // The function that is called with the larger batch follows.
      assert.ok(result.changed.some(({ name, after }) => name === '%x' && after.startsWith('Tensor[(4, 16,')));
      assert.equal(result.after.macs, 4 * result.before.macs);
      const lens = await until('the lens', async () => {
        const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
          'vscode.executeCodeLensProvider',
          document.uri,
          20,
        );
        return lenses.map((l) => l.command?.title ?? '').find((title) => title.includes('%image as (4, 3, 32, 32)'));
      });
      assert.match(lens, /MACs .*\(\+.*RAM .*\(\+.*flash/);
      assert.equal(document.getText(), before);
      assert.equal(document.isDirty, false);
      if (hasDriver) {
        await alone();
        await until('the figures in the lens', async () =>
          (await texts('.codelens-decoration')).some((text) => /MACs.*\(\+/.test(text.replaceAll('\u00a0', ' '))),
        );
        await until('types behind the bindings', async () =>
          (await texts('.view-line [class*="ced-"]')).length > 4 ? true : undefined,
        );
        await screenshot('what-if');
      }
      await vscode.commands.executeCommand('relay.showWhatIf', document.uri);
      await until('the program as a difference', () =>
        vscode.window.tabGroups.all
          .flatMap((group) => group.tabs)
          .some((t) => t.input instanceof vscode.TabInputTextDiff),
      );
      await vscode.commands.executeCommand('relay.resetWhatIf', document.uri);
    });

    it('is asked by keyboard: a parameter, a size, and back', async function () {
      if (!hasDriver) this.skip();
      const { document } = await withTypes('convolution.relay');
      const titles = async (): Promise<readonly string[]> => {
        const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
          'vscode.executeCodeLensProvider',
          document.uri,
          20,
        );
        return lenses.map((lens) => lens.command?.title ?? '');
      };
      const asked = vscode.commands.executeCommand('relay.whatIf', document.uri, 'main');
      const labels = (): Promise<string[]> => texts('.quick-input-list .monaco-list-row .label-name');
      await until('the parameters', async () => (await labels()).includes('%image'));
      await tell('press', { key: 'Enter' });
      await until('sizes', async () => (await labels()).some((label) => label.includes('(2, 3, 32, 32)')));
      await screenshot('what-if-pick');
      await tell('type', { text: '5' });
      await until('the typed size', async () => (await labels()).some((label) => label.includes('(5, 3, 32, 32)')));
      await tell('press', { key: 'Enter' });
      await asked;
      await until('the answer', async () => (await titles()).some((t) => /%image as \(5, 3, 32, 32\).*MACs/.test(t)));
      await vscode.commands.executeCommand('relay.resetWhatIf', document.uri);
      await until('the question to be gone', async () => (await titles()).includes('What if …'));
    });
  });

  describe('tasks', () => {
    it('offer relay check', async () => {
      const tasks = await vscode.tasks.fetchTasks({ type: 'relay' });
      assert.deepEqual(
        tasks.map((task) => task.name),
        ['check'],
      );
      assert.deepEqual(tasks[0]?.problemMatchers, []);
    });

    it('put what check finds into the Problems view', async () => {
      await closeAll();
      const [task] = await vscode.tasks.fetchTasks({ type: 'relay' });
      assert.ok(task);
      await vscode.tasks.executeTask(task);
      const found = await diagnosticsOf(file('broken.relay'), (all) => all.length > 0);
      assert.equal(found[0]?.range.start.line, 2);
    });

    it('say each error once when a file is opened after a check, and nothing when it is mended', async () => {
      const uri = file('classifier.relay');
      await diagnosticsOf(uri, (all) => all.length > 0);
      const { document } = await open('classifier.relay');
      assert.equal((await diagnosticsOf(uri, (all) => all.length > 0)).length, 1);
      const text = document.getText();
      const replace = async (now: string): Promise<void> => {
        const edit = new vscode.WorkspaceEdit();
        edit.replace(uri, new vscode.Range(0, 0, document.lineCount, 0), now);
        assert.ok(await vscode.workspace.applyEdit(edit));
        assert.ok(await document.save());
      };
      await replace(text.replace('%head, units', 'transpose(%head, axes=[1, 0]), units'));
      await closeAll();
      await diagnosticsOf(uri, (all) => all.length === 0);
      await open('classifier.relay');
      await replace(text);
      await closeAll();
      await diagnosticsOf(uri, (all) => all.length === 1);
    });
  });
}
