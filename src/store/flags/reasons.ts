import type { FlagChange } from '../../flags/index.ts';
import type { Session } from '../session.ts';
import { advance, reasonsRequired, record } from './commit.ts';
import { writeOnce } from './once.ts';

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
  return writeOnce(session, environment, async (trx, attempt) => {
    if ((await reasonsRequired(trx, environment)) === required) return null;
    const { seq, at } = await advance(trx, environment);
    await trx.updateTable('flag_environment').set({ reasons_required: required }).where('name', '=', environment).execute();
    const action = required ? 'reasons-required' : 'reasons-optional';
    const change = { environment, seq, at, actor, reason, action, acknowledge: false, writes: [] } as const;
    await record(trx, { ...change, attempt });
    return { ...change, at: at.getTime() };
  });
}
