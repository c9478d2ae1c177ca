/** The best cost over the trials of a run as a page with one SVG; no script. */
import { escapeHtml } from './html.ts';
import { short } from './progress.ts';

export interface RunCurve {
  readonly title: string;
  readonly unit: string;
  readonly trials: number | undefined;
  readonly points: readonly { readonly trial: number; readonly best: number }[];
  readonly state: 'running' | 'done' | 'stopped' | 'failed';
}

const [width, height, left, bottom] = [300, 130, 6, 18];

/** Points that a curve of this width can show. */
export function thinned<T>(points: readonly T[], most = 400): readonly T[] {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * step)] as T);
}

/** The page; newest run first. */
export function curvePage(runs: readonly RunCurve[], nonce: string): string {
  const body =
    runs.length === 0
      ? '<p>No run yet. <b>Relay: Tune and Deploy</b> shows here how its best cost falls.</p>'
      : runs.map(section).join('');
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${escapeHtml(nonce)}';">
<title>Tuning runs</title><style nonce="${escapeHtml(nonce)}">${style}</style></head><body>${body}</body></html>`;
}

function section(run: RunCurve): string {
  const last = run.points.at(-1);
  const of = run.trials === undefined ? '' : ` of ${run.trials}`;
  const now = last ? `${last.trial}${of} trials, best ${short(last.best)} ${run.unit}` : 'measuring the first kernel';
  const state = run.state === 'running' ? '' : ` (${run.state})`;
  return `<section><h2>${escapeHtml(run.title)}${state}</h2><p role="status">${escapeHtml(now)}</p>${picture(run)}</section>`;
}

function picture(run: RunCurve): string {
  const points = thinned(run.points);
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return '';
  const end = Math.max(run.trials ?? 0, last.trial, 2);
  const [high, low] = [Math.max(...points.map((p) => p.best)), Math.min(...points.map((p) => p.best))];
  const margin = Math.max((high - low) * 0.1, high * 0.005, 1);
  const x = (trial: number): string => (left + (trial / end) * (width - 2 * left)).toFixed(1);
  const y = (best: number): string =>
    (6 + ((high + margin - best) / (high - low + 2 * margin)) * (height - bottom - 6)).toFixed(1);
  // The best stays until it is beaten: steps, not slopes.
  const steps = points
    .map((p, i) => (i === 0 ? `M${x(p.trial)} ${y(p.best)}` : `H${x(p.trial)}V${y(p.best)}`))
    .join('');
  const label = `Best cost fell from ${short(first.best)} to ${short(last.best)} ${run.unit} in ${last.trial} trials`;
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(label)}">
<path class="axis" d="M${left} ${height - bottom}H${width - left}"></path><path class="best" d="${steps}"></path>
<text x="${left}" y="${height - 4}">${escapeHtml(short(first.best))} → ${escapeHtml(short(last.best))} ${escapeHtml(run.unit)}</text>
<text class="end" x="${width - left}" y="${height - 4}">${end} trials</text></svg>`;
}

const style = `
body { font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); color: var(--vscode-foreground); padding: 0 12px 8px; }
h2 { font-size: 1em; font-weight: 600; margin: 10px 0 2px; }
p { margin: 0 0 6px; color: var(--vscode-descriptionForeground); }
svg { width: 100%; max-width: 560px; display: block; }
path { fill: none; stroke-width: 1.5; }
path.axis { stroke: var(--vscode-editorWidget-border, var(--vscode-contrastBorder, #8a8a8a)); }
path.best { stroke: var(--vscode-charts-blue, var(--vscode-focusBorder)); }
text { fill: var(--vscode-descriptionForeground); font-size: 10px; }
text.end { text-anchor: end; }
`;
