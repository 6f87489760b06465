import { expect, test } from 'vitest';
import { InFlight, MESSAGE_OVERHEAD_BYTES } from '../in-flight.ts';
import type { Login } from './connection-host.ts';
import { Publishes } from './publishes.ts';

function createSubject() {
  const inFlight = new InFlight(10 * MESSAGE_OVERHEAD_BYTES);
  const confirmed: number[] = [];
  const received = new Map<number, { stored: boolean }>();
  const login = {
    device: { deviceId: 1, deviceUid: 'one' },
    qosTwo: { received, connection: null },
  } as unknown as Login;
  let fails = true;
  const hand = (acknowledge: () => void) => {
    if (fails) throw new Error('a bug');
    acknowledge();
  };
  const publishes = new Publishes(
    {
      inFlight,
      message: (_login, _channel, _payload, acknowledge) => hand(acknowledge),
      refused: (_login, _reason, acknowledge) => hand(acknowledge),
    },
    { confirm: (_type, messageId) => void confirmed.push(messageId), madeRoom: () => {} },
  );
  const recover = () => {
    fails = false;
  };
  return { inFlight, confirmed, received, login, publishes, recover };
}

test.each([
  [0, 'log'],
  [1, 'log'],
  [2, 'log'],
  [1, null],
] as const)('a QoS %i publish on %s of which the taking fails holds no room of others', (qos, channel) => {
  const { inFlight, confirmed, received, login, publishes, recover } = createSubject();
  for (let n = 0; n < 2_000; n += 1) {
    expect(() => publishes.take(login, channel, Buffer.from('x'), qos, qos === 0 ? 0 : 7)).toThrow('a bug');
  }
  expect([inFlight.messages, inFlight.full, received.size, confirmed.length]).toEqual([0, false, 0, 0]);
  recover();
  // Sent again with the same id, it is a new one.
  expect(publishes.take(login, channel, Buffer.from('x'), qos, qos === 0 ? 0 : 7)).toBe(true);
  expect([inFlight.messages, confirmed, received.get(7)?.stored]).toEqual([
    0,
    qos === 1 ? [7] : [],
    qos === 2 ? true : undefined,
  ]);
});
