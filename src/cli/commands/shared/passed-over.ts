import { backfillNames, contractNames, loadBackfill } from '../../../config/index.ts';
import {
  lookAtBackfill,
  pendingContractions,
  type DatabaseAccess,
  type FolderRequest,
  type MigrationStatus,
} from '../../../database/index.ts';

/** What a release would ask of the pending files before it applied them, and an apply by hand does not; empty when nothing is pending. */
export async function passedOver(
  folder: string,
  { access, migrations, status }: { readonly access: DatabaseAccess; readonly migrations: FolderRequest; readonly status: MigrationStatus },
): Promise<readonly string[]> {
  const { pending } = status;
  if (pending.length === 0) return [];
  const mixed = pending.flatMap((one) => (one.phase === 'mixed' ? [one.name] : [])).join(', ');
  const { contractions } = await pendingContractions(access, migrations);
  const [contracted, contracts] = [[...new Set(contractions.map(({ file }) => file))].join(', '), await contractNames(folder)];
  return [
    ...(mixed === '' ? [] : [`a file that mixes phases is no change without downtime: ${mixed}; \`slipway db plan\` proposes a split`]),
    ...(contracted === ''
      ? []
      : [`a release would ask \`db contract\` first, whether anybody still needs what goes: ${contracted}; \`slipway db contract\``]),
    ...(contracts.length === 0
      ? []
      : [`a release would look at what contracts/ declares: ${contracts.join(', ')}; \`slipway db contract\``]),
    ...(await backfillsLeft(folder, access)),
  ];
}

async function backfillsLeft(folder: string, access: DatabaseAccess): Promise<readonly string[]> {
  const left: string[] = [];
  for (const name of await backfillNames(folder)) {
    const { definition } = await loadBackfill(folder, name);
    if (!definition.required) continue;
    const { state } = await lookAtBackfill(access, definition);
    if (state?.status === 'done') continue;
    left.push(
      `a release would want the backfill ${name} (required: true) done, which ${state === null ? 'never ran here' : `is ${state.status}`}; \`slipway db backfill ${name}\``,
    );
  }
  return left;
}
