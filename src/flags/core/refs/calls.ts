import type { Module } from './module.ts';
import { valueOf, type Project } from './resolve-key.ts';
import { keyOf, nameOf, nodeAt, nodesAt, unwrapped, type Node } from './tree.ts';

/** A call that asks for a flag. */
export interface FlagCall {
  /** As it is written: `flags.boolean`, `client.getBooleanValue`, `useFlag`. */
  readonly callee: string;
  /** What the call answers: the value, a document with the value in it, or something to ask later. */
  readonly gives: 'value' | 'details' | 'handle';
  readonly api: 'slipway' | 'openfeature';
  /** True when the name alone does not tell, nor does where the object comes from: only a known key makes it a flag. */
  readonly doubtful: boolean;
  readonly key: Node;
}

const OPENFEATURE = /^get(?:Boolean|String|Number|Object)(Value|Details)$/;
const HOOK = /^use(?:(?:Suspense)?Flag|(?:Boolean|String|Number|Object)Flag(Value|Details))$/;
/** Methods of `@slipway/flags`. */
const OWN = /^(?:(?:boolean|string|number|json)(Details)?|(evaluate)|(flag))$/;
const OWN_PACKAGE = /^@slipway\/flags(?:\/|$)/;

/** The question a node asks of a flag; null for any other. */
export function flagCall(node: Node, module: Module, project: Project): FlagCall | null {
  const [key] = node.type === 'CallExpression' ? nodesAt(node, 'arguments') : [];
  if (key === undefined) return null;
  const callee = unwrapped(nodeAt(node, 'callee') ?? node);
  const name = (callee.type === 'MemberExpression' ? keyOf(callee, 'property') : nameOf(callee)) ?? '';
  const asked = whatIsAsked(name);
  if (asked === null) return null;
  const written = module.text.slice(callee.start, callee.end).replaceAll(/\s+/g, ' ');
  return { callee: written, ...asked, doubtful: asked.api === 'slipway' && !isOurs(callee, module, project), key };
}

function whatIsAsked(name: string): Pick<FlagCall, 'gives' | 'api'> | null {
  const openfeature = OPENFEATURE.exec(name) ?? HOOK.exec(name);
  if (openfeature !== null) return { gives: openfeature[1] === 'Value' ? 'value' : 'details', api: 'openfeature' };
  const own = OWN.exec(name);
  if (own === null) return null;
  return { gives: own[3] === undefined ? ((own[1] ?? own[2]) === undefined ? 'value' : 'details') : 'handle', api: 'slipway' };
}

/** An object that is called after flags, or was made or typed by our package, in this file or one it imports. */
function isOurs(callee: Node, module: Module, project: Project): boolean {
  if (callee.type !== 'MemberExpression') return importedFromUs(callee, module);
  const object = unwrapped(nodeAt(callee, 'object') ?? callee);
  const name = (object.type === 'MemberExpression' ? keyOf(object, 'property') : nameOf(object)) ?? '';
  if (/flags?$/i.test(name)) return true;
  const made = valueOf({ node: object, module }, project);
  if (made !== null && madeByUs(made.node, made.module)) return true;
  const type = object.type === 'Identifier' ? module.typed.get(name) : undefined;
  return (type !== undefined && importedFromUs(type, module)) || importedFromUs(object, module);
}

function madeByUs(value: Node, module: Module): boolean {
  const awaited = value.type === 'AwaitExpression' ? unwrapped(nodeAt(value, 'argument') ?? value) : value;
  const callee = nodeAt(awaited, 'callee');
  return callee !== null && importedFromUs(unwrapped(callee), module);
}

function importedFromUs(callee: Node, module: Module): boolean {
  const root = callee.type === 'MemberExpression' ? unwrapped(nodeAt(callee, 'object') ?? callee) : callee;
  const binding = module.names.get(nameOf(root));
  return binding?.kind === 'imported' && OWN_PACKAGE.test(binding.from);
}
