import { SlipwayError } from '../../../kernel/index.ts';
import { foldRamp, type RampState } from '../../../release/index.ts';
import { agentStatus } from '../../../server/index.ts';
import type { App } from '../../compose.ts';
import type { Call } from '../spec.ts';

/** The newest ramp of a flag. @throws SlipwayError `not_found` */
export async function newestRamp({ opened }: App, environment: string, flag: string): Promise<RampState> {
  const [ramp] = await opened.ramps.list({ environment, flag, limit: 1 });
  if (ramp !== undefined) return foldRamp(await opened.ramps.load(ramp));
  throw new SlipwayError('not_found', `${flag} has no ramp in ${environment}`, {
    hint: 'Run `slipway ramp status` to see those there are; -e names the environment.',
  });
}

/** Whoever reads that a ramp comes to its next step soon must know that nothing here takes it there. */
export async function noteUndriven({ terminal }: Call, { places }: App, states: readonly RampState[]): Promise<void> {
  const ours = states.filter(({ plan, ended }) => ended === null && plan.node === places.node);
  if (ours.length === 0 || ((await agentStatus(places.home))?.worker ?? null) !== null) return;
  const what = ours.length === 1 ? 'this ramp' : 'these ramps';
  terminal.note(
    `note: no agent with a worker runs here; unless another worker drives ${what}, nobody judges or goes on: start one with \`slipway agent start\``,
  );
}
