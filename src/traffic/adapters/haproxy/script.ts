import { COHORT_SCRIPT } from './cohort-text.ts';

/** What the script needs to know. */
export interface ScriptSettings {
  /** The runtime table, by the same path as in the configuration: HAProxy keeps one in memory per path. */
  readonly table: string;
  readonly holdRequests: number;
  readonly holdMs: number;
  /** Where the order of the dealt buckets begins. */
  readonly seed: number;
}

const SCRIPT = `-- Written by Slipway; changes are lost.
local routes = Map.new('@TABLE@', Map._str)
local waiting = {}
local decks = {}
local serials = {}

math.randomseed(@SEED@)

local function mode_of(route)
  return string.match(routes:lookup(route) or 'closed', '^[^|]*')
end

local function now_ms()
  local now = core.now()
  return now.sec * 1000 + now.usec / 1000
end

-- A request whose client left stops looking without saying so.
local function count_waiting(route)
  local count = 0
  local stale = now_ms() - 3000
  for one, seen in pairs(waiting[route] or {}) do
    if seen < stale then waiting[route][one] = nil else count = count + 1 end
  end
  return count
end

-- Keeps a request waiting while its route is held, bounded in number and time.
core.register_action('slipway_gate', { 'http-req' }, function(txn, route)
  if mode_of(route) ~= 'hold' then return end
  local count = count_waiting(route)
  if count >= @HOLD_REQUESTS@ then
    txn:set_var('txn.late', true)
    return
  end
  local me = {}
  local since = now_ms()
  waiting[route] = waiting[route] or {}
  while mode_of(route) == 'hold' do
    local now = now_ms()
    if now - since > @HOLD_MS@ then
      txn:set_var('txn.late', true)
      break
    end
    waiting[route][me] = now
    -- The more wait, the less often each looks.
    core.msleep(20 + math.floor(count / 5))
  end
  waiting[route][me] = nil
end, 1)

-- The next of the buckets 0, 100, ... 9900, of a shuffled deck that holds each once.
core.register_fetches('slipway_deal', function(txn, route)
  local deck = decks[route]
  if deck == nil or deck.dealt >= 100 then
    deck = { dealt = 0 }
    for i = 1, 100 do deck[i] = (i - 1) * 100 end
    for i = 100, 2, -1 do
      local j = math.random(i)
      deck[i], deck[j] = deck[j], deck[i]
    end
    decks[route] = deck
  end
  deck.dealt = deck.dealt + 1
  return deck[deck.dealt]
end)

@COHORT@
core.register_fetches('slipway_serial', function(txn, route)
  serials[route] = (serials[route] or 0) + 1
  return tostring(serials[route])
end)

core.register_cli({ 'slipway', 'serials' }, 'slipway serials : log lines of each route so far', function(applet)
  for route, serial in pairs(serials) do applet:send(route .. ' ' .. serial .. '\\n') end
end)

core.register_cli({ 'slipway', 'waiting' }, 'slipway waiting <route> : requests kept waiting', function(applet, first, second, route)
  applet:send(tostring(count_waiting(route)) .. '\\n')
end)
`;

/**
 * What HAProxy 2.6 has no directive for, in Lua: keeping requests waiting (`pause` is new in 2.8), dealing buckets that add up over
 * every hundred requests (`rand` would be off by half a point over ten thousand), and a serial number per log line of a
 * route, without which nobody would know that one was lost.
 */
export function renderScript({ table, holdRequests, holdMs, seed }: ScriptSettings): string {
  return SCRIPT.replace('@COHORT@', () => COHORT_SCRIPT.trim() + '\n')
    .replace('@TABLE@', table)
    .replace('@HOLD_REQUESTS@', String(holdRequests))
    .replace('@HOLD_MS@', String(holdMs))
    .replace('@SEED@', String(seed));
}
