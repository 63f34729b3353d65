import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { createOtlpDoors } from '../../analysis/index.ts';
import { SlipwayError, systemIds, type Clock, type Log } from '../../kernel/index.ts';
import { tellOtlpAddress, type OtlpAddress } from './otlp-address.ts';

export interface OtlpListener {
  /** What it counted, for the agent's socket. */
  readonly readings: Hono;
  close(): Promise<void>;
}

/**
 * Listens for metrics; null where nothing was asked for.
 * @throws SlipwayError `port_in_use`
 */
export async function openOtlp(address: OtlpAddress | null, clock: Clock, log: Log): Promise<OtlpListener | null> {
  if (address === null) return null;
  const { receiver, readings } = await createOtlpDoors(systemIds.token(), clock);
  const server = createAdaptorServer({ fetch: receiver.fetch }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const where = tellOtlpAddress(address);
      reject(
        cause.code === 'EADDRINUSE'
          ? new SlipwayError('port_in_use', `Somebody else listens on ${where}, where metrics were to be received`, {
              cause,
              hint: 'Give another address, `slipway agent start --otlp 127.0.0.1:4319`, or none: `--otlp none`.',
            })
          : cause,
      );
    });
    server.listen(address.port, address.host, resolve);
  });
  log('info', 'metrics are received over OTLP/HTTP', { ...address });
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { readings, close };
}
