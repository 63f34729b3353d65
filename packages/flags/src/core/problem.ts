/** Why a definition cannot be compiled, for people; it reads on after the name of the flag. Never leaves the core. */
export class DefinitionProblem extends Error {}
