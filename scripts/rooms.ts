/**
 * The house: floors from the ground up. A room may import rooms of lower floors, never its own floor or a higher one.
 * `.oxlintrc.json` says the same to the editor; `test/house/direction.test.ts` tries every pair against both.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['kernel'],
  ['evidence'],
  ['analysis', 'traffic', 'targets', 'database', 'flags', 'governance', 'environments', 'review'],
  ['release'],
  ['store', 'config'],
  ['gitops'],
  ['server'],
  ['cli'],
];

/** Every room's name, ground floor first. */
export const ROOMS: readonly string[] = FLOORS.flat();

function floorOf(room: string): number {
  return FLOORS.findIndex((floor) => floor.includes(room));
}

/** May a file of room `from` import room `to`? Both must be in {@link ROOMS}. */
export function mayImport(from: string, to: string): boolean {
  return from === to || floorOf(to) < floorOf(from);
}
