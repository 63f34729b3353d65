import { KAYENTA_METRIC_DEFAULTS, type JudgePolicy, type MetricPolicy } from '../../analysis/pure.ts';

/** The policy with the metrics a project declares beside the router's. `threshold` judges what its own list names. */
export function withMetrics(policy: JudgePolicy, declared: readonly MetricPolicy[]): JudgePolicy {
  switch (policy.kind) {
    case 'sequential':
      return { ...policy, metrics: [...policy.metrics, ...declared] };
    case 'documented':
      return { ...policy, custom: { ...policy.custom, ...Object.fromEntries(declared.map(({ name, margin }) => [name, margin])) } };
    case 'threshold':
      return policy;
    case 'mann-whitney': {
      const like = policy.metrics[0] ?? KAYENTA_METRIC_DEFAULTS;
      return { ...policy, metrics: [...policy.metrics, ...declared.map(({ name }) => ({ ...like, name }))] };
    }
  }
}
