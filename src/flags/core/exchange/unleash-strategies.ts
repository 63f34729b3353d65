import { isJsonObject, type JsonObject } from '../../../kernel/pure.ts';
import { NotCarried, type Holds } from './told.ts';
import { attributeFor, type Teller } from './unleash-constraints.ts';
import { textIn } from './unleash-document.ts';

/** When an activation strategy holds, constraints and segments aside. */
export function strategyHolds(strategy: JsonObject, feature: string, told: Teller): Holds {
  const given = strategy['parameters'];
  const parameters = isJsonObject(given) ? given : {};
  switch (textIn(strategy, 'name')) {
    case 'default':
      return true;
    case 'flexibleRollout':
      return share(numberIn(parameters, 'rollout'), {
        stickiness: textIn(parameters, 'stickiness') || 'default',
        group: textIn(parameters, 'groupId') || feature,
        told,
      });
    case 'gradualRolloutUserId':
      return share(numberIn(parameters, 'percentage'), { stickiness: 'userId', group: textIn(parameters, 'groupId'), told });
    case 'gradualRolloutSessionId':
      return share(numberIn(parameters, 'percentage'), { stickiness: 'sessionId', group: textIn(parameters, 'groupId'), told });
    case 'gradualRolloutRandom':
      return share(numberIn(parameters, 'percentage'), { stickiness: 'random', group: feature, told });
    case 'userWithId':
      return userWithId(textIn(parameters, 'userIds'));
    default:
      throw new NotCarried('there is nothing for this strategy here');
  }
}

function numberIn(parameters: JsonObject, name: string): number {
  const value = parameters[name];
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
}

interface Sharing {
  readonly stickiness: string;
  readonly group: string;
  readonly told: Teller;
}

/** A share in whole percent: its buckets are 1 to 100, and what is between them adds nobody. */
function share(percent: number, { stickiness, group, told }: Sharing): Holds {
  const whole = Math.floor(percent);
  if (!(whole >= 1)) return false;
  const isAnyone = stickiness === 'default' || stickiness === 'random';
  if (whole >= 100)
    return isAnyone
      ? true
      : {
          all: [
            { attribute: attributeFor(stickiness), operator: 'exists' },
            { attribute: attributeFor(stickiness), operator: 'ne', value: '' },
          ],
        };
  const by = dealtBy(stickiness, told);
  return { percentage: whole * 1_000, ...(by === 'targetingKey' ? {} : { by }), ...(group === '' ? {} : { salt: group }) };
}

/** The attribute by which contexts are dealt, with what is lost by it. */
export function dealtBy(stickiness: string, told: Teller): string {
  if (stickiness === 'random') {
    told.differs('was dealt at random each time; here who has it keeps it');
    return 'targetingKey';
  }
  told.differs('buckets are dealt anew, since the hash is another one: as many people have it, but not the same ones');
  if (stickiness !== 'default') return attributeFor(stickiness);
  told.differs('who has no userId was dealt by the sessionId, or at random; here nobody without a targeting key is in');
  return 'targetingKey';
}

function userWithId(list: string): Holds {
  const values = [...new Set(list.split(/\s*,\s*/).filter((id) => id !== ''))];
  return values.length === 0 ? false : { attribute: 'targetingKey', operator: 'in', values };
}
