import { SlipwayError } from '../kernel/index.ts';
import type { Hold } from './ports.ts';
import { dropDatabase, ident, literal } from './server.ts';

interface Nature {
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly provider: string;
  readonly locale: string | null;
  readonly rules: string | null;
}

/** Makes an empty database with the encoding and locale of the live one; an earlier one of that name is dropped. */
export async function createEmptyLike({ access: like, session }: Hold, name: string): Promise<void> {
  await session('creating a database', async (client) => {
    // The columns for ICU locales were renamed in PostgreSQL 17 and absent before 15; as JSON a missing one is just missing.
    const { rows } = await client.query<{ facts: Record<string, string | null>; encoding: string }>(
      'SELECT to_jsonb(d) AS facts, pg_encoding_to_char(d.encoding) AS encoding FROM pg_database d WHERE datname = $1',
      [like.name],
    );
    const [row] = rows;
    if (row === undefined)
      throw new SlipwayError('database_refused', `The database ${like.name} does not exist, so its encoding and locale are not known`);
    const { facts } = row;
    const nature: Nature = {
      encoding: row.encoding,
      collate: facts['datcollate'] ?? '',
      ctype: facts['datctype'] ?? '',
      provider: facts['datlocprovider'] ?? 'c',
      locale: facts['datlocale'] ?? facts['daticulocale'] ?? null,
      rules: facts['daticurules'] ?? null,
    };
    await dropDatabase(client, name);
    await client.query(`CREATE DATABASE ${ident(name)} TEMPLATE template0 ${options(nature)}`);
  });
}

function options({ encoding, collate, ctype, provider, locale, rules }: Nature): string {
  const common = `ENCODING ${literal(encoding)} LC_COLLATE ${literal(collate)} LC_CTYPE ${literal(ctype)}`;
  if (locale === null || provider === 'c') return common;
  const builtin = provider === 'b';
  const icu = `${common} LOCALE_PROVIDER ${builtin ? 'builtin' : 'icu'} ${builtin ? 'BUILTIN_LOCALE' : 'ICU_LOCALE'} ${literal(locale)}`;
  return rules === null ? icu : `${icu} ICU_RULES ${literal(rules)}`;
}
