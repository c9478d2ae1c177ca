/** Trees as short S-expressions. */
import type { Attribute, AttributeValue, Node, SourceTree } from '../../compiler/src/syntax/tree.ts';

const names = (list: readonly { text: string }[]): string => list.map((x) => x.text).join(' ');
const all = (list: readonly Node[]): string => list.map((x) => ` ${dump(x)}`).join('');
const attributes = (list: readonly Attribute[]): string => list.map((x) => ` ${dump(x)}`).join('');

/** One node and what is under it. */
function dump(node: Node): string {
  switch (node.kind) {
    case 'def':
      return `(def @${node.name.text}${dump(node.fn).slice(3)}`;
    case 'fn': {
      const typeParams = node.typeParams.length > 0 ? ` [${names(node.typeParams)}]` : '';
      const ret = node.ret ? ` -> ${dump(node.ret)}` : '';
      return `(fn${typeParams} (${node.params.map(dump).join(' ')}${attributes(node.attrs)})${ret} ${dump(node.body)})`;
    }
    case 'param':
      return `%${node.name.text}${attributes(node.attrs)}${node.type ? `:${dump(node.type)}` : ''}`;
    case 'type':
      return `(${node.extern ? 'extern ' : ''}type ${node.name.text} [${names(node.typeParams)}]${all(node.constructors ?? [])})`;
    case 'constructor':
      return `(${node.name.text}${all(node.fields)})`;
    case 'import':
      return `(import ${node.path.text})`;
    case 'block':
      return `{${node.statements.map((x) => `${dump(x)} `).join('')}${dump(node.result)}}`;
    case 'let':
      return `(let %${node.name.text}${node.type ? `:${dump(node.type)}` : ''} ${dump(node.value)})`;
    case 'graph':
      return `(graph ${node.index} ${dump(node.value)})`;
    case 'sequence':
      return `(do ${dump(node.value)})`;
    case 'free_var':
      return `(free %${node.name.text}${node.type ? `:${dump(node.type)}` : ''})`;
    case 'int':
      return `${node.value}:${node.dtype}`;
    case 'float':
      return `${node.value}:${node.dtype}`;
    case 'bool':
      return String(node.value);
    case 'local':
      return `%${node.name}`;
    case 'graphref':
      return `%${node.index}`;
    case 'global':
      return `@${node.name}`;
    case 'name':
      return node.name;
    case 'meta':
      return `meta<${node.key} ${node.index}${node.typeComment ? ` ${node.typeComment}` : ''}>`;
    case 'if':
      return `(if ${dump(node.condition)} ${dump(node.then)} ${dump(node.otherwise)})`;
    case 'ref':
    case 'ref_read':
    case 'ref_write':
      return `(${node.kind}${all(node.operands)})`;
    case 'tuple':
      return `(tuple${all(node.fields)})`;
    case 'paren':
      return `(${dump(node.inner)})`;
    case 'projection':
      return `(.${node.index} ${dump(node.tuple)})`;
    case 'call':
      return `(call ${dump(node.callee)}${all(node.args)}${attributes(node.attrs)})`;
    case 'infix':
      return `(${node.operator} ${dump(node.left)} ${dump(node.right)})`;
    case 'match':
      return `(match${node.complete ? '' : '?'} ${dump(node.scrutinee)}${all(node.arms)})`;
    case 'arm':
      return `[${dump(node.pattern)} => ${dump(node.body)}]`;
    case 'missing':
      return '<missing>';
    case 'wildcard':
    case 'holetype':
      return '_';
    case 'varpattern':
      return `%${node.name.text}${node.type ? `:${dump(node.type)}` : ''}`;
    case 'ctorpattern':
      return `(${node.name.text}${all(node.fields)})`;
    case 'tuplepattern':
    case 'tupletype':
      return `(tuple${all(node.fields)})`;
    case 'tensortype':
      return `(Tensor [${node.shape.map(dump).join(' ')}] ${node.dtype.text})`;
    case 'fntype':
      return `(fn${node.typeParams.length > 0 ? ` [${names(node.typeParams)}]` : ''}${all(node.params)} -> ${dump(node.ret)})`;
    case 'namedtype':
      return node.brackets ? `(${node.name.text}${all(node.args)})` : node.name.text;
    case 'reftype':
      return `(ref ${dump(node.content)})`;
    case 'intdim':
      return `${node.value}${node.dtype === 'int64' ? 'i64' : ''}`;
    case 'anydim':
      return '?';
    case 'nameddim':
      return node.name;
    case 'exprdim':
      return `(${node.op} ${dump(node.left)} ${dump(node.right)})`;
    case 'attribute':
      return `${node.key.text}=${value(node.value)}`;
  }
}

function value(node: AttributeValue): string {
  if (node.kind === 'string') return JSON.stringify(node.value);
  if (node.kind === 'none') return 'None';
  if (node.kind === 'list') return `[${node.items.map(value).join(' ')}]`;
  return dump(node.value);
}

/** A whole file. */
export function dumpTree(tree: SourceTree): string {
  return tree.expression ? dump(tree.expression).slice(1, -1) : tree.definitions.map(dump).join('\n');
}
