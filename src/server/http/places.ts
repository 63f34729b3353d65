import type { Token } from '../../flags/index.ts';
import type { Log } from '../../kernel/index.ts';
import { Later } from './later.ts';

/** Who opens streams: whoever has a token that everybody can read, or servers. */
type Audience = 'public' | 'server';

/** When those that were refused may come again: drawn evenly from between, for they were refused together. */
const AGAIN_MS = { least: 12_000, spread: 12_000 } as const;

/** Streams that a process may have: each takes memory until it ends, and whoever has a token could open them without end. */
export interface Places {
  /** Takes one; answers how to give it back. @throws Later `too_many_streams` */
  take(token: Pick<Token, 'scopes'>): () => void;
  taken(audience: Audience): number;
  /** Since the process began. */
  refused(audience: Audience): number;
  readonly most: number;
  /** The next refusal is worth a line in the log again. */
  quieted(): void;
}

export interface PlacesOptions {
  readonly most: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

export function createPlaces({ most, random, log }: PlacesOptions): Places {
  const taken: Record<Audience, number> = { public: 0, server: 0 };
  const refused: Record<Audience, number> = { public: 0, server: 0 };
  // Half is out of reach of public tokens, whatever they do: what servers need is not for everybody to take.
  const forPublic = Math.floor(most / 2);
  let told = false;
  const refuse = (audience: Audience): never => {
    refused[audience] += 1;
    if (!told) log('warn', 'streams are refused: this process has as many as it may', { tokens: audience, ...taken, most, forPublic });
    told = true;
    throw new Later('too_many_streams', 'This server process has as many streams as it may', AGAIN_MS.least + random() * AGAIN_MS.spread);
  };
  return {
    take: ({ scopes }) => {
      const audience = scopes.includes('server-evaluate') ? 'server' : 'public';
      const isFull = taken.public + taken.server >= most || (audience === 'public' && taken.public >= forPublic);
      if (isFull) refuse(audience);
      taken[audience] += 1;
      return () => void (taken[audience] -= 1);
    },
    taken: (audience) => taken[audience],
    refused: (audience) => refused[audience],
    most,
    quieted: () => void (told = false),
  };
}
