import { toIso } from '../../kernel/index.ts';
import { forgetServer, type FlagServer } from '../../flags/index.ts';
import { renderServers, serverName } from '../output/flag-servers.ts';
import { withAppNow } from './shared/app.ts';
import { askedOf, needReason } from './shared/flags.ts';
import type { Handler } from './spec.ts';

/** Lists the processes of `slipway serve` that may answer. */
export const list: Handler = (call) =>
  withAppNow(call, async ({ opened }) => {
    const servers = await opened.telemetry.servers();
    const { terminal } = call;
    if (terminal.json) terminal.data({ servers: servers.map(documentOf) });
    else terminal.say(renderServers(servers, terminal.style));
    return 0;
  });

/** Gives up one that is silent, on a person's word. */
export const gone: Handler = async (call) => {
  needReason(call, 'A reason is needed: how it is known that the process has ended');
  return withAppNow(call, async (app) => {
    const [given = ''] = call.args;
    const { actor, reason } = askedOf(call, app, '');
    const server = await forgetServer(app.opened.telemetry, given, { actor, reason });
    const { terminal } = call;
    if (terminal.json) terminal.data({ server: documentOf(server), actor, reason });
    else {
      const clients = server.clients === 0 ? '' : ' Clients that it had may need a minute to come back to another one.';
      terminal.say(
        `No kill waits for ${serverName(server)} any more.${clients} If it still runs it may go on answering what it knew: end it.`,
      );
    }
    return 0;
  });
};

function documentOf({ silent, ended, heardAt, ...server }: FlagServer): object {
  return {
    ...server,
    heardAt: toIso(heardAt),
    silent: silent && { since: toIso(silent.since), until: toIso(silent.until) },
    ended: ended && { at: toIso(ended.at), until: toIso(ended.until) },
  };
}
