import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ERRORS, isJsonObject, messageOf, SlipwayError, type JsonObject } from '../../kernel/index.ts';
import { keyFingerprints, loadOrCreateKeys, verifyPack, type PackVerification, type Pins } from '../../evidence/index.ts';
import { renderPackSummary, renderVerification } from '../output/evidence.ts';
import { many, type Call, type Handler } from './spec.ts';

/** A whole id: half of one could be the name of a folder mistyped. */
const RELEASE_ID = /^[0-9a-hjkmnp-tv-z]{26}$/;
const PIN = /^SHA256:[A-Za-z0-9+/]{43}=$/;

/** Exit 0 for a pass, 14 for a pack that must not be trusted, 6 when nobody said whose keys are right. */
const EXIT = { pass: 0, fail: ERRORS.evidence_invalid.exit, unknown: ERRORS.gate_blocked.exit } as const;

/** Checks a pack offline: no store, no agent, no network. */
export const verify: Handler = async (call) => {
  const directory = await packDirectory(call);
  const { pins, source } = pinsOf(call);
  const verification = await verifyPack(directory, { pins });
  show(call, { directory, pins: source, ...verification }, renderVerification(directory, source, verification, call.terminal));
  return EXIT[verification.verdict];
};

/** Shows a pack's summary and whether it holds: of a folder anywhere, or of a release of this installation. */
export const showPack: Handler = async (call) => {
  const [given] = call.args;
  const isFolder = given !== undefined && statSync(resolve(given), { throwIfNoEntry: false })?.isDirectory() === true;
  const directory = isFolder ? resolve(given) : await (await import('./evidence-store.ts')).sealedPack(call);
  const summary = await readSummary(directory);
  const { pins, source } = pinsOf(call);
  const verification = await verifyPack(directory, { pins });
  show(
    call,
    { directory, pins: source, summary, ...verification },
    `${renderPackSummary(summary, call.terminal.style)}\n\n${renderVerification(directory, source, verification, call.terminal)}`,
  );
  return EXIT[verification.verdict];
};

function show(
  { terminal }: Call,
  document: PackVerification & { readonly directory: string; readonly pins: PinSource; readonly summary?: JsonObject },
  shown: string,
): void {
  if (terminal.json) terminal.data(document);
  else terminal.say(shown);
}

/** A folder anywhere, which needs nothing else; or, where there is no such folder, a release of this installation. */
async function packDirectory(call: Call): Promise<string> {
  const [given] = call.args;
  if (given === undefined) return (await import('./evidence-store.ts')).lastSealedPack(call);
  const directory = resolve(given);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return directory;
  if (RELEASE_ID.test(given)) return (await import('./evidence-store.ts')).sealedPack(call);
  throw new SlipwayError('not_found', `There is no folder ${directory}`, {
    hint: 'Give the folder of an evidence pack, e.g. one made by `slipway evidence export`, or the id of a release.',
  });
}

async function readSummary(directory: string): Promise<JsonObject> {
  try {
    const summary: unknown = JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8'));
    if (isJsonObject(summary)) return summary;
    throw new Error('it is not a JSON object');
  } catch (error) {
    throw new SlipwayError('evidence_invalid', `${directory} has no readable summary.json: ${messageOf(error)}`, {
      hint: 'Run `slipway evidence verify` on it for every finding.',
    });
  }
}

/** Where the fingerprints came from, which is the whole worth of the answer. */
export type PinSource = 'given' | 'own' | 'none';

function pinsOf(call: Call): { readonly pins: Pins; readonly source: PinSource } {
  const given = many(call, 'pin');
  const odd = given.find((pin) => !PIN.test(pin));
  if (odd !== undefined)
    throw new SlipwayError('usage', `--pin ${odd} is not a fingerprint`, {
      hint: 'A fingerprint looks like SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    });
  if (given.length > 0) return { pins: { pack: given, log: [] }, source: 'given' };
  const keys = join(resolve(call.environment['SLIPWAY_HOME'] ?? join(call.directory, '.slipway')), 'keys');
  // Only read: verifying a stranger's pack must not make keys of our own.
  if (!existsSync(join(keys, 'signing-keys.pem'))) return { pins: { pack: [], log: [] }, source: 'none' };
  const own = keyFingerprints(loadOrCreateKeys(keys));
  return { pins: { pack: [own.pack], log: [own.log] }, source: 'own' };
}
