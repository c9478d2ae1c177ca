import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hasDriver, screenshot, tell, texts, until } from './driver.ts';
import { closeAll, hoverText, lowered, model, open, positionOf, rowThat, rows, stageEditor } from './editor.ts';

/** Pieces of text on the screen that carry a decoration of an extension. */
async function dimmed(): Promise<number> {
  return (await tell('count', { selector: '.view-line [class*="ced-"]' })) as number;
}

/** Stages beside the source: opening, following, comparing, marking. */
export function loweringTests(): void {
  describe('the lowering view', () => {
    afterEach(closeAll);

    it('lists the stages and the passes that changed something, and the others on demand', async function () {
      if (!hasDriver) this.skip();
      // Rows out of sight are not in the page.
      await tell('size', { width: 1280, height: 1500 });
      await open(model);
      await vscode.commands.executeCommand('relay.stages.focus');
      await rowThat('the stages', /^Scheduled/);
      assert.match(await rowThat('passes', /passes changed something/), /\d+ of \d+/);
      await rowThat('a pass with its counts', /(simplify|fold-constants|common-subexpressions)\D*\d+ [a-z]/);
      await rowThat('assembly', /^Assembly/);
      assert.ok(!(await rows()).some((row) => row.includes('changed nothing')));
      await vscode.commands.executeCommand('relay.showAllPasses');
      await rowThat('a pass that did nothing', /changed nothing/);
      await vscode.commands.executeCommand('relay.hideIdlePasses');
      await until('the list without it', async () => !(await rows()).some((row) => row.includes('changed nothing')));
      await tell('size', { width: 1280, height: 800 });
    });

    it('opens a stage beside the source and leaves the focus there', async () => {
      const { document } = await open(model);
      await hoverText(document.uri, positionOf(document, '%0', 1));
      await vscode.commands.executeCommand('relay.showLowering', document.uri, 'fused');
      assert.match(await until('the lowered program', () => lowered('fused')), /qnn\.conv2d/);
      assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
      const shown = vscode.window.visibleTextEditors.map((editor) => editor.document.languageId);
      assert.ok(shown.includes('relay-lowered'), shown.join(', '));
    });

    it('follows the source as it is typed; what does not compile leaves the last text, and the reader’s place', async () => {
      const editor = await open(model);
      const { document } = editor;
      await hoverText(document.uri, positionOf(document, '%0', 1));
      await vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
      const before = await until('C', () => (lowered('.c')?.includes('#include') ? lowered('.c') : undefined));
      const stage = await stageEditor('.c');
      const softmax = positionOf(document, 'nn.softmax', 0);
      editor.selection = new vscode.Selection(softmax, softmax);
      await until('the softmax in C', () => (stage.visibleRanges[0]?.start.line ?? 0) > 400 || undefined);
      stage.revealRange(new vscode.Range(300, 0, 300, 0), vscode.TextEditorRevealType.AtTop);
      const place = await until('the reader to scroll', () => {
        const line = stage.visibleRanges[0]?.start.line ?? 0;
        return line > 250 && line < 320 ? line : undefined;
      });
      await editor.edit((edit) => edit.insert(softmax, 'x'));
      if (hasDriver) await until('the older text to be dimmed', async () => ((await dimmed()) > 20 ? true : undefined));
      assert.equal(lowered('.c'), before);
      assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
      await vscode.commands.executeCommand('undo');
      const clip = positionOf(document, 'a_max=127f', 6);
      await editor.edit((edit) => edit.replace(new vscode.Range(clip, clip.translate(0, 3)), '100'));
      await until('the C of the new text', () => lowered('.c') !== before);
      assert.equal(stage.visibleRanges[0]?.start.line, place);
      assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
      await vscode.commands.executeCommand('undo');
      await until('C again', () => lowered('.c') === before);
    });

    it('asks for the stage when none is given; passes are offered, too', async function () {
      if (!hasDriver) this.skip();
      const { document } = await open(model);
      await until('the build', async () =>
        /Kernel/.test(await hoverText(document.uri, positionOf(document, 'nn.softmax', 2))),
      );
      const shown = vscode.commands.executeCommand('relay.showLowering');
      const labels = await until('the list of stages', async () => {
        const found = await texts('.quick-input-list .monaco-list-row .label-name');
        return found.length > 4 ? found : undefined;
      });
      for (const label of ['Fused', 'After simplify'])
        assert.ok(
          labels.some((text) => text.includes(label)),
          `${label} in ${labels.join(', ')}`,
        );
      await tell('press', { key: 'Escape' });
      await shown;
    });

    it('marks in C what is selected in the source, and back, and leaves the focus alone', async () => {
      const { document } = await open(model);
      await hoverText(document.uri, positionOf(document, '%0', 1));
      await vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
      const stage = await stageEditor('.c');
      await until('its text', () => stage.document.getText().includes('#include'));
      const source = vscode.window.activeTextEditor;
      assert.equal(source?.document.uri.toString(), document.uri.toString());
      // The editor remembers where a document was scrolled to.
      stage.revealRange(new vscode.Range(0, 0, 0, 0), vscode.TextEditorRevealType.AtTop);
      await until('the top', () => stage.visibleRanges[0]?.start.line === 0);
      source.selection = new vscode.Selection(0, 0, 0, 0);
      const at = positionOf(document, 'nn.softmax', 2);
      source.selection = new vscode.Selection(at, at);
      await until('the softmax in C to come into view', () => {
        const [now] = stage.visibleRanges;
        return now !== undefined && /fused_nn_softmax_9/.test(stage.document.getText(now)) && now.start.line > 100;
      });
      assert.equal(vscode.window.activeTextEditor?.document.uri.toString(), document.uri.toString());
      if (hasDriver) {
        await until(
          'the mark',
          async () => ((await tell('count', { selector: '.view-overlays .cdr[class*="ced-"]' })) as number) > 3,
        );
        await vscode.commands.executeCommand('relay.stages.focus');
        await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
        await screenshot('origins');
      }
      await vscode.window.showTextDocument(stage.document, { viewColumn: vscode.ViewColumn.Two });
      const back = vscode.window.activeTextEditor;
      assert.ok(back);
      const lines = back.document.getText().split('\n');
      const line = lines.findIndex((text) => /^void \w+_fused_qnn_conv2d_0\(/.test(text));
      const place = new vscode.Position(line, 0);
      back.selection = new vscode.Selection(place, place);
      await until('the source to follow', () =>
        vscode.window.visibleTextEditors.some(
          (e) => e.document === document && e.visibleRanges.some((r) => r.contains(positionOf(document, '%0 =', 0))),
        ),
      );
    });

    it('shows the assembly of the board’s compiler, in step with C', async function () {
      this.timeout(90_000);
      const { document } = await open(model);
      await hoverText(document.uri, positionOf(document, '%0', 1));
      await vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
      const c = await stageEditor('.c');
      await vscode.window.showTextDocument(c.document, { viewColumn: vscode.ViewColumn.Two });
      await vscode.commands.executeCommand('relay.showLowering', document.uri, 'asm');
      const asm = await stageEditor('.s');
      assert.equal(asm.document.languageId, 'relay-assembly');
      const text = asm.document.getText();
      assert.match(text, /^keyword_spotting_fused_nn_softmax_9:$/m);
      assert.match(text, /^ {8}bl keyword_spotting_fused_nn_softmax_9$/m);
      const call = c.document
        .getText()
        .split('\n')
        .findIndex((line) => /= rl_normal_exp_float32\(v/.test(line));
      assert.ok(call > 0);
      const editor = await vscode.window.showTextDocument(c.document, { viewColumn: vscode.ViewColumn.Two });
      editor.selection = new vscode.Selection(call, 0, call, 0);
      editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenter);
      const wanted = text.split('\n').findIndex((line) => /= rl_normal_exp_float32\(v/.test(line));
      await until('the instructions of the line', () =>
        asm.visibleRanges.some((range) => range.start.line <= wanted && wanted <= range.end.line),
      );
      if (!hasDriver) return;
      await vscode.commands.executeCommand('workbench.action.closeSidebar');
      await screenshot('assembly');
      await vscode.commands.executeCommand('workbench.view.explorer');
    });

    it('shows the assembly of the kernel at the cursor alone', async function () {
      this.timeout(90_000);
      const editor = await open(model);
      const { document } = editor;
      await until('the build', async () =>
        /Kernel/.test(await hoverText(document.uri, positionOf(document, 'nn.softmax', 2))),
      );
      const at = positionOf(document, 'nn.softmax', 2);
      editor.selection = new vscode.Selection(at, at);
      await vscode.commands.executeCommand('relay.showAssembly');
      const asm = await stageEditor('.s');
      assert.deepEqual(asm.document.getText().match(/^\w+:$/gm), ['keyword_spotting_fused_nn_softmax_9:']);
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
      if (!hasDriver) return;
      await vscode.commands.executeCommand('notifications.clearAll');
      await vscode.commands.executeCommand('workbench.action.closeSidebar');
      await until('changed lines', async () => (await texts('.line-insert, .line-delete')).length > 0 || undefined);
      await screenshot('stages-diff');
      await vscode.commands.executeCommand('workbench.view.explorer');
    });
  });
}
