import { randomUUID } from 'node:crypto';
import type { FlagChange } from '../../flags/index.ts';
import { guardKey } from '../rows.ts';
import type { Session } from '../session.ts';
import { advance, reasonsRequired, record, recorded } from './commit.ts';

interface Wish {
  readonly environment: string;
  readonly required: boolean;
  readonly actor: string;
  readonly reason: string;
}

export function needsReasons({ db, again }: Session, environment: string): Promise<boolean> {
  return again(() => reasonsRequired(db, environment));
}

/** From here on each change of the environment must say why, or need not, with a record of who wanted that. */
export async function requireReasons(session: Session, { environment, required, actor, reason }: Wish): Promise<FlagChange | null> {
  const attempt = randomUUID();
  let tries = 0;
  return session.transact(async (trx) => {
    tries += 1;
    await guardKey(trx, `flags ${environment}`);
    const earlier = tries === 1 ? null : await recorded(trx, environment, attempt);
    if (earlier !== null) return earlier;
    if ((await reasonsRequired(trx, environment)) === required) return null;
    const { seq, at } = await advance(trx, environment);
    await trx.updateTable('flag_environment').set({ reasons_required: required }).where('name', '=', environment).execute();
    const action = required ? 'reasons-required' : 'reasons-optional';
    const change = { environment, seq, at, actor, reason, action, acknowledge: false, writes: [] } as const;
    await record(trx, { ...change, attempt });
    return { ...change, at: at.getTime() };
  });
}
