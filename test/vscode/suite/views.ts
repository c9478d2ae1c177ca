import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, screenshot, tell, texts, until, webviewTexts } from './driver.ts';
import { closeAll, diagnosticsOf, hoverText, open, positionOf } from './editor.ts';

const model = 'keyword_spotting.relay';

async function useTheme(theme: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('workbench').update('colorTheme', theme, true);
}

async function setting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration('relay').update(name, value, vscode.ConfigurationTarget.Workspace);
}

/** Rows of the trees of the side bar. */
async function rows(): Promise<readonly string[]> {
  return (await texts('.pane-body .monaco-list-row')).map((row) => row.replaceAll('\u00a0', ' '));
}

function rowThat(what: string, pattern: RegExp): Promise<string> {
  return until(what, async () => (await rows()).find((row) => pattern.test(row.replaceAll('\n', ' '))));
}

/** The views beside the text: side bar, memory, graph, what-if. */
export function viewTests(): void {
  describe('the lowering view', () => {
    afterEach(closeAll);

    it('lists the stages and the passes that changed something', async function () {
      if (!hasDriver) this.skip();
      await open(model);
      await vscode.commands.executeCommand('relay.stages.focus');
      await rowThat('the stages', /^Scheduled/);
      assert.match(await rowThat('passes', /passes changed something/), /\d+ of \d+/);
      await rowThat('a pass with its counts', /(simplify|fold-constants|common-subexpressions)\D*\d+ [a-z]/);
    });

    it('marks in C what is selected in the source, and back, and leaves the focus alone', async function () {
      const { document } = await open(model);
      await hoverText(document.uri, positionOf(document, '%0', 1));
      await vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
      const stage = await until('C', () =>
        vscode.window.visibleTextEditors.find((e) => e.document.uri.scheme === 'relay-lowering'),
      );
      await until('its text', () => stage.document.getText().includes('#include'));
      const source = vscode.window.activeTextEditor;
      assert.equal(source?.document.uri.toString(), document.uri.toString());
      const before = stage.visibleRanges[0]?.start.line;
      const at = positionOf(document, 'nn.softmax', 2);
      source.selection = new vscode.Selection(at, at);
      await until('the softmax in C to come into view', () => {
        const now = stage.visibleRanges[0]?.start.line;
        return now !== undefined && now !== before;
      });
      assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
      if (hasDriver) {
        await vscode.commands.executeCommand('relay.stages.focus');
        await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
        await screenshot('origins');
      }
      await vscode.window.showTextDocument(stage.document, { viewColumn: vscode.ViewColumn.Two });
      const back = vscode.window.activeTextEditor;
      assert.ok(back);
      const line = back.document
        .getText()
        .split('\n')
        .findIndex((text) => /nn\.conv2d/.test(text));
      const place = new vscode.Position(Math.max(0, line + 6), 0);
      back.selection = new vscode.Selection(place, place);
      await until('the source to follow', () =>
        vscode.window.visibleTextEditors.some((e) => e.document.uri.toString() === document.uri.toString()),
      );
    });

    it('shows two stages as a difference', async () => {
      const { document } = await open(model);
      await hoverText(document.uri, positionOf(document, '%0', 1));
      await vscode.commands.executeCommand('relay.compareStages', document.uri, 'typed', 'simplified');
      const tab = await until('the difference', () =>
        vscode.window.tabGroups.all
          .flatMap((group) => group.tabs)
          .find((t) => t.input instanceof vscode.TabInputTextDiff),
      );
      assert.match(tab.label, /typed ↔ simplified/);
      if (hasDriver) {
        await vscode.commands.executeCommand('notifications.clearAll');
        await until('changed lines', async () => (await texts('.line-insert, .line-delete')).length > 0 || undefined);
        await screenshot('stages-diff');
      }
    });
  });

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
