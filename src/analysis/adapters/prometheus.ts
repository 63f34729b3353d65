import { silent, type Reading } from '../core/reading.ts';
import type { Ask, MetricSource } from '../ports.ts';
import { readAnswer } from './prometheus/answer.ts';
import { askPrometheus } from './prometheus/http.ts';
import { queryOf } from './prometheus/query.ts';

export interface PrometheusOptions {
  readonly url: string;
  readonly token: string | null;
  readonly ask: Ask;
  readonly timeoutMs: number;
}

/**
 * Counts from a Prometheus (or what speaks its HTTP API, `POST /api/v1/query`). Everything of both versions is asked in one query
 * at one moment: one evaluation sees either all of a scrape or nothing of it. The moment is the server's own, so its clock need not be ours.
 */
export function createPrometheusSource(options: PrometheusOptions): MetricSource {
  return {
    read: async (question, signal): Promise<Reading> => {
      const answered = await askPrometheus(options, queryOf(options.ask, question), signal);
      return 'problem' in answered ? silent(answered.problem) : readAnswer(answered.json, options.ask.kind);
    },
  };
}
