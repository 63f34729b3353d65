/** Preloaded into a process by `NODE_OPTIONS`: its wall clock is set wrong by as much as `TEST_CLOCK_BY_MS` says, from its beginning on. */
const byMs = Number(process.env['TEST_CLOCK_BY_MS'] ?? 0);
const now = Date.now.bind(Date);
Date.now = () => now() + byMs;
globalThis.Date = new Proxy(Date, {
  construct: (target, args: ConstructorParameters<typeof Date> | [], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [Date.now()] : args, newTarget) as object,
});
