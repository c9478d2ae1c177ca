import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, screenshot, tell, texts, until, webviewTexts } from './driver.ts';
import { closeAll, diagnosticsOf, hoverText, model, open, positionOf, rowThat, setting, useTheme } from './editor.ts';

/** The views beside the text: side bar, memory, graph, what-if. */
export function viewTests(): void {
  describe('the Relay side bar', () => {
    afterEach(closeAll);
    after(() => setting('board', undefined));

    it('lists boards with what is missing, and models with their fit on the chosen board', async function () {
      if (!hasDriver) this.skip();
      this.timeout(90_000);
      await open(model);
      await vscode.commands.executeCommand('relay.models.focus');
      await setting('board', 'nrf52840dk');
      await rowThat('the chosen board', /nrf52840dk.*chosen/);
      await rowThat('the emulated board', /mps2-an386.*ready/);
      await rowThat('the fit of the model', /keyword_spotting\.relay.*RAM .* of 256 KB · flash .* of 1 MB/);
      await rowThat('the broken model', /broken\.relay.*does not compile/);
      await vscode.commands.executeCommand('relay.stages.focus');
      await screenshot('sidebar');
    });
  });

  describe('memory in the text', () => {
    afterEach(closeAll);
    after(async () => {
      await setting('board', undefined);
      await useTheme(undefined);
    });

    it('stands at the end of lines with the peak marked, and in the hover', async function () {
      const { document } = await open('network.relay');
      const kernel = await until('the kernel in the hover', async () => {
        const text = await hoverText(document.uri, positionOf(document, 'nn.softmax', 2));
        return /Kernel/.test(text) ? text : undefined;
      });
      assert.match(kernel, /alive/);
      if (!hasDriver) this.skip();
      // A pseudo-element carries the text: what it says is read from the style sheet.
      await until('the ribbon', async () => (await texts('.view-line [class*="ced-"]')).length > 0 || undefined);
    });

    for (const [theme, name] of [
      ['Default Dark Modern', 'memory-dark'],
      ['Default Light Modern', 'memory-light'],
    ] as const)
      it(`is legible (${name})`, async function () {
        if (!hasDriver) this.skip();
        await useTheme(theme);
        const { document } = await open('network.relay');
        await until('the build', async () =>
          /Kernel/.test(await hoverText(document.uri, positionOf(document, 'nn.softmax', 2))),
        );
        await vscode.commands.executeCommand('workbench.action.closeSidebar');
        await vscode.commands.executeCommand('notifications.clearAll');
        await screenshot(name);
        await vscode.commands.executeCommand('workbench.view.explorer');
      });
  });

  describe('the graph view', () => {
    afterEach(closeAll);
    after(() => useTheme(undefined));

    for (const [theme, name] of [
      ['Default Dark Modern', 'graph-dark'],
      ['Default Light Modern', 'graph-light'],
    ] as const)
      it(`draws the function at the cursor and follows it (${name})`, async function () {
        await useTheme(theme);
        const editor = await open('network.relay');
        const { document } = editor;
        await hoverText(document.uri, positionOf(document, '%features)', 2));
        const at = positionOf(document, 'nn.softmax', 2);
        editor.selection = new vscode.Selection(at, at);
        const graph = await vscode.commands.executeCommand<{ name: string; nodes: { title: string }[] }>(
          'relay.showGraph',
          document.uri,
        );
        assert.equal(graph.name, '@main');
        assert.ok(graph.nodes.some((node) => node.title === 'nn.softmax'));
        if (!hasDriver) this.skip();
        await until('the marked node', async () => (await webviewTexts('.node.current')).join().includes('nn.softmax'));
        await until('MACs', async () => (await webviewTexts('.node')).some((text) => text.includes('MACs')));
        await screenshot(name);
        await tell('webviewClick', { selector: '.node.parameter' });
        await until('the cursor on the parameter', () => editor.selection.active.line < at.line);
        await tell('press', { key: 'ArrowDown' });
        await tell('press', { key: 'Enter' });
        await until('the next node', () => editor.selection.active.line > 0);
      });
  });

  describe('what if', () => {
    afterEach(closeAll);

    it('shows types, work and memory under another type without touching the text', async () => {
      const { document } = await open('network.relay');
      await hoverText(document.uri, positionOf(document, '%features)', 2));
      const before = document.getText();
      const declared = /%image: (Tensor\[\([^)]*\), \w+\])/.exec(before)?.[1];
      assert.ok(declared);
      const wanted = declared.replace('(1,', '(4,');
      await vscode.commands.executeCommand('relay.whatIf', document.uri, 'main', 'image', wanted);
      const text = await until('the answer', () =>
        vscode.workspace.textDocuments
          .find((d) => d.uri.scheme === 'relay-what-if')
          ?.getText()
          .replaceAll('\r', ''),
      );
      assert.match(text, /MACs .* → /);
      assert.match(text, /%image: Tensor\[\(1, .* → Tensor\[\(4, /);
      assert.equal(document.getText(), before);
      assert.equal(document.isDirty, false);
      await screenshot('what-if');
    });
  });

  describe('tasks', () => {
    it('offer relay check', async () => {
      const tasks = await vscode.tasks.fetchTasks({ type: 'relay' });
      assert.deepEqual(
        tasks.map((task) => task.name),
        ['check'],
      );
      assert.deepEqual(tasks[0]?.problemMatchers, ['$relay']);
    });

    it('put what check finds into the Problems view', async () => {
      await closeAll();
      const [task] = await vscode.tasks.fetchTasks({ type: 'relay' });
      assert.ok(task);
      const broken = vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri as vscode.Uri, 'broken.relay');
      await vscode.tasks.executeTask(task);
      const found = await diagnosticsOf(broken, (all) => all.length > 0);
      assert.equal(found[0]?.range.start.line, 2);
    });
  });
}
