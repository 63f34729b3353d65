import type { JsonObject } from '../../../kernel/pure.ts';
import type { Step } from '../plan.ts';
import { groupSpec, routeSpec, type Side } from './group.ts';
import { step, UNDO_OPTIONS } from './input.ts';

/** The ways back a plan is made of; each is idempotent and names the old version, never "whatever was there". */
export interface UndoSteps {
  readonly stopNew: readonly Step[];
  readonly startOld: readonly Step[];
  /** Its requests part only, without a time to end. */
  readonly keepOld: readonly Step[];
  readonly openOld: readonly Step[];
  readonly holdTraffic: readonly Step[];
}

/** Builds the undo steps for one release. Without an old version, back means: nothing runs and the route is closed. */
export function undoSteps(newSide: Side, old: Side | null, databaseUrl: string | null): UndoSteps {
  const { definition } = newSide;
  const undo = (name: string, kind: Step['kind'], title: string, input: JsonObject): readonly Step[] => [
    step('rollback', name, { kind, title, input }, UNDO_OPTIONS),
  ];
  const route = (name: string, mode: 'open' | 'hold' | 'closed', title: string): readonly Step[] => {
    const unrouted = old === null || old.definition.listen === null;
    const spec = unrouted ? routeSpec(definition, 'closed', null) : routeSpec(old.definition, mode, old);
    return spec === null ? [] : undo(name, 'route', title, spec);
  };
  return {
    stopNew: undo('stop-new', 'remove-group', `stop ${newSide.version}`, { group: newSide.group }),
    startOld: old === null ? [] : undo('start-old', 'apply-group', `start ${old.version}`, groupSpec(old, databaseUrl)),
    keepOld: old === null ? [] : undo('keep-old', 'apply-group', `keep ${old.version}`, groupSpec(old, databaseUrl, 'routed')),
    openOld: route('open-old', 'open', old === null || old.definition.listen === null ? 'close the route' : `send users to ${old.version}`),
    holdTraffic: route('hold', 'hold', 'hold new requests'),
  };
}
