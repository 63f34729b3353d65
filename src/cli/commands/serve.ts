import { keepTellingOwners } from '../../flags/index.ts';
import { SlipwayError, systemClock, systemIds, type Duration } from '../../kernel/index.ts';
import { flagStream, readNetwork, serveHttp, type Network } from '../../server/index.ts';
import { openApp, random } from '../compose.ts';
import { createLog, levelFrom } from '../output/log.ts';
import { ownVersion } from '../output/version.ts';
import { refuseStrangeFolder } from './shared/app.ts';
import { onInterrupt } from './shared/interrupt.ts';
import { timeSpan } from './shared/numbers.ts';
import { many, text, type Call, type Handler } from './spec.ts';

const HOST = '127.0.0.1';
const PORT = 8_600;
const PER_SECOND = 1_000;
/** Some 25 KB each: half a gigabyte, and half of them are ten thousand. */
const STREAMS = 20_000;
const LIMIT_MS: Duration = 3_600_000;
const LEAST_LIMIT_MS: Duration = 10_000;
const MOST_LIMIT_MS: Duration = 7 * 86_400_000;

/** Serves flags until it is told to stop. */
export const run: Handler = async (call) => {
  await refuseStrangeFolder(call);
  const { directory, environment, secrets } = call;
  const perSecond = numberOf(call, 'rate', { usual: PER_SECOND, least: 1, most: 1_000_000 });
  const asked = {
    host: text(call, 'host') ?? HOST,
    port: numberOf(call, 'port', { usual: PORT, least: 0, most: 65_535 }),
    origins: many(call, 'origin').map(originOf),
    proxies: many(call, 'trustProxy').map(proxyOf),
    rate: { perSecond, burst: 2 * perSecond },
    mostStreams: numberOf(call, 'mostStreams', { usual: STREAMS, least: 2, most: 1_000_000 }),
    limitMs: limitOf(call),
  };
  const log = createLog({
    clock: systemClock,
    redact: secrets.redact,
    level: levelFrom(environment['SLIPWAY_LOG'], 'info'),
    write: (line) => void process.stdout.write(line),
  });
  const interrupt = onInterrupt();
  const app = await openApp({ workspace: directory, environment, log, secrets, lazyHome: true });
  try {
    const { flags, tokens, telemetry } = app.opened;
    const { redact } = secrets;
    const options = { ...asked, flags, tokens, telemetry, redact, log, random, version: ownVersion(), clock: systemClock, ids: systemIds };
    const signer = app.flagSigner();
    // Also when the server cannot go on by itself, what runs beside it ends.
    const ended = new AbortController();
    const begin = (): void => {
      log('info', 'flags are signed', { key: signer.key, others: signer.keys.slice(1) });
      // Not waited for at the end: a store that is away would hold it up, and what was not told is told by another process, or later.
      void keepTellingOwners(app.notices, AbortSignal.any([interrupt.signal, ended.signal]));
    };
    await serveHttp({ ...options, keys: signer.keys, mounts: [flagStream(signer)] }, interrupt.signal, begin).finally(() => ended.abort());
  } finally {
    await app.close();
  }
  return 0;
};

/** @throws SlipwayError `usage` */
function limitOf(call: Call): Duration {
  const given = text(call, 'staleLimit');
  if (given === undefined) return LIMIT_MS;
  const ms = timeSpan('--stale-limit', given, MOST_LIMIT_MS);
  if (ms >= LEAST_LIMIT_MS) return ms;
  throw new SlipwayError('usage', `--stale-limit ${given}: at least 10s are needed`, {
    hint: 'So long may a restart of the database take, and flags are answered meanwhile.',
  });
}

interface Bounds {
  readonly usual: number;
  readonly least: number;
  readonly most: number;
}

function numberOf(call: Call, name: string, { usual, least, most }: Bounds): number {
  const given = text(call, name);
  if (given === undefined) return usual;
  const number = Number(given);
  if (/^\d{1,9}$/.test(given) && number >= least && number <= most) return number;
  const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new SlipwayError('usage', `--${option} ${given}: a whole number from ${least} to ${most} is needed`);
}

/** @throws SlipwayError `usage` */
function proxyOf(given: string): Network {
  const network = readNetwork(given);
  if (network !== null) return network;
  throw new SlipwayError('usage', `--trust-proxy ${given}: that is neither an address nor a network of some addresses`, {
    hint: 'It looks like 10.0.0.7, 10.0.0.0/8 or fd00::/8: whence the proxy asks. What everybody could say of himself cannot be trusted.',
  });
}

/** As browsers send it: scheme, host and port, nothing after it. */
function originOf(given: string): string {
  if (given === '*') return given;
  if (URL.canParse(given) && new URL(given).origin === given) return given;
  throw new SlipwayError('usage', `--origin ${given}: that is no origin`, {
    hint: 'It looks like https://shop.example, without a slash at its end.',
  });
}
