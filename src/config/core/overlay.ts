import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/pure.ts';

/**
 * The base with one environment's overrides: maps are merged key by key, everything else is replaced,
 * and an empty value (null) removes the key. The rules are those of JSON Merge Patch (RFC 7396).
 */
export function overlay(base: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, overlayValue(merged.get(key), value));
  }
  // fromEntries defines own properties, so a key named __proto__ stays data.
  return Object.fromEntries(merged);
}

function overlayValue(base: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  return overlay(base !== undefined && isJsonObject(base) ? base : {}, patch);
}
