import type { ContractDefinition } from '../database/index.ts';
import { declaredNames, loadDeclared } from './declared.ts';
import { contractSchema, toContract } from './schema/contract.ts';

const CONTRACTS = {
  folder: 'contracts',
  word: 'contract',
  schema: contractSchema,
  read: toContract,
  hint: 'Declare it there: drops, since, and how it is seen that nobody needs it (docs/contract.md).',
};

/** Reads what is declared to be contracted, by its name. @throws SlipwayError as `loadDeclared` */
export function loadContract(workspace: string, name: string): Promise<ContractDefinition> {
  return loadDeclared(CONTRACTS, workspace, name);
}

/** The names of all of them in a source, in order. */
export function contractNames(workspace: string): Promise<readonly string[]> {
  return declaredNames(CONTRACTS, workspace);
}
