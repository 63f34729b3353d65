import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { exportPack, keyFingerprints } from '../../evidence/index.ts';
import { packFolder, packInput } from '../../release/index.ts';
import { withStore } from './shared/app.ts';
import { anyRelease, lastSealed } from './shared/which.ts';
import { text, type Call, type Handler } from './spec.ts';

/** Writes a pack from the ledger, also of a release that is still in flight (its verdict is then UNKNOWN). */
export const exportEvidence: Handler = async (call) =>
  withStore(call, async (app) => {
    const stored = await app.opened.store.load(await anyRelease(call, app.opened.store));
    const { release } = stored.summary;
    const keys = app.keys();
    const input = await packInput(app.places.home, stored);
    const { directory } = await exportPack(input, keys, resolve(text(call, 'out') ?? `slipway-evidence-${release}`));
    const { pack } = keyFingerprints(keys);
    const { terminal } = call;
    if (terminal.json) terminal.data({ release, verdict: input.verdict, directory, packKey: pack });
    else
      terminal.say(
        `Exported the evidence of release ${release} (${input.verdict}) to ${directory}\nsigned by ${pack}\nTell the reader this fingerprint by another way than the pack; they check with\n  slipway evidence verify ${directory} --pin ${pack}`,
      );
    return 0;
  });

/** The folder in which a release's pack was sealed when it ended. */
export function sealedPack(call: Call): Promise<string> {
  return packOf(call, anyRelease);
}

/** The same of the newest release here that is sealed. */
export function lastSealedPack(call: Call): Promise<string> {
  return packOf(call, lastSealed);
}

async function packOf(call: Call, choose: typeof anyRelease): Promise<string> {
  return withStore(call, async (app) => {
    const release = await choose(call, app.opened.store);
    const folder = packFolder(app.places.home, release);
    if (existsSync(folder)) return folder;
    throw new SlipwayError('not_possible_now', `Release ${release} has no sealed evidence on this machine`, {
      hint: 'It is sealed when the release ends. `slipway evidence export` writes what the ledger holds now.',
    });
  });
}
