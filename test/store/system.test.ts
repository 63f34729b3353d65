import { expect, it } from 'vitest';
import { flagContract } from '../../src/flags/contract.ts';
import { flagBed } from './flag-bed.ts';
import { ledgerContract } from './ledger-contract.ts';
import { lockContract } from './lock-contract.ts';
import { hasSystemPostgres, systemServer } from './support.ts';
import { wakeupsContract } from './wakeups-contract.ts';

// The oldest server that is supported; only where its binaries are installed.
const contracts = hasSystemPostgres ? [ledgerContract, lockContract, wakeupsContract] : [];
for (const contract of contracts) contract('PostgreSQL 15', systemServer);
if (hasSystemPostgres) flagContract('PostgreSQL 15', () => flagBed(systemServer));

it.skipIf(hasSystemPostgres)('is not tried: PostgreSQL 15 is not installed here', () => expect(contracts).toEqual([]));
