import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import type { Leases } from '../leases.port.ts';

/**
 * KEYS: members (sorted set: member by the end of its lease), holders (hash: name → member).
 * ARGV: member, ttl, take, joins (1 or 0), number of names, the names, what is used.
 */
const ROUND = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, ttl, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local known = redis.call('ZSCORE', KEYS[1], me) ~= false
local take = ARGV[3] == '1' and (known or ARGV[4] == '1')
redis.call('ZADD', KEYS[1], now + ttl, me)
local members = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(members)
local there, rank = {}, 0
for index, member in ipairs(members) do
  there[member] = true
  if member == me then rank = index - 1 end
end
local part = math.floor(count / #members)
if rank < count % #members then part = part + 1 end
local function holderOf(name)
  local holder = redis.call('HGET', KEYS[2], name)
  if holder and there[holder] then return holder end
  return nil
end
for index = 6 + count, #ARGV do
  if not holderOf(ARGV[index]) then redis.call('HSET', KEYS[2], ARGV[index], me) end
end
local held = {}
for index = 6, 5 + count do
  if holderOf(ARGV[index]) == me then held[#held + 1] = ARGV[index] end
end
for index = 6, 5 + count do
  if take and #held < part and not holderOf(ARGV[index]) then
    redis.call('HSET', KEYS[2], ARGV[index], me)
    held[#held + 1] = ARGV[index]
  end
end
return {part, known and 1 or 0, unpack(held)}`;

const RELEASE = `
if redis.call('HGET', KEYS[1], ARGV[2]) == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[2]) end`;

const LEAVE = `
redis.call('ZREM', KEYS[1], ARGV[1])
local holders = redis.call('HGETALL', KEYS[2])
for index = 1, #holders, 2 do
  if holders[index + 1] == ARGV[1] then redis.call('HDEL', KEYS[2], holders[index]) end
end`;

/** `Leases` of all processes on the same Redis: each step is one atomic script, on the server's clock. */
export function createRedisLeases({ connection }: { readonly connection: RedisConnection }): Leases {
  // One slot of a cluster for both keys of a group.
  const keysOf = (group: string) =>
    [connection.key(`leases:{${group}}:members`), connection.key(`leases:{${group}}:holders`)] as const;

  return {
    async round({ group, member, names, using, take, joins, ttlMs }) {
      const [members, holders] = keysOf(group);
      const reply = (await connection.run((client) =>
        client.eval(
          ROUND,
          2,
          members,
          holders,
          member,
          ttlMs,
          ...[take, joins].map(Number),
          names.length,
          ...names,
          ...using,
        ),
      )) as [number, number, ...string[]];
      const [part, known, ...held] = reply;
      return { held: names.filter((name) => held.includes(name)), part, known: known === 1 };
    },
    async release(group, member, name) {
      await connection.run((client) => client.eval(RELEASE, 1, keysOf(group)[1], member, name));
    },
    async leave(group, member) {
      await connection.run((client) => client.eval(LEAVE, 2, ...keysOf(group), member));
    },
  };
}
