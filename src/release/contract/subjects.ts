import { isSameShape, type ContractDefinition, type Contraction, type OldShape, type PendingContractions } from '../../database/index.ts';
import type { Subject } from './ports.ts';

/** Kinds that go along with what a file contracts: the trigger that wrote both shapes, its function, a constraint. */
const GOES_ALONG: ReadonlySet<OldShape['kind']> = new Set(['rule', 'routine']);

/**
 * Sorts what pending files contract by what declares it; what nothing declares is one subject more. A declaration that no file
 * contracts yet is judged as well: whether it could be is what people ask beforehand.
 */
export function subjectsOf(declarations: readonly ContractDefinition[], pending: PendingContractions): readonly Subject[] {
  const { contractions, unreadable, away } = pending;
  const owners = new Map<Contraction, ContractDefinition>();
  for (const one of contractions) {
    const owner = declarations.find(({ drops }) => one.shapes.some((shape) => drops.some((drop) => isSameShape(shape, drop))));
    if (owner !== undefined) owners.set(one, owner);
  }
  for (const one of contractions.filter((each) => !owners.has(each))) {
    const beside = contractions.find(({ file }, index) => file === one.file && owners.has(contractions[index] as Contraction));
    const owner = beside === undefined ? undefined : owners.get(beside);
    if (owner !== undefined && one.shapes.every(({ kind }) => GOES_ALONG.has(kind))) owners.set(one, owner);
  }
  const declared = declarations.map((declaration): Subject => {
    const own = contractions.filter((one) => owners.get(one) === declaration);
    return { declared: declaration, shapes: joined(declaration.drops, own), contractions: own, unreadable: [], away };
  });
  const rest = contractions.filter((one) => !owners.has(one));
  if (rest.length === 0 && unreadable.length === 0) return declared;
  return [...declared, { declared: null, shapes: joined([], rest), contractions: rest, unreadable, away }];
}

/** As the file takes it away, where one does: what is only renamed is missed by fewer. */
function joined(drops: readonly OldShape[], contractions: readonly Contraction[]): readonly OldShape[] {
  const found = contractions.flatMap(({ shapes }) => shapes);
  const more = found.filter((shape) => !drops.some((drop) => isSameShape(shape, drop)));
  return [...drops.map((drop) => found.find((shape) => isSameShape(shape, drop) && shape.change === 'rename') ?? drop), ...more];
}
