import type { FlagBed } from '../../src/flags/contract.ts';
import type { TestServer } from './support.ts';

/** One empty database of a server; each connection is a store of its own. */
export async function flagBed(start: () => Promise<TestServer>): Promise<FlagBed> {
  const server = await start();
  const url = await server.newDatabase();
  return { connect: () => server.open(url), close: () => server.stop() };
}
