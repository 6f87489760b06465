import type { RedisConnection } from '#platform/redis/redis-connection.ts';
import type { CounterState, CounterStore } from '../cache.port.ts';

/**
 * A key that lost its expiry (an administrator's PERSIST) would lock its owner out for ever, and one whose server had
 * a wrong clock for long: it gets one again.
 */
const INCREMENT = `
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`;

const PEEK = `
local count = redis.call('GET', KEYS[1])
if not count then return {0, 0} end
return {tonumber(count), math.max(redis.call('PTTL', KEYS[1]), 0)}`;

/** `CounterStore` shared by every process on the same Redis: each step is one atomic script. */
export function createRedisCounters({ connection }: { readonly connection: RedisConnection }): CounterStore {
  const keyOf = (key: string) => connection.key(`counter:${key}`);
  const evaluate = async (script: string, key: string, ...args: readonly number[]): Promise<CounterState> => {
    const reply = await connection.run((client) => client.eval(script, 1, keyOf(key), ...args));
    const [count, resetInMs] = reply as [number, number];
    return { count, resetInMs };
  };

  return {
    increment: (key, windowMs) => evaluate(INCREMENT, key, windowMs),
    peek: (key) => evaluate(PEEK, key),
    reset: async (key) => void (await connection.run((client) => client.del(keyOf(key)))),
  };
}
