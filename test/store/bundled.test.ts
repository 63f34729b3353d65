import { flagContract } from '../../src/flags/contract.ts';
import { flagBed } from './flag-bed.ts';
import { ledgerContract } from './ledger-contract.ts';
import { lockContract } from './lock-contract.ts';
import { embeddedServer } from './support.ts';
import { wakeupsContract } from './wakeups-contract.ts';

ledgerContract('the bundled PostgreSQL', embeddedServer);
lockContract('the bundled PostgreSQL', embeddedServer);
wakeupsContract('the bundled PostgreSQL', embeddedServer);
flagContract('the bundled PostgreSQL', () => flagBed(embeddedServer));
