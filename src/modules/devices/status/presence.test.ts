import { expect, test } from 'vitest';
import { createEventBus } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import type { StatusChange } from '#modules/devices/index.ts';
import { createReturns } from './presence.ts';

function setup(refuse = false) {
  const events = createEventBus(silentLogger);
  const applied: StatusChange[] = [];
  const returns = createReturns(
    {
      async applyStatuses(changes) {
        if (refuse) {
          refuse = false;
          throw new Error('away');
        }
        applied.push(...changes);
        return [];
      },
    },
    events,
    silentLogger,
  );
  const goSilent = (id: number) => events.emit('device.went_silent', 1, { device_id: id, device_uid: `d${id}` });
  return { events, applied, returns, goSilent };
}

test('a device that went silent is ONLINE with its next word, once, and others are left alone', () => {
  const { applied, returns, goSilent } = setup();
  goSilent(1);
  returns.note([2, 1, 3], 50);
  returns.note([1], 60);
  expect(applied).toEqual([{ deviceId: 1, status: 'ONLINE', at: 50, source: 'health' }]);
});

test('what its connection or the device itself says in between stands', () => {
  const { events, applied, returns, goSilent } = setup();
  goSilent(1);
  const change = {
    transition_id: 't',
    device_id: 1,
    device_uid: 'd1',
    from: 'OFFLINE',
    to: 'ERROR',
    last_seen_at: 2,
  } as const;
  events.emit('device.status_changed', 2, { ...change, source: 'message' });
  goSilent(2);
  events.emit('device.deleted', 3, { device_id: 2, device_uid: 'd2', actor_id: 1 });
  returns.note([1, 2], 50);
  expect(applied).toEqual([]);
});

test('when it could not be stored, the next word tries again', async () => {
  const { applied, returns, goSilent } = setup(true);
  goSilent(1);
  returns.note([1], 50);
  await new Promise((resolve) => setImmediate(resolve));
  returns.note([1], 60);
  expect(applied.map(({ at }) => at)).toEqual([60]);
});
