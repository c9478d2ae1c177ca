/** Circles of imports: sets of files that import each other, directly or by way of others. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Which files each file imports, by paths relative to the root. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const importOf = /^(?:import|export)\b[^'";]*?(?:from\s*)?'(\.[^']+)'/gm;

/** Reads the imports of every TypeScript file below `folders` of `root`; imports of types count, too. */
export function importGraph(root: string, folders: readonly string[]): ImportGraph {
  const graph = new Map<string, readonly string[]>();
  for (const folder of folders)
    for (const name of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.includes('node_modules')) continue;
      const file = path.posix.join(folder, name.replaceAll(path.sep, '/'));
      const text = readFileSync(path.join(root, file), 'utf8');
      const imported = [...text.matchAll(importOf)].map(([, from = '']) =>
        path.posix.join(path.posix.dirname(file), from),
      );
      graph.set(file, imported);
    }
  return graph;
}

/** The circles of a graph, each sorted; a file that imports itself is none. Tarjan's algorithm. */
export function circlesOf(graph: ImportGraph): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    const at = order.size;
    order.set(file, at);
    low.set(file, at);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!graph.has(next)) continue;
      const known = order.get(next);
      const reached = known === undefined ? visit(next) : stack.includes(next) ? known : at;
      low.set(file, Math.min(low.get(file) ?? at, reached));
    }
    const lowest = low.get(file) ?? at;
    if (lowest === at) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest;
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
}
