/** A function's data flow as a page: laid out, drawn as SVG, with a small script for keyboard and cursor. */
import { Graph, layout } from '@dagrejs/dagre';
import type { BuildResult, GraphNode, GraphResult, LayerInfo } from '../../../server/src/protocol.ts';
import { escapeHtml } from './html.ts';
import { count, size } from './sizes.ts';

const [nodeWidth, lineHeight, padding] = [218, 15, 9];
/** Width of a letter of an edge's shape. */
const letter = 6.1;

interface Box {
  readonly node: GraphNode;
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** The best measured cost of a tuning task: `412 k instructions`; undefined when none is known. */
export type CostOf = (task: string) => string | undefined;

/** The layer that computes a node; undefined for what is folded away or no operator. */
function layerOf(node: GraphNode, build: BuildResult | undefined): LayerInfo | undefined {
  if (node.kind === 'parameter' || node.kind === 'result') return undefined;
  const { start, end } = node.source;
  return build?.layers.find((layer) =>
    layer.source.some(
      (s) =>
        s.start.line === start.line &&
        s.start.character === start.character &&
        s.end.line === end.line &&
        s.end.character === end.character,
    ),
  );
}

/** The lines in a node. Its shape stands on the edges that leave it; where there are none, here. */
function linesOf(
  node: GraphNode,
  layer: LayerInfo | undefined,
  into: GraphNode | undefined,
  costOf: CostOf,
  leaves: boolean,
): readonly string[] {
  const title = node.binding === '' ? node.title : `${node.binding} = ${node.title}`;
  // A kernel's figures stand once, at the first of its operators.
  if (into)
    return [
      title,
      ...(leaves ? [] : [shapeText(node.type)]),
      `fused with ${into.binding === '' ? into.title : into.binding}`,
    ];
  const cost = layer && costOf(layer.task);
  return [
    title,
    ...(leaves ? [] : [shapeText(node.type)]),
    ...(layer ? [`${layer.macs > 0 ? `${count(layer.macs)} MACs · ` : ''}${size(layer.aliveBytes)} alive`] : []),
    ...(cost === undefined ? [] : [`tuned: ${cost}`]),
  ];
}

/** `(1, 16, 16, 16) float32` of `Tensor[(1, 16, 16, 16), float32]`. */
export function shapeText(type: string): string {
  const tensor = /^Tensor\[(\([^)]*\)), (\w+)\]$/.exec(type);
  const text = tensor ? `${tensor[1]} ${tensor[2]}` : type;
  return text.length > 34 ? `${text.slice(0, 33)}…` : text;
}

/** The whole page. Names are escaped; `nonce` admits one style sheet and one script, nothing is loaded. */
export function graphPage(graph: GraphResult, build: BuildResult | undefined, costOf: CostOf, nonce: string): string {
  const g = new Graph();
  g.setGraph({ rankdir: 'TB', nodesep: 24, ranksep: 26, marginx: 16, marginy: 16 });
  g.setDefaultEdgeLabel(() => ({}));
  const leaves = new Set(graph.edges.map((edge) => edge.from));
  const firsts = new Map<LayerInfo, GraphNode>();
  const lines = new Map(
    graph.nodes.map((node) => {
      const layer = layerOf(node, build);
      const first = layer && (firsts.get(layer) ?? node);
      if (layer && first) firsts.set(layer, first);
      const into = first === node ? undefined : first;
      return [node.id, linesOf(node, layer, into, costOf, leaves.has(node.id))] as const;
    }),
  );
  for (const node of graph.nodes) {
    const height = (lines.get(node.id)?.length ?? 1) * lineHeight + 2 * padding;
    g.setNode(node.id, { width: nodeWidth, height });
  }
  for (const edge of graph.edges)
    g.setEdge(edge.from, edge.to, { width: shapeText(edge.label).length * letter, height: lineHeight, labelpos: 'c' });
  layout(g);
  const boxes = graph.nodes.map((node): Box => {
    const at = g.node(node.id) as { x: number; y: number; height: number };
    return {
      node,
      lines: lines.get(node.id) ?? [],
      x: at.x - nodeWidth / 2,
      y: at.y - at.height / 2,
      height: at.height,
    };
  });
  const whole = g.graph() as { width?: number; height?: number };
  const [width, height] = [Math.ceil(whole.width ?? 300), Math.ceil(whole.height ?? 100)];
  const edges = graph.edges.map((edge) => {
    const { points, x, y } = g.edge(edge.from, edge.to) as {
      points: readonly { x: number; y: number }[];
      x: number;
      y: number;
    };
    const path = points.map((p, i) => `${i === 0 ? 'M' : 'L'}${p.x.toFixed(1)} ${p.y.toFixed(1)}`).join('');
    const text = shapeText(edge.label);
    const wide = text.length * letter;
    const back = `<rect class="shape" x="${(x - wide / 2).toFixed(1)}" y="${(y - lineHeight / 2).toFixed(1)}" width="${wide.toFixed(1)}" height="${lineHeight}"></rect>`;
    const shape = `${back}<text class="shape" x="${x.toFixed(1)}" y="${(y + 4).toFixed(1)}">${escapeHtml(text)}</text>`;
    return {
      path: `<path class="edge" marker-end="url(#arrow)" d="${path}"></path>`,
      shape: `<g>${text === '' ? '' : shape}<title>${escapeHtml(edge.label)}</title></g>`,
    };
  });
  const more = graph.leftOut > 0 ? `<p>${graph.leftOut} further nodes are not drawn.</p>` : '';
  const n = escapeHtml(nonce);
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${n}'; script-src 'nonce-${n}';">
<title>${escapeHtml(graph.name)}</title><style nonce="${n}">${style}</style></head>
<body><h1>${escapeHtml(graph.name)}</h1><p id="help">${graph.nodes.length} nodes. Arrow keys move along the data; Enter goes to the source; plus, minus and 0 zoom.</p>${more}
<svg id="graph" role="group" aria-label="Data flow of ${escapeHtml(graph.name)}" aria-describedby="help" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0L8 4L0 8z"></path></marker></defs>
${edges.map(({ path }) => path).join('\n')}
${edges.map(({ shape }) => shape).join('\n')}
${boxes.map((box, i) => nodeSvg(box, i, graph)).join('\n')}
</svg><script nonce="${n}">${script}</script></body></html>`;
}

function nodeSvg({ node, lines, x, y, height }: Box, index: number, graph: GraphResult): string {
  const list = (ids: readonly string[]): string => escapeHtml(ids.join(' '));
  const into = list(graph.edges.filter((e) => e.to === node.id).map((e) => e.from));
  const out = list(graph.edges.filter((e) => e.from === node.id).map((e) => e.to));
  const texts = lines.map(
    (line, i) =>
      `<text class="${i === 0 ? 'title' : 'detail'}" x="${x + 10}" y="${y + padding + 11 + i * lineHeight}">${escapeHtml(clip(line))}</text>`,
  );
  const [name = '', ...more] = lines;
  const spoken = [name, shapeText(node.type), ...more.filter((line) => line !== shapeText(node.type))];
  return `<g class="node ${node.kind}" id="${escapeHtml(node.id)}" role="button" tabindex="${index === 0 ? 0 : -1}" data-in="${into}" data-out="${out}" aria-label="${escapeHtml(spoken.join(', '))}"><title>${escapeHtml(`${lines[0] ?? ''}: ${node.type}`)}</title><rect x="${x}" y="${y}" width="${nodeWidth}" height="${height}" rx="4"></rect>${texts.join('')}</g>`;
}

function clip(text: string): string {
  return text.length > 32 ? `${text.slice(0, 31)}…` : text;
}

/** Runs in the page. It gets node ids alone, and sends node ids alone. */
const script = `
const api = acquireVsCodeApi();
const svg = document.getElementById('graph');
const nodes = [...svg.querySelectorAll('.node')];
const width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height;
// At first the whole width is in sight, unless it would be too small to read; later the reader's own zoom.
let scale = (api.getState() || {}).scale || Math.min(1, Math.max(0.5, (document.documentElement.clientWidth - 24) / width));
function zoom(by) { scale = Math.min(3, Math.max(0.2, scale * by)); api.setState({ scale }); draw(); }
function draw() { svg.setAttribute('width', width * scale); svg.setAttribute('height', height * scale); }
draw();
function mark(node, focus) {
  if (!node) return;
  for (const other of nodes) { other.classList.toggle('current', other === node); other.tabIndex = other === node ? 0 : -1; }
  if (focus) node.focus();
  node.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}
function show(node) { api.postMessage({ show: node.id }); }
svg.addEventListener('click', (e) => { const node = e.target.closest('.node'); if (node) { mark(node, true); show(node); } });
addEventListener('keydown', (e) => {
  const node = document.activeElement.closest && document.activeElement.closest('.node');
  if (e.key === '0') { scale = 1; zoom(1); e.preventDefault(); return; }
  if (e.key === '+' || e.key === '-') { zoom(e.key === '+' ? 1.25 : 0.8); e.preventDefault(); return; }
  if (!node) return;
  const ids = (key) => node.dataset[key].split(' ').filter(Boolean);
  const sibling = (step) => nodes[(nodes.indexOf(node) + step + nodes.length) % nodes.length];
  const to = { ArrowDown: () => document.getElementById(ids('out')[0]), ArrowUp: () => document.getElementById(ids('in')[0]), ArrowLeft: () => sibling(-1), ArrowRight: () => sibling(1), Home: () => nodes[0], End: () => nodes[nodes.length - 1] }[e.key];
  if (to) { mark(to(), true); e.preventDefault(); }
  if (e.key === 'Enter' || e.key === ' ') { show(node); e.preventDefault(); }
});
addEventListener('message', (e) => { if (typeof e.data.select === 'string') mark(document.getElementById(e.data.select), false); });
`;

const style = `
body { font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); color: var(--vscode-foreground); background: var(--vscode-editor-background); }
h1 { font-size: 1.2em; font-weight: 600; margin: 12px 0 2px; }
p { margin: 0 0 8px; color: var(--vscode-descriptionForeground); }
.edge { fill: none; stroke: var(--vscode-descriptionForeground); stroke-width: 1.2; }
.head { fill: var(--vscode-descriptionForeground); }
.node { cursor: pointer; outline: none; }
.node rect { fill: var(--vscode-editorWidget-background); stroke: var(--vscode-contrastBorder, var(--vscode-editorWidget-border, var(--vscode-descriptionForeground))); }
.node.operator rect { stroke: var(--vscode-charts-blue, var(--vscode-focusBorder)); }
.node.parameter rect, .node.result rect { stroke-dasharray: 4 3; }
.node.current rect { stroke-width: 2.5; stroke: var(--vscode-focusBorder); fill: var(--vscode-editor-selectionHighlightBackground, var(--vscode-editorWidget-background)); }
.node:focus-visible rect { stroke: var(--vscode-focusBorder); stroke-width: 3; }
text { fill: var(--vscode-foreground); font-size: 12px; }
text.title { font-weight: 600; }
text.shape { text-anchor: middle; font-size: 11px; fill: var(--vscode-descriptionForeground); }
rect.shape { fill: var(--vscode-editor-background); }
text.detail { fill: var(--vscode-descriptionForeground); font-size: 11px; }
`;
