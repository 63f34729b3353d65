import { assertExhaustive, formatDuration } from '../../kernel/index.ts';
import {
  conditionText,
  percentText,
  valueText,
  type Bucket,
  type ExplainedCondition,
  type ExplainedFlag,
  type Step,
} from '../../flags/index.ts';
import { plain } from './as-is.ts';
import type { Style } from './style.ts';

/** The answer first, then what was looked at, in its order; the last of it decided. */
export function renderExplanation({ environment, key, seq, evaluation, steps }: ExplainedFlag, style: Style): string {
  const { variant, value, errorCode, errorMessage } = evaluation;
  const got =
    value === undefined
      ? `the default of the code that asks: ${errorMessage ?? errorCode ?? 'nothing is served'}`
      : plain(`${variant} = ${valueText(value)}`);
  return [
    `${style.bold(`${key} in ${environment}`)}, after change ${seq}: ${got}`,
    ...steps.flatMap((step) => stepLines(step, style)),
  ].join('\n');
}

function stepLines(step: Step, style: Style): readonly string[] {
  switch (step.step) {
    case 'disabled':
      return ['  it is off, so everybody gets the safe variant'];
    case 'stale':
      return [`  nothing was heard for ${formatDuration(step.silentForMs)}, more than ${formatDuration(step.afterMs)}`];
    case 'prerequisite':
      return [`  ${mark(step.met, style)}  ${step.flag} must serve ${step.variants.join(' or ')}, and serves ${step.served}`];
    case 'rule':
      return [`  ${mark(step.holds, style)}  rule ${plain(step.rule)}`, ...partLines(step.condition, style, '       ')];
    case 'default':
      return ['  no rule holds, so it is what everybody gets'];
    case 'split':
      return [`  dealt by ${plain(bucketText(step.bucket))}: ${rangesOf(step.weights)}`];
    default:
      return assertExhaustive(step);
  }
}

function mark(yes: boolean, style: Style): string {
  return yes ? style.good('yes') : 'no ';
}

function partLines(part: ExplainedCondition, style: Style, indent: string): readonly string[] {
  const line = `${indent}${part.answer === 'yes' ? style.good('yes') : part.answer === 'no' ? 'no ' : style.warn('unfit')}  ${plain(partText(part))}`;
  const inside =
    part.kind === 'all' || part.kind === 'any' ? part.parts : part.kind === 'not' || part.kind === 'segment' ? [part.part] : [];
  return [line, ...inside.flatMap((one) => partLines(one, style, `${indent}  `))];
}

function partText(part: ExplainedCondition): string {
  switch (part.kind) {
    case 'comparison':
      return `${conditionText(part.comparison)}: it is ${part.value === undefined ? 'missing' : JSON.stringify(part.value)}`;
    case 'percentage':
      return `in ${percentText(part.percentage)}, dealt by ${bucketText(part.bucket)}`;
    case 'segment':
      return `segment ${part.segment}`;
    case 'not':
    case 'all':
    case 'any':
      return part.kind;
    default:
      return assertExhaustive(part);
  }
}

function bucketText({ by, key, bucket }: Bucket): string {
  return bucket === null ? `${by}, of which there is none to deal by` : `${by} ${JSON.stringify(key)}, which is at ${percentText(bucket)}`;
}

/** `on up to 25%, off up to 100%`. */
function rangesOf(weights: Extract<Step, { readonly step: 'split' }>['weights']): string {
  let end = 0;
  return weights
    .map(({ variant, weight }) => {
      end += weight;
      return `${variant} up to ${percentText(end)}`;
    })
    .join(', ');
}
