import { it } from 'vitest';
import { ledgerContract } from './ledger-contract.ts';
import { lockContract } from './lock-contract.ts';
import { hasSystemPostgres, systemServer } from './support.ts';
import { wakeupsContract } from './wakeups-contract.ts';

if (hasSystemPostgres) {
  ledgerContract('PostgreSQL 15', systemServer);
  lockContract('PostgreSQL 15', systemServer);
  wakeupsContract('PostgreSQL 15', systemServer);
} else {
  it('is skipped: PostgreSQL 15 is not installed here', () => undefined);
}
