/**
 * Keeps the import directions of ARCHITECTURE.md: every room, and every folder of `compiler/src`, may import only what
 * `allowed` lists (and itself). Bare module names are checked against `packages`.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const language = ['base', 'syntax', 'types', 'tensor', 'operators'];
const checked = [...language, 'check', 'ir'];
const lowered = [...checked, 'targets', 'passes', 'loops', 'schedule', 'memory'];

/** Folder of `compiler/src` → folders it may import. */
const compiler = {
  base: [],
  tensor: ['base'],
  types: ['base', 'tensor'],
  syntax: ['base', 'tensor'],
  operators: ['base', 'tensor', 'types'],
  format: ['base', 'tensor', 'types', 'syntax'],
  check: language,
  ir: [...language, 'check'],
  targets: ['base', 'tensor'],
  passes: [...checked, 'evaluate', 'targets', 'schedule/task.ts', 'loops/kernel.ts'],
  loops: [...checked, 'passes', 'targets', 'evaluate'],
  schedule: [...checked, 'passes', 'targets', 'loops', 'evaluate'],
  memory: ['base', 'loops'],
  emit: lowered,
  evaluate: checked,
  records: ['base', 'schedule/task.ts'],
  pipeline: [...lowered, 'records', 'emit', 'evaluate'],
  compare: [...lowered, 'evaluate', 'pipeline'],
};

/** Room → rooms it may import, and the packages it may name. */
const rooms = {
  compiler: { rooms: [], packages: ['chevrotain'] },
  boards: { rooms: ['compiler'], packages: ['node:'] },
  tuner: { rooms: ['compiler', 'boards'], packages: ['node:'] },
  server: {
    rooms: ['compiler'],
    packages: [
      'node:',
      'vscode-languageserver',
      'vscode-languageserver-textdocument',
      'vscode-languageserver-protocol',
    ],
  },
  client: {
    rooms: ['server/src/protocol.ts'],
    packages: ['node:', 'vscode', 'vscode-languageclient', '@dagrejs/dagre'],
  },
  cli: { rooms: ['compiler', 'boards', 'tuner', 'server', 'package.json'], packages: ['node:', 'highs'] },
};

function place(file) {
  const relative = path.relative(root, file).split(path.sep);
  const room = relative[0] ?? '';
  const folder = room === 'compiler' && relative[1] === 'src' && relative.length > 3 ? relative[2] : undefined;
  return { room, folder, path: relative.join('/') };
}

function violation(from, target, specifier) {
  if (!(from.room in rooms)) return undefined;
  const rule = rooms[from.room];
  if (!target) {
    const named = rule.packages.some((p) => specifier === p || specifier.startsWith(p.endsWith(':') ? p : `${p}/`));
    return named ? undefined : `${from.room}/ may not import the package '${specifier}'`;
  }
  if (target.room !== from.room) {
    const may = rule.rooms.some((r) => r === target.room || r === target.path);
    return may ? undefined : `${from.room}/ may not import ${target.path}`;
  }
  if (from.folder === undefined || target.folder === undefined || from.folder === target.folder) return undefined;
  const allowed = compiler[from.folder] ?? [];
  const inside = target.path.replace('compiler/src/', '');
  if (allowed.some((a) => a === target.folder || a === inside)) return undefined;
  return `compiler/src/${from.folder} may not import ${target.path}: imports run downward (ARCHITECTURE.md)`;
}

export default {
  meta: { type: 'problem', schema: [], messages: { direction: '{{text}}' } },
  create(context) {
    const from = place(context.filename);
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string') return;
      const target = specifier.startsWith('.')
        ? place(path.resolve(path.dirname(context.filename), specifier))
        : undefined;
      const text = violation(from, target, specifier);
      if (text) context.report({ node: node.source, messageId: 'direction', data: { text } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
