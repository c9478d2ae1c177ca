/** The suite for a browser without a Node extension host. Mocha needs more of a host than a worker has. */
import * as vscode from 'vscode';

const program = `#[version = "0.0.5"]
def @main(%x: Tensor[(1, 8), float32], %w: Tensor[(4, 8), float32]) {
  %0 = nn.dense(%x, %w, units=4);
  nn.relu(%0)
}
`;

/** Layers one after the other, of sizes that share no kernel. */
function deep(layers: number): string {
  const size = (i: number): number => 8 + i;
  const weights = Array.from({ length: layers }, (_, i) => `%w${i}: Tensor[(${size(i + 1)}, ${size(i)}), float32]`);
  const lines = Array.from(
    { length: layers },
    (_, i) => `  %${i} = nn.dense(${i === 0 ? '%x' : `%${i - 1}`}, %w${i}, units=${size(i + 1)});`,
  );
  return `#[version = "0.0.5"]\ndef @main(%x: Tensor[(1, 8), float32], ${weights.join(', ')}) {\n${lines.join('\n')}\n  %${layers - 1}\n}\n`;
}

function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

async function until<T>(what: string, probe: () => T | undefined | Promise<T | undefined>): Promise<NonNullable<T>> {
  const end = Date.now() + 20_000;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>;
    if (Date.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function open(content: string): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument({ language: 'relay', content });
  await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
  return document;
}

async function hoverText(document: vscode.TextDocument, text: string): Promise<string> {
  const position = document.positionAt(document.getText().indexOf(text) + 2);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    'vscode.executeHoverProvider',
    document.uri,
    position,
  );
  return hovers
    .flatMap((hover) => hover.contents)
    .map((content) => (typeof content === 'string' ? content : content.value))
    .join('\n');
}

const tests: readonly (readonly [string, () => Promise<void>])[] = [
  [
    'runs in a worker of a browser',
    async () => {
      expect(vscode.env.uiKind === vscode.UIKind.Web, 'the workbench is in a browser');
      expect(!('process' in globalThis && 'execPath' in process), 'there is no Node');
      await Promise.resolve();
    },
  ],
  [
    'reports an error where it is',
    async () => {
      const { uri } = await open(program.replace('units=4', 'units=5'));
      const [problem] = await until('a diagnostic', () => {
        const found = vscode.languages.getDiagnostics(uri);
        return found.length > 0 ? found : undefined;
      });
      expect(problem?.range.start.line === 2, 'the error is on the line of nn.dense');
    },
  ],
  [
    'shows types, and the memory of a kernel, on hover',
    async () => {
      const document = await open(program);
      await until('types', async () => (await hoverText(document, 'nn.dense')).includes('Tensor[(1, 4), float32]'));
      await until('the kernel', async () => (await hoverText(document, 'nn.dense')).includes('Kernel'));
    },
  ],
  [
    'answers hovers while a large program is lowered',
    async () => {
      const document = await open(deep(400));
      await until('types', async () => (await hoverText(document, '%399')).includes('Tensor'));
      const c = (): boolean =>
        vscode.workspace.textDocuments.some(
          (d) => d.uri.scheme === 'relay-lowering' && d.getText().includes('400 kernels'),
        );
      const shown = vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
      for (let answered = 0; answered < 3; answered++) {
        expect((await hoverText(document, '%399')).includes('Tensor'), 'the hover has a type');
        expect(!c(), `${answered} hovers were answered before the C was there`);
      }
      await shown;
      await until('C', c);
    },
  ],
  [
    'tries another type of a parameter',
    async () => {
      const document = await open(program);
      const result = await vscode.commands.executeCommand<{ changed: { after: string }[]; after: { macs: number } }>(
        'relay.whatIf',
        document.uri,
        'main',
        'x',
        'Tensor[(3, 8), float32]',
      );
      expect(
        result.changed.some(({ after }) => after === 'Tensor[(3, 4), float32]'),
        'the result has three rows',
      );
      expect(result.after.macs === 96, `${result.after.macs} MACs`);
    },
  ],
  [
    'draws a graph',
    async () => {
      const document = await open(program);
      const graph = await vscode.commands.executeCommand<{ nodes: unknown[] }>('relay.showGraph', document.uri);
      expect(graph.nodes.length === 5, `${graph.nodes.length} nodes`);
    },
  ],
  [
    'lowers a program to C beside the source',
    async () => {
      const document = await open(program);
      await vscode.commands.executeCommand('relay.showLowering', document.uri, 'c');
      await until('C', () =>
        vscode.workspace.textDocuments.some(
          (d) => d.uri.scheme === 'relay-lowering' && d.getText().includes('#include'),
        ),
      );
    },
  ],
];

export async function run(): Promise<void> {
  let failures = 0;
  for (const [name, test] of tests) {
    try {
      await test();
      console.log(`relay-test: ✔ ${name}`);
    } catch (error) {
      failures++;
      console.error(`relay-test: ✘ ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
