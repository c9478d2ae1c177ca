/** The result view as one HTML page: no script, everything escaped, colours from the editor's theme. */
import { duration } from './progress.ts';
import { speedUp, type Figure, type LayerRow, type MemoryFigure, type TuneResult } from './result.ts';

/** Text for HTML, in content and in attribute values. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (c) => names[c] ?? c);
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** The whole page. `nonce` admits the one style sheet; nothing else is loaded or run. */
export function resultPage(result: TuneResult, nonce: string): string {
  const title = `Tune and Deploy: ${result.model} on ${result.board}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${escapeHtml(nonce)}';">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style nonce="${escapeHtml(nonce)}">${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(result.model)} <small>on ${escapeHtml(result.board)}</small></h1>
${verdict(result)}
${summary(result)}
${layers(result)}
${notes(result)}
</main>
</body>
</html>`;
}

function verdict(result: TuneResult): string {
  if (result.matches === undefined) return '<p class="verdict unknown" role="status">The output was not compared.</p>';
  return result.matches
    ? '<p class="verdict good" role="status"><b aria-hidden="true">✓</b> The output on the board matches the reference.</p>'
    : '<p class="verdict bad" role="status"><b aria-hidden="true">✗</b> The output on the board differs from the reference. This build was not accepted.</p>';
}

function summary(result: TuneResult): string {
  const factor = speedUp(result.total.before, result.total.after);
  const cards = [
    card('Untuned', figureText(result.total.before), provenanceOf(result.total.before)),
    card('Tuned', figureText(result.total.after), provenanceOf(result.total.after), 'strong'),
    ...(factor === undefined ? [] : [card('Speed-up', `${factor.toFixed(2)}×`, 'untuned ÷ tuned')]),
    ...result.memory.map((m) => card(m.name, bytes(m.used.value), memoryNote(m))),
    ...(result.trials === undefined ? [] : [card('Trials', String(result.trials), searchText(result))]),
  ];
  return `<section aria-label="Summary"><dl class="cards">${cards.join('')}</dl>${bars(result)}</section>`;
}

function card(name: string, value: string, note: string, extra = ''): string {
  const small = note === '' ? '' : `<dd class="note">${escapeHtml(note)}</dd>`;
  return `<div class="card ${extra}"><dt>${escapeHtml(name)}</dt><dd class="value">${escapeHtml(value)}</dd>${small}</div>`;
}

function searchText(result: TuneResult): string {
  const time = result.seconds === undefined ? '' : duration(result.seconds);
  return [time, result.stopped ? 'stopped early' : ''].filter((part) => part !== '').join(', ');
}

function figureText(figure: Figure | undefined): string {
  return figure ? `${grouped.format(figure.value)}` : '–';
}

function provenanceOf(figure: Figure | undefined): string {
  return figure ? [figure.unit, figure.provenance].filter((part) => part !== '').join(', ') : 'not known';
}

function memoryNote(memory: MemoryFigure): string {
  const room = memory.available === undefined ? [] : [`of ${bytes(memory.available)}`];
  return [...room, memory.used.provenance].filter((part) => part !== '').join(', ');
}

function bytes(value: number): string {
  const [scale, unit] = value >= 1 << 20 ? [1 << 20, 'MB'] : value >= 10240 ? [1024, 'KB'] : [1, 'B'];
  const scaled = value / scale;
  return `${Number.isInteger(scaled) ? grouped.format(scaled) : scaled.toFixed(1)} ${unit}`;
}

/** Two bars, drawn as SVG so that their lengths need no inline style. */
function bars(result: TuneResult): string {
  const { before, after } = result.total;
  if (!before || !after || before.unit !== after.unit) return '';
  const longest = Math.max(before.value, after.value, 1);
  const bar = (y: number, figure: Figure, kind: string): string => {
    const width = Math.max(0.5, (figure.value / longest) * 100).toFixed(2);
    return `<rect class="${kind}" x="0" y="${y}" width="${width}%" height="14" rx="2"></rect>`;
  };
  const label = `Untuned ${figureText(before)}, tuned ${figureText(after)} ${before.unit}`;
  return `<svg class="bars" role="img" aria-label="${escapeHtml(label)}" width="100%" height="36">${bar(0, before, 'before')}${bar(20, after, 'after')}</svg>`;
}

function layers(result: TuneResult): string {
  if (result.layers.length === 0) return '';
  const unit = result.layers.find((layer) => layer.after)?.after?.unit ?? 'instructions';
  const rows = result.layers.map((layer) => {
    const factor = speedUp(layer.before, layer.after);
    const share = factor === undefined ? '' : meter(1 / factor);
    return `<tr>${layerName(layer)}${cell(layer.before)}${cell(layer.after)}<td class="number">${
      factor === undefined ? '' : `${factor.toFixed(2)}×`
    }</td><td class="meter">${share}</td></tr>`;
  });
  return `<section><h2 id="layers">Layers</h2>
<p class="unit">${escapeHtml(unit)} for one inference</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="layers"><table>
<thead><tr><th scope="col">Layer</th><th scope="col" class="number">Untuned</th><th scope="col" class="number">Tuned</th><th scope="col" class="number">Speed-up</th><th scope="col">Tuned ÷ untuned</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div></section>`;
}

function layerName(layer: LayerRow): string {
  if (layer.description === '') return `<th scope="row">${escapeHtml(layer.name)}</th>`;
  return `<th scope="row">${escapeHtml(layer.description)}<br><code>${escapeHtml(layer.name)}</code></th>`;
}

function cell(figure: Figure | undefined): string {
  if (!figure) return '<td class="number">–</td>';
  const provenance =
    figure.provenance === '' ? '' : ` <span class="provenance">${escapeHtml(figure.provenance)}</span>`;
  return `<td class="number">${figureText(figure)}${provenance}</td>`;
}

function meter(share: number): string {
  const width = Math.min(100, Math.max(1, share * 100)).toFixed(1);
  return `<svg aria-hidden="true" width="100%" height="8"><rect class="track" width="100%" height="8" rx="2"></rect><rect class="after" width="${width}%" height="8" rx="2"></rect></svg>`;
}

function notes(result: TuneResult): string {
  if (result.notes.length === 0) return '';
  return `<section><h2>Notes</h2><ul>${result.notes.map((note) => `<li>${escapeHtml(note)}</li>`).join('')}</ul></section>`;
}

const style = `
body { font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); color: var(--vscode-foreground); background: var(--vscode-editor-background); padding: 0 24px 32px; }
main { max-width: 1040px; }
h1 { font-size: 1.6em; font-weight: 600; margin: 20px 0 8px; }
h1 small { font-weight: 400; font-size: 0.7em; color: var(--vscode-descriptionForeground); }
h2 { font-size: 1.1em; font-weight: 600; margin: 28px 0 8px; }
.verdict { padding: 8px 12px; border-left: 3px solid var(--vscode-descriptionForeground); background: var(--vscode-textBlockQuote-background); margin: 8px 0 20px; }
.verdict.good { border-color: var(--vscode-testing-iconPassed, var(--vscode-charts-green)); }
.verdict.bad { border-color: var(--vscode-errorForeground); color: var(--vscode-errorForeground); }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 0 0 16px; }
.card { flex: 1 1 130px; border: 1px solid var(--vscode-widget-border, var(--vscode-contrastBorder, var(--vscode-panel-border))); border-radius: 4px; padding: 10px 14px; }
.card dt { color: var(--vscode-descriptionForeground); margin: 0; }
.card dd { margin: 0; }
.card .value { font-size: 1.45em; font-variant-numeric: tabular-nums; margin: 2px 0; }
.card.strong .value { font-weight: 700; }
.card .note { color: var(--vscode-descriptionForeground); font-size: 0.9em; }
.bars { display: block; }
rect.before { fill: var(--vscode-charts-lines, var(--vscode-descriptionForeground)); }
rect.after { fill: var(--vscode-charts-blue, var(--vscode-focusBorder)); }
rect.track { fill: var(--vscode-editorWidget-border, var(--vscode-panel-border)); opacity: 0.5; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 1px solid var(--vscode-focusBorder); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--vscode-editorWidget-border, var(--vscode-panel-border)); }
thead th { color: var(--vscode-descriptionForeground); font-weight: 400; }
tbody th { font-weight: 400; }
tbody th code { color: var(--vscode-descriptionForeground); font-size: 0.85em; }
code { font-family: var(--vscode-editor-font-family); color: inherit; background: none; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
p.unit { color: var(--vscode-descriptionForeground); margin: -4px 0 4px; }
.provenance { display: block; color: var(--vscode-descriptionForeground); font-size: 0.85em; }
td.meter { width: 16%; min-width: 60px; }
`;
