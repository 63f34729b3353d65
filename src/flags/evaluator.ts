/** The evaluator that clients have, too: what the server answers is what they would have computed. The one way out of the rooms into the package. */
export * from '../../packages/flags/src/index.ts';
