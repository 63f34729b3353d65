import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isAlias, isMap, isSeq, parseDocument, stringify, type Document, type Node } from 'yaml';
import type { FlagFileEdit } from '../flags/index.ts';
import { SlipwayError, type JsonObject } from '../kernel/index.ts';
import { FLAGS_FOLDER, type LoadedFlags } from './flags.ts';

const FORM = { lineWidth: 0, flowCollectionPadding: true } as const;

/**
 * The files with these changes made, by path below the workspace; comments and order stay. Only what changes is in the answer.
 * @throws SlipwayError `config_invalid` where a change would reach through an anchor
 */
export function editFlags(loaded: LoadedFlags, edits: readonly FlagFileEdit[]): ReadonlyMap<string, string> {
  const documents = new Map<string, Document>();
  for (const edit of edits) {
    const file = loaded.fileOf(edit.kind, edit.key) ?? newFile(edit.key);
    const document = documents.get(file) ?? parseDocument(loaded.texts.get(file) ?? '');
    documents.set(file, document);
    make(document, file, edit);
  }
  return new Map([...documents].map(([file, document]) => [file, document.toString(FORM)]));
}

function newFile(key: string): string {
  return `${FLAGS_FOLDER}/${key.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^\.+/, '')}.yaml`;
}

function make(document: Document, file: string, { kind, key, environment, write }: FlagFileEdit): void {
  const top = [`${kind}s`, key];
  const at = environment === null ? top : [...top, 'environments', environment];
  refuseAnchors(document, file, at);
  if (write === null) {
    document.deleteIn(at);
    const left = document.getIn(at.slice(0, -1));
    if (isMap(left) && left.items.length === 0) document.deleteIn(at.slice(0, -1));
  } else {
    document.contents ??= document.createNode({ [`${kind}s`]: {} }) as Document['contents'];
    document.setIn(at, styled(document, write));
    const parent = document.getIn(at.slice(0, -1));
    // A map that stands in braces, `{}` above all, would put all of it on one line.
    if (isMap(parent) && (parent.items.length === 1 || JSON.stringify(write).length > SHORT)) parent.flow = false;
  }
}

const SHORT = 100;

/** As people write it: a key on each line, with small maps and lists in braces; rules one below the other. */
function styled(document: Document, write: FlagFileEdit['write']): Node {
  const node = document.createNode(write) as Node;
  if (isMap(node)) for (const { key, value } of node.items) braced(String(key) === 'rules' && isSeq(value) ? value.items : [value]);
  return node;
}

function braced(values: readonly unknown[]): void {
  for (const value of values) {
    if (!isMap(value) && !isSeq(value)) continue;
    if (isMap(value) && value.has('serve')) braced(value.items.map((item) => item.value));
    else if (JSON.stringify(value).length <= SHORT) value.flow = true;
    else if (isSeq(value)) braced(value.items);
  }
}

/** A change behind an anchor would change what else uses it. */
function refuseAnchors(document: Document, file: string, at: readonly string[]): void {
  const through = at.some((_part, index) => isAlias(document.getIn(at.slice(0, index + 1), true)));
  if (through)
    throw new SlipwayError('config_invalid', `${file}: ${at.join('.')} is an anchor used elsewhere; write the value out, then pull again`);
}

/** A whole file of flags, as text. */
export function flagsText(content: JsonObject): string {
  return stringify(content, FORM);
}

const PULLED_FILE = `${FLAGS_FOLDER}/pulled.json`;

/** Writes the files, and up to which change of the environment they have everything. Each is there whole or not at all. */
export async function writeFlags(workspace: string, texts: ReadonlyMap<string, string>): Promise<void> {
  for (const [file, text] of texts) {
    const at = path.join(workspace, file);
    await mkdir(path.dirname(at), { recursive: true });
    await writeFile(`${at}.new`, text);
    await rename(`${at}.new`, at);
  }
}

/** Text of `flags/pulled.json` with one environment set. */
export function pulledText(
  before: Readonly<Record<string, number>>,
  environment: string,
  seq: number,
): readonly [file: string, text: string] {
  const all = Object.entries({ ...before, [environment]: seq }).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [PULLED_FILE, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`];
}
