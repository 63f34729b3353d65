import { BUCKETS, type Cohort, COHORT_COOKIE, type CohortField, cohortCookie } from '../../core/cohort.ts';
import type { RouteSpec } from '../../ports.ts';

/**
 * A route's cohort as part of its entry in the runtime table, so that it changes with the weights and without a reload: lines in
 * hexadecimal, each a word, a name and a value, as `COHORT_SCRIPT` reads them. Null without a cohort, and with one version only.
 */
export function cohortText({ cohort, backends }: RouteSpec): string | null {
  const [stable, canary] = backends;
  if (cohort === undefined || stable === undefined || canary === undefined) return null;
  const rows: readonly Row[] = [
    ['stable', '', stable.version],
    ['canary', '', canary.version],
    ...fieldRows('key', cohort.key),
    ...fieldRows('force', cohort.force),
    ['sticky', '', cohort.sticky === true ? 'yes' : undefined],
    ...ruleRows(cohort.only),
  ];
  const lines = rows.map(([word, name, value]) => (value === undefined ? '' : `${word}\t${name}\t${value.replaceAll(/[\t\n]/g, '?')}\n`));
  return Buffer.from(lines.join('')).toString('hex');
}

type Row = readonly [word: string, name: string, value: string | undefined];

function fieldRows(word: 'key' | 'force', field: CohortField | undefined): readonly Row[] {
  return [
    [`${word}_header`, '', field?.header],
    [`${word}_cookie`, '', field?.cookie],
  ];
}

function ruleRows(only: Cohort['only']): readonly Row[] {
  const paths = (only?.paths ?? []).map((path): Row => ['path', '', path]);
  const headers = Object.entries(only?.headers ?? {}).flatMap(([name, values]) => values.map((value): Row => ['only', name, value]));
  return [...paths, ...headers];
}

/** As an argument of `http-response add-header`; the script sets the variable for whoever is to keep a bucket. */
export const COOKIE_FORMAT = cohortCookie(0).replace(`${COHORT_COOKIE}=0`, `${COHORT_COOKIE}=%[var(txn.cohort)]`);

/** The same decision as `bucketFor` in core/cohort.ts; the router contract compares them. */
export const COHORT_SCRIPT = `
local cohorts = {}

-- What the table says of a cohort, read once.
local function cohort_of(route, text)
  local known = cohorts[route]
  if known ~= nil and known.text == text then return known end
  known = { text = text, only = {} }
  local plain = string.gsub(text, '%x%x', function(byte) return string.char(tonumber(byte, 16)) end)
  for word, name, value in string.gmatch(plain, '([^\\t\\n]*)\\t([^\\t\\n]*)\\t([^\\n]*)\\n') do
    if word == 'path' then
      known.paths = known.paths or {}
      table.insert(known.paths, value)
    elseif word == 'only' then
      known.only[name] = known.only[name] or {}
      known.only[name][value] = true
    else
      known[word] = value
    end
  end
  cohorts[route] = known
  return known
end

local function value_of(txn, header, cookie)
  local value = header and txn.f:req_fhdr(header, 1)
  if value ~= nil and value ~= '' then return value end
  value = cookie and txn.f:req_cook(cookie)
  if value ~= '' then return value end
  return nil
end

local function is_under(path, prefix)
  local folder = prefix
  if string.sub(prefix, -1) ~= '/' then folder = prefix .. '/' end
  return path == prefix or string.sub(path, 1, #folder) == folder
end

local function matches(txn, cohort)
  for name, values in pairs(cohort.only) do
    if not values[txn.f:req_fhdr(name, 1) or ''] then return false end
  end
  if cohort.paths == nil then return true end
  local path = txn.f:path() or ''
  for _, prefix in ipairs(cohort.paths) do
    if is_under(path, prefix) then return true end
  end
  return false
end

-- A bucket from 0 to ${BUCKETS - 1}; nil for a request that is dealt by weight.
local function bucket_for(txn, cohort)
  if not matches(txn, cohort) then return ${BUCKETS - 1} end
  local forced = value_of(txn, cohort.force_header, cohort.force_cookie)
  if forced ~= nil and (forced == 'canary' or forced == cohort.canary) then return 0 end
  if forced ~= nil and (forced == 'stable' or forced == cohort.stable) then return ${BUCKETS - 1} end
  local key = value_of(txn, cohort.key_header, cohort.key_cookie)
  if key ~= nil then return txn.c:xxh32(key) % ${BUCKETS} end
  if cohort.sticky == nil then return nil end
  local kept = txn.f:req_cook('${COHORT_COOKIE}') or ''
  if #kept <= 4 and string.match(kept, '^%d+$') then return tonumber(kept) end
  local drawn = math.random(0, ${BUCKETS - 1})
  txn:set_var('txn.cohort', tostring(drawn))
  return drawn
end

core.register_action('slipway_cohort', { 'http-req' }, function(txn, route)
  local text = string.match(txn:get_var('txn.route') or '', '([^|]*)$')
  local bucket = bucket_for(txn, cohort_of(route, text))
  if bucket ~= nil then txn:set_var('txn.bucket', bucket) end
end, 1)
`;
