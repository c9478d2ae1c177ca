import * as vscode from 'vscode';
import { hasDriver, screenshot, tell, texts, until } from './driver.ts';
import {
  closeAll,
  diagnosticsOf,
  file,
  hoverText,
  model,
  open,
  positionOf,
  rowThat,
  setting,
  stageEditor,
  themes,
  useTheme,
} from './editor.ts';

/** Longer than what fades in takes. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 800));

/** Pictures for the guide, and to be looked at in every theme. Taken with `--screenshots`, or when asked for by name. */
export function pictureTests(): void {
  if (!hasDriver || !process.env['RELAY_TEST_PICTURES']) return;
  describe('the picture', () => {
    before(() => vscode.commands.executeCommand('workbench.action.closePanel'));
    afterEach(closeAll);
    after(async () => {
      await useTheme(undefined);
      await setting('board', undefined);
      await tell('size', { width: 1280, height: 800 });
    });

    for (const [theme, name] of themes()) {
      it(`of an error with its repair (${name})`, async () => {
        await tell('size', { width: 1200, height: 640 });
        await useTheme(theme);
        await vscode.commands.executeCommand('workbench.action.closeSidebar');
        const editor = await open('classifier.relay');
        await diagnosticsOf(file('classifier.relay'), (found) => found.length === 1);
        const at = positionOf(editor.document, '%head, units', 2);
        editor.selection = new vscode.Selection(at, at);
        await vscode.window.showTextDocument(editor.document);
        await vscode.commands.executeCommand('notifications.clearAll');
        await vscode.commands.executeCommand('editor.action.quickFix');
        await until('the repair', async () =>
          (await texts('.action-widget')).some((text) => text.replaceAll('\u00a0', ' ').includes('Repair weight')),
        );
        await settle();
        await screenshot(`repair-${name}`);
        await tell('press', { key: 'Escape' });
      });

      it(`of a hover, lenses and hints (${name})`, async () => {
        await useTheme(theme);
        const editor = await open('network.relay');
        await until('the build', async () =>
          /Kernel/.test(await hoverText(editor.document.uri, positionOf(editor.document, 'nn.softmax', 2))),
        );
        const at = positionOf(editor.document, 'nn.global_avg_pool2d', 5);
        editor.selection = new vscode.Selection(at, at);
        await vscode.window.showTextDocument(editor.document);
        await vscode.commands.executeCommand('editor.action.showHover');
        await until('the hover', async () => (await texts('.monaco-hover')).some((text) => text.includes('Kernel')));
        await settle();
        await screenshot(`hover-${name}`);
      });

      it(`of the side bar and a stage (${name})`, async () => {
        await tell('size', { width: 1280, height: 800 });
        await useTheme(theme);
        const { document } = await open(model);
        await setting('board', 'nrf52840dk');
        await vscode.commands.executeCommand('relay.stages.focus');
        await rowThat('the fit of the model', /keyword_spotting\.relay.*RAM .* of 256 KB/);
        await vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
        const stage = await stageEditor('.c');
        const source = await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
        const at = positionOf(document, 'nn.softmax', 2);
        source.selection = new vscode.Selection(at, at);
        source.revealRange(source.selection, vscode.TextEditorRevealType.InCenter);
        await until('the softmax', () =>
          stage.visibleRanges.some((range) => /fused_nn_softmax/.test(stage.document.getText(range))),
        );
        await settle();
        await screenshot(`sidebar-${name}`);
      });
    }
  });
}
