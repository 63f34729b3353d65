/** One flag of the benchmark, in nobody's format: plainly on, or five rules that serve true and then a split in halves. */
export interface BenchFlag {
  readonly key: string;
  readonly rules: BenchRules | null;
}

export interface BenchRules {
  readonly countries: readonly string[];
  readonly domain: string;
  readonly plan: string;
  readonly age: number;
  readonly version: string;
}

export interface BenchUser {
  readonly id: string;
  readonly country: string;
  readonly email: string;
  readonly plan: string;
  readonly age: number;
  readonly version: string;
}

export const USERS = 1_024;

/** Flags that are plainly on. */
export function plainFlags(count: number): readonly BenchFlag[] {
  return Array.from({ length: count }, (_, index) => ({ key: `release_feature-${index}`, rules: null }));
}

/**
 * Flags with rules. `alike` of them have the same rules at most, as flags of one product have: the same plans, countries and versions again
 * and again. With 1 no two are the same.
 */
export function ruleFlags(count: number, alike: number): readonly BenchFlag[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = Math.floor(index / alike);
    return {
      key: `release_feature-${index}`,
      rules: {
        countries: [`X${kind}`, `Y${kind}`, `Z${kind}`],
        domain: `@company-${kind}.example`,
        plan: `plan-${kind}`,
        age: 100 + kind,
        version: `${10 + kind}.2.3`,
      },
    };
  });
}

/** Users for whom no rule holds. */
export const USERS_OF_NO_RULE: readonly BenchUser[] = Array.from({ length: USERS }, (_, index) => ({
  id: `user-${index}-4f1c9b2e`,
  country: ['DE', 'PL', 'FR', 'US'][index % 4] ?? 'DE',
  email: `person.${index}@mail.example`,
  plan: ['free', 'pro', 'team'][index % 3] ?? 'free',
  age: 18 + (index % 60),
  version: `${1 + (index % 5)}.${index % 10}.0`,
}));

/** For each rule of a flag a user for whom it holds, and no rule before it. */
export function usersOfRules(rules: BenchRules): readonly BenchUser[] {
  const [nobody] = USERS_OF_NO_RULE;
  if (nobody === undefined) throw new Error('There are users.');
  return [
    { ...nobody, country: rules.countries[2] ?? '' },
    { ...nobody, email: `someone${rules.domain}` },
    { ...nobody, plan: rules.plan },
    { ...nobody, age: rules.age + 1 },
    { ...nobody, version: '999999.0.0' },
  ];
}
