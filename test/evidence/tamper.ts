import { appendFile, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKeyPairSync, sign } from 'node:crypto';
import { exportPack, loadOrCreateKeys, nextEntry, parseRecord, type LedgerEntry } from '../../src/evidence/index.ts';
import { digestOf, filesOf, ledgerOf, ORIGIN, sampleFacts, type Sample } from './pack.ts';

/** One way to falsify a pack, and the checks that must notice. The procedure by hand must notice each. */
export interface Tampering {
  readonly name: string;
  readonly caughtBy: readonly string[];
  readonly apply: (pack: string, sample: Sample) => Promise<void>;
}

async function edit(pack: string, name: string, change: (text: string) => string): Promise<void> {
  const path = join(pack, name);
  const before = await readFile(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`the tampering did not change ${name}`);
  await writeFile(path, after);
}

/** What an attacker without the key can still do: make the sums right again. */
async function rebuildSums(pack: string): Promise<void> {
  const names = Object.keys(await filesOf(pack)).filter((name) => !name.startsWith('SHA256SUMS'));
  const lines = await Promise.all(names.sort().map(async (name) => `${digestOf(await readFile(join(pack, name)))}  ${name}\n`));
  await writeFile(join(pack, 'SHA256SUMS'), lines.join(''));
}

/** The same facts chained anew after a change, each hash right. */
function rebuild(text: string, change: (line: string) => string): string {
  const entries: LedgerEntry[] = [];
  for (const line of text.trimEnd().split('\n')) {
    const record = parseRecord(change(line));
    if (record === null) throw new Error('the tampering broke a line');
    entries.push(nextEntry(entries.at(-1) ?? null, { ...record, data: record.data as never }));
  }
  return entries.map((entry) => `${entry.line}\n`).join('');
}

function flipVerdict(envelope: string): string {
  const parsed = JSON.parse(envelope) as { payload: string };
  const payload = Buffer.from(parsed.payload, 'base64').toString().replace('"verdict":"PASS"', '"verdict":"FAIL"');
  return JSON.stringify({ ...parsed, payload: Buffer.from(payload).toString('base64') });
}

export const TAMPERINGS: readonly Tampering[] = [
  {
    name: 'edited event',
    caughtBy: ['sums', 'chain', 'checkpoint', 'inclusion proofs'],
    apply: (pack) => edit(pack, 'events.jsonl', (text) => text.replace('migrate.apply went well', 'migrate.apply went okay')),
  },
  {
    name: 'edited last event, sums rebuilt',
    caughtBy: ['sums signature', 'statement', 'checkpoint', 'inclusion proofs'],
    apply: async (pack) => {
      await edit(pack, 'events.jsonl', (text) => text.replace('all checks passed', 'some checks passed'));
      await rebuildSums(pack);
    },
  },
  {
    name: 'dropped event',
    caughtBy: ['sums signature', 'chain', 'checkpoint'],
    apply: async (pack) => {
      await edit(pack, 'events.jsonl', (text) => text.split('\n').toSpliced(5, 1).join('\n'));
      await rebuildSums(pack);
    },
  },
  {
    name: 'cut tail (the hash chain alone passes)',
    caughtBy: ['sums signature', 'statement', 'checkpoint', 'inclusion proofs', 'summary'],
    apply: async (pack) => {
      await edit(pack, 'events.jsonl', (text) => text.split('\n').slice(0, -2).join('\n').concat('\n'));
      await rebuildSums(pack);
    },
  },
  {
    name: 'rebuilt chain (the hash chain alone passes)',
    caughtBy: ['sums signature', 'checkpoint', 'inclusion proofs'],
    apply: async (pack) => {
      await edit(pack, 'events.jsonl', (text) => rebuild(text, (line) => line.replace('no scanner', 'no trouble')));
      await rebuildSums(pack);
    },
  },
  {
    name: 'swapped file',
    caughtBy: ['sums'],
    apply: async (pack) => writeFile(join(pack, 'artifacts/plan.json'), await readFile(join(pack, 'artifacts/envelope.json'))),
  },
  {
    name: 'swapped file, sums rebuilt',
    caughtBy: ['sums signature'],
    apply: async (pack) => {
      await edit(pack, 'artifacts/plan.json', () => '{"steps":["other"]}\n');
      await rebuildSums(pack);
    },
  },
  {
    name: 'edited summary',
    caughtBy: ['sums', 'statement', 'summary'],
    apply: (pack) => edit(pack, 'summary.json', (text) => text.replace('"version": "1.1.0"', '"version": "1.2.0"')),
  },
  {
    name: 'edited summary, sums rebuilt',
    caughtBy: ['sums signature', 'statement', 'summary'],
    apply: async (pack) => {
      await edit(pack, 'summary.json', (text) => text.replace('"verdict": "PASS"', '"verdict": "FAIL"'));
      await rebuildSums(pack);
    },
  },
  { name: 'extra file', caughtBy: ['file set'], apply: (pack) => writeFile(join(pack, 'artifacts/extra.txt'), 'x') },
  { name: 'extra dot file', caughtBy: ['file set'], apply: (pack) => writeFile(join(pack, '.hidden'), 'x') },
  {
    name: 'extra file, sums rebuilt',
    caughtBy: ['sums signature'],
    apply: async (pack) => (await writeFile(join(pack, 'extra'), 'x'), rebuildSums(pack)),
  },
  { name: 'extra symlink', caughtBy: ['file set'], apply: (pack) => symlink('/etc/hostname', join(pack, 'steps/99-extra.log')) },
  {
    name: 'flipped verdict in the statement',
    caughtBy: ['sums signature', 'statement'],
    apply: async (pack) => {
      await edit(pack, 'attestations/deployment.dsse.json', flipVerdict);
      await rebuildSums(pack);
    },
  },
  {
    name: 'statement signed by another key',
    caughtBy: ['sums signature', 'statement'],
    apply: async (pack) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      await edit(pack, 'attestations/deployment.dsse.json', (text) => {
        const envelope = JSON.parse(text) as { payloadType: string; payload: string; signatures: { keyid: string }[] };
        const body = Buffer.from(envelope.payload, 'base64');
        const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${body.length} `), body]);
        const sig = sign('sha256', encoded, privateKey).toString('base64');
        return JSON.stringify({ ...envelope, signatures: [{ ...envelope.signatures[0], sig }] });
      });
      await rebuildSums(pack);
    },
  },
  {
    name: 'checkpoint of another size, by the right key',
    caughtBy: ['sums signature', 'checkpoint'],
    apply: async (pack, { keys }) => {
      await edit(pack, 'log/checkpoint', (note) => {
        const text = note.slice(0, note.indexOf('\n\n') + 1).replace('\n8\n', '\n9\n');
        const id = Buffer.from(note.split(' ').at(-1) ?? '', 'base64').subarray(0, 4);
        const signed = Buffer.concat([id, sign(null, Buffer.from(text), keys.log.privatePem)]);
        return `${text}\n\u2014 ${ORIGIN} ${signed.toString('base64')}\n`;
      });
      await rebuildSums(pack);
    },
  },
  {
    name: 'signature by another key',
    caughtBy: ['sums signature'],
    apply: async (pack) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      await writeFile(join(pack, 'SHA256SUMS.sig'), sign('sha256', await readFile(join(pack, 'SHA256SUMS')), privateKey));
    },
  },
  {
    name: 'checkpoint signed by another key',
    caughtBy: ['sums signature', 'checkpoint', 'inclusion proofs'],
    apply: async (pack) => {
      const { privateKey } = generateKeyPairSync('ed25519');
      await edit(pack, 'log/checkpoint', (note) => {
        const text = note.slice(0, note.indexOf('\n\n') + 1);
        const id = Buffer.from(note.split(' ').at(-1) ?? '', 'base64').subarray(0, 4);
        const signed = Buffer.concat([id, sign(null, Buffer.from(text), privateKey)]);
        return `${text}\n\u2014 ${ORIGIN} ${signed.toString('base64')}\n`;
      });
      await rebuildSums(pack);
    },
  },
  { name: 'log edited', caughtBy: ['sums', 'logs'], apply: (pack) => appendFile(join(pack, 'steps/02-migrate.log'), 'and more\n') },
  {
    name: 'log edited, sums rebuilt',
    caughtBy: ['sums signature', 'logs'],
    apply: async (pack) => {
      await edit(pack, 'steps/02-migrate.log', (text) => text.replace('applied', 'skipped'));
      await rebuildSums(pack);
    },
  },
  {
    name: 'a whole other pack, consistent, by another installation',
    caughtBy: ['keys'],
    apply: async (pack, sample) => {
      await rm(pack, { recursive: true });
      const entries = ledgerOf(sampleFacts());
      await exportPack({ ...sample.input, entries }, loadOrCreateKeys(`${pack}-keys`), pack);
    },
  },
];
