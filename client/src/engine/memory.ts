/** The arena over time as a page: a column a kernel, a row an address, a box a tensor; the peak and the board's limit. */
import type { BufferInfo, BuildResult } from '../../../server/src/protocol.ts';
import { escapeHtml } from './html.ts';
import type { BoardProfile } from './profile.ts';
import { budgetProblems, count, size } from './sizes.ts';

const [left, top, height, bottom] = [64, 8, 250, 22];
/** A picture of more kernels is of no use. */
const mostSteps = 600;
/** Tensors that a kernel's list names. */
const mostRows = 40;

/** What the page's script sends: the kernel to go to in the source, or the tensor. */
export type MemoryMessage = { readonly layer: number } | { readonly buffer: number };

/** The whole page for one build. Names are escaped; `nonce` admits one style sheet and one script, nothing is loaded. */
export function memoryPage(build: BuildResult, board: BoardProfile | undefined, nonce: string): string {
  const n = escapeHtml(nonce);
  const steps = Math.min(build.layers.length, mostSteps);
  const body =
    build.failure !== undefined
      ? `<p class="bad" role="status">The program does not compile, so it has no memory plan yet: ${escapeHtml(build.failure.message)}</p>`
      : steps === 0
        ? '<p role="status">The program computes nothing at run time, so it needs no arena.</p>'
        : `${summary(build, board)}${picture(build, steps)}${legend(build)}<div id="details">${Array.from({ length: steps }, (_, k) => details(build, k)).join('')}</div>`;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${n}'; script-src 'nonce-${n}';">
<title>Memory</title><style nonce="${n}">${style}</style></head><body>${body}<script nonce="${n}">${script}</script></body></html>`;
}

function summary(build: BuildResult, board: BoardProfile | undefined): string {
  const peak = build.layers[build.peakLayer]?.name ?? '';
  const of = board?.ram === undefined ? '' : ` of ${size(board.ram)} on ${board.name}`;
  const problems = board ? budgetProblems(build, board) : [];
  const notes = problems.map(
    ({ severity, message }) => `<p class="${severity === 'warning' ? 'bad' : 'note'}">${escapeHtml(message)}</p>`,
  );
  return `<h1>RAM ${escapeHtml(size(build.arenaBytes))}${escapeHtml(of)}</h1>
<p id="help">${build.layers.length} kernels, tightest at ${escapeHtml(peak)}. Left and Right choose a kernel, Enter goes to its source.</p>${notes.join('')}`;
}

function picture(build: BuildResult, steps: number): string {
  const column = Math.min(88, Math.max(7, Math.floor(620 / steps)));
  const width = left + steps * column + 8;
  const bytes = Math.max(1, build.arenaBytes);
  const y = (address: number): number => top + height - (address / bytes) * height;
  const columns = Array.from({ length: steps }, (_, k) => {
    const peak = k === build.peakLayer ? ' peak' : '';
    const { name = '', aliveBytes = 0 } = build.layers[k] ?? {};
    const label = `Kernel ${k + 1}, ${name}: ${size(aliveBytes)} alive${peak ? ', the peak' : ''}`;
    return `<g class="step${peak}" id="s${k}" role="option" tabindex="${k === 0 ? 0 : -1}" aria-selected="false" aria-label="${escapeHtml(label)}"><title>${escapeHtml(label)}</title><rect x="${left + k * column}" y="${top}" width="${column}" height="${height}"></rect></g>`;
  });
  const boxes = build.buffers.flatMap((buffer, i) => {
    if (buffer.first >= steps || buffer.bytes === 0) return [];
    const last = Math.min(buffer.last, steps - 1);
    const [x, w] = [left + buffer.first * column, (last - buffer.first + 1) * column];
    const tall = Math.max(1, (buffer.bytes / bytes) * height);
    const name = tall >= 13 && w >= 40 ? boxName(buffer, w, x, y(buffer.offset) - tall / 2 + 4) : '';
    const title = `${buffer.name}, ${buffer.kind}, ${size(buffer.bytes)} at ${buffer.offset}`;
    return `<g class="box ${buffer.kind}" data-buffer="${i}"><title>${escapeHtml(title)}</title><rect x="${x + 0.5}" y="${(y(buffer.offset) - tall + 0.5).toFixed(1)}" width="${w - 1}" height="${Math.max(1, tall - 1).toFixed(1)}"></rect>${name}</g>`;
  });
  const ticks = [0, 0.5, 1].map((share) => {
    const at = y(share * bytes);
    return `<text class="tick" x="${left - 6}" y="${(at + (share === 1 ? 10 : share === 0 ? 0 : 4)).toFixed(1)}">${escapeHtml(size(Math.round(share * bytes)))}</text><path class="axis" d="M${left} ${at.toFixed(1)}H${width - 8}"></path>`;
  });
  const mark = left + (build.peakLayer + 0.5) * column;
  const peak =
    build.peakLayer < steps
      ? `<text class="tick peak" x="${Math.min(width - 30, Math.max(left + 14, mark))}" y="${top + height + 16}">▲ peak</text>`
      : '';
  return `<div class="scroll"><svg id="arena" role="listbox" aria-label="Memory of each kernel" aria-describedby="help" width="${width}" height="${top + height + bottom}" viewBox="0 0 ${width} ${top + height + bottom}">${ticks.join('')}${columns.join('')}${boxes.join('')}${peak}</svg></div>${steps < build.layers.length ? `<p>${build.layers.length - steps} further kernels are not drawn.</p>` : ''}`;
}

function boxName(buffer: BufferInfo, width: number, x: number, y: number): string {
  const room = Math.floor((width - 8) / 6.4);
  const name = buffer.kind === 'scratch' ? 'scratch' : buffer.name;
  const text = name.length > room ? `${name.slice(0, Math.max(1, room - 1))}…` : name;
  return `<text x="${x + 5}" y="${y.toFixed(1)}">${escapeHtml(text)}</text>`;
}

const kindNames: readonly (readonly [BufferInfo['kind'], string])[] = [
  ['input', 'input'],
  ['activation', 'between kernels'],
  ['window', 'rows in turns'],
  ['scratch', 'a kernel’s own'],
  ['output', 'output'],
];

function legend(build: BuildResult): string {
  const used = new Set(build.buffers.map((buffer) => buffer.kind));
  const items = kindNames
    .filter(([kind]) => used.has(kind))
    .map(([kind, name]) => {
      return `<li><svg class="box ${kind}" width="12" height="12" aria-hidden="true"><rect x="0.5" y="0.5" width="11" height="11"></rect></svg> ${name}</li>`;
    });
  return `<ul class="legend" aria-label="Kinds of memory">${items.join('')}</ul>`;
}

/** The tensors alive at a kernel, largest first; hidden until the kernel is chosen. */
function details(build: BuildResult, step: number): string {
  const layer = build.layers[step];
  if (!layer) return '';
  const alive = build.buffers
    .map((buffer, index) => ({ buffer, index }))
    .filter(({ buffer }) => buffer.first <= step && step <= buffer.last && buffer.bytes > 0)
    .sort((a, b) => b.buffer.bytes - a.buffer.bytes);
  const rows = alive.slice(0, mostRows).map(({ buffer, index }) => {
    const share = ((buffer.bytes / Math.max(1, layer.aliveBytes)) * 100).toFixed(0);
    const name =
      buffer.source.length > 0
        ? `<button data-buffer="${index}">${escapeHtml(buffer.name)}</button>`
        : escapeHtml(buffer.name);
    return `<tr><th scope="row">${name}</th><td>${kindNames.find(([kind]) => kind === buffer.kind)?.[1] ?? buffer.kind}</td><td class="number">${escapeHtml(size(buffer.bytes))}</td><td class="number">${share} %</td></tr>`;
  });
  const more = alive.length > mostRows ? `<p>and ${alive.length - mostRows} smaller ones</p>` : '';
  const peak = step === build.peakLayer ? ', the peak' : '';
  const macs = layer.macs > 0 ? `, ${count(layer.macs)} MACs` : '';
  return `<section id="d${step}" hidden><h2>${escapeHtml(layer.name)}</h2><p>Kernel ${step + 1}: ${escapeHtml(size(layer.aliveBytes))} alive${peak}${macs}</p>
<table><thead><tr><th scope="col">Tensor</th><th scope="col">Kind</th><th scope="col" class="number">Size</th><th scope="col" class="number">Share</th></tr></thead><tbody>${rows.join('')}</tbody></table>${more}</section>`;
}

/** Runs in the page. It gets and sends indices alone. */
const script = `
const api = acquireVsCodeApi();
const steps = [...document.querySelectorAll('.step')];
let current = -1;
function choose(k, focus) {
  if (!steps[k]) return;
  if (current >= 0) { steps[current].classList.remove('current'); steps[current].setAttribute('aria-selected', 'false'); steps[current].tabIndex = -1; document.getElementById('d' + current).hidden = true; }
  current = k;
  steps[k].classList.add('current'); steps[k].setAttribute('aria-selected', 'true'); steps[k].tabIndex = 0;
  document.getElementById('d' + k).hidden = false;
  if (focus) steps[k].focus();
  steps[k].scrollIntoView({ block: 'nearest', inline: 'nearest' });
}
addEventListener('click', (e) => {
  const named = e.target.closest('[data-buffer]');
  const svg = document.getElementById('arena');
  if (named) api.postMessage({ buffer: Number(named.dataset.buffer) });
  if (!svg || !svg.contains(e.target)) return;
  const k = steps.findIndex((s) => { const r = s.getBoundingClientRect(); return e.clientX >= r.left && e.clientX < r.right; });
  if (k >= 0) { choose(k, true); if (!named) api.postMessage({ layer: k }); }
});
addEventListener('keydown', (e) => {
  if (!document.activeElement.classList.contains('step')) return;
  const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: steps.length - 1 }[e.key];
  if (to !== undefined) { choose(to, true); e.preventDefault(); }
  if (e.key === 'Enter' || e.key === ' ') { api.postMessage({ layer: current }); e.preventDefault(); }
});
addEventListener('message', (e) => { if (typeof e.data.step === 'number') choose(e.data.step, false); });
choose(Math.max(0, steps.findIndex((s) => s.classList.contains('peak'))), false);
`;

const style = `
body { font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); color: var(--vscode-foreground); background: var(--vscode-editor-background); padding: 0 16px 16px; }
h1 { font-size: 1.2em; font-weight: 600; margin: 12px 0 2px; }
h2 { font-size: 1em; font-weight: 600; margin: 12px 0 2px; font-family: var(--vscode-editor-font-family); }
p { margin: 0 0 8px; color: var(--vscode-descriptionForeground); }
p.bad { color: var(--vscode-editorWarning-foreground); }
p.note { color: var(--vscode-editorInfo-foreground); }
.scroll { overflow-x: auto; }
.axis { stroke: var(--vscode-editorWidget-border, var(--vscode-contrastBorder, var(--vscode-descriptionForeground))); stroke-opacity: .5; }
.tick { fill: var(--vscode-descriptionForeground); font-size: 11px; text-anchor: end; }
.tick.peak { fill: var(--vscode-relay-memoryPeak); text-anchor: middle; }
.step { outline: none; cursor: pointer; }
.step rect { fill: transparent; }
.step.peak rect { fill: var(--vscode-relay-memoryPeak); fill-opacity: .14; }
.step.current rect { stroke: var(--vscode-focusBorder); stroke-width: 1.5; }
.step:focus-visible rect { stroke-width: 3; }
.box { cursor: pointer; }
.box rect { fill-opacity: .35; stroke-width: 1; }
.box text { fill: var(--vscode-foreground); font-size: 11px; font-family: var(--vscode-editor-font-family); }
.box.activation rect { fill: var(--vscode-charts-blue); stroke: var(--vscode-charts-blue); }
.box.window rect { fill: var(--vscode-charts-yellow); stroke: var(--vscode-charts-yellow); }
.box.scratch rect { fill: var(--vscode-charts-purple); stroke: var(--vscode-charts-purple); stroke-dasharray: 3 2; }
.box.input rect { fill: var(--vscode-charts-green); stroke: var(--vscode-charts-green); }
.box.output rect { fill: var(--vscode-charts-orange); stroke: var(--vscode-charts-orange); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; padding: 0; margin: 6px 0; color: var(--vscode-descriptionForeground); }
.legend svg { vertical-align: -1px; }
table { border-collapse: collapse; }
th, td { text-align: left; font-weight: normal; padding: 3px 18px 3px 0; border-bottom: 1px solid var(--vscode-editorWidget-border, var(--vscode-contrastBorder, transparent)); }
thead th { color: var(--vscode-descriptionForeground); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
button { all: unset; cursor: pointer; color: var(--vscode-textLink-foreground); font-family: var(--vscode-editor-font-family); }
button:hover { text-decoration: underline; }
button:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
`;
