import { SlipwayError } from '../../../kernel/index.ts';
import { foldRamp, type RampState } from '../../../release/index.ts';
import type { App } from '../../compose.ts';

/** The newest ramp of a flag. @throws SlipwayError `not_found` */
export async function newestRamp({ opened }: App, environment: string, flag: string): Promise<RampState> {
  const [ramp] = await opened.ramps.list({ environment, flag, limit: 1 });
  if (ramp !== undefined) return foldRamp(await opened.ramps.load(ramp));
  throw new SlipwayError('not_found', `${flag} has no ramp in ${environment}`, {
    hint: 'Run `slipway ramp status` to see those there are; -e names the environment.',
  });
}
