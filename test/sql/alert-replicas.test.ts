import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIGRATIONS } from '#main/migrations.ts';
import { anyRounds, anyRule } from '../support/alert-arbitraries.ts';
import { referenceAlerts } from '../support/alert-reference.ts';
import { createMonitoringWorld, hot, type MonitoringProcess, type MonitoringWorld } from '../support/monitoring.ts';
import { databaseAt, dropDatabase } from '../support/servers/mariadb.ts';
import { describeWithServer } from '../support/servers.ts';

await describeWithServer('mariadb', (server) => {
  describe('two replicas that judge on one database', () => {
    const url = databaseAt(server.url);
    let world: MonitoringWorld;
    let one: MonitoringProcess;
    let two: MonitoringProcess;

    /** Connections of its own, as a process has them. */
    async function openSql() {
      const { createMariadbStore } = await import('#platform/sql/mariadb/mariadb.store.ts');
      const sql = createMariadbStore({ url, migrations: MIGRATIONS });
      await sql.start?.(AbortSignal.timeout(10_000));
      await sql.migrate();
      return sql;
    }
    beforeAll(async () => {
      world = await createMonitoringWorld(await openSql());
      one = await world.open({ alone: false });
      two = await world.open({ alone: false, sql: await openSql() });
    });
    afterAll(async () => {
      await world.close();
      await dropDatabase(url);
    });
    const alertsOf = async (deviceId: number) =>
      (await one.alerts({ device_id: deviceId })).map((alert) => ({
        startedAt: Date.parse(alert.started_at),
        value: alert.value,
        occurrences: alert.occurrences,
        lastSeenAt: Date.parse(alert.last_seen_at),
        lastValue: alert.last_value,
        clearedAt: alert.cleared_at === null ? null : Date.parse(alert.cleared_at),
      }));

    test('see a device’s samples in turn, and raise the alerts of one', async () => {
      const pick = fc.infiniteStream(fc.constantFrom('judges', 'waits', 'both judge'));
      await fc.assert(
        fc.asyncProperty(anyRule, anyRounds, pick, async (terms, steps, picks) => {
          const device = await one.device();
          const rule = await one.rule({
            metric: 'm',
            condition: terms.condition,
            threshold: terms.threshold,
            clear_threshold: terms.clearThreshold,
            for_seconds: terms.forSeconds,
            clear_for_seconds: terms.clearForSeconds,
            cooldown_seconds: terms.cooldownSeconds,
            scope: { device_id: device.id },
          });
          two.bus.emit('alert_rule.changed', world.clock.now(), { rule_id: rule.id }, 'relay');
          const start = world.clock.now() + 1;
          const byTime = new Map(steps.flat().map((reading) => [reading.timestamp, reading]));
          const readings = [...byTime.values()]
            .toSorted((a, b) => a.timestamp - b.timestamp)
            .map(({ timestamp, value }) => ({ timestamp: start + timestamp, value }));
          for (const [index, { timestamp, value }] of readings.entries()) {
            const [mine, other] = index % 2 === 0 ? [one, two] : [two, one];
            await mine.send(device.id, [timestamp, { m: value }]);
            const [then] = picks.take(1);
            if (then === 'judges') await mine.judge();
            if (then === 'both judge') await Promise.all([mine.judge(), other.judge()]);
          }
          await Promise.all([one.judge(), two.judge()]);
          expect(await alertsOf(device.id)).toEqual(referenceAlerts(terms, [readings]));
        }),
        { numRuns: 15 },
      );
    }, 60_000);

    test('raise one alert when both judge the same at once, for many devices', async () => {
      const before = [one.events.length, two.events.length];
      const devices = [];
      for (let made = 0; made < 20; made += 1) devices.push(await one.device({ device_type: 'crowd' }));
      const rule = await one.rule(hot({ id: 0 }, { scope: { device_type: 'crowd' } }));
      two.bus.emit('alert_rule.changed', world.clock.now(), { rule_id: rule.id }, 'relay');
      for (let round = 0; round < 4; round += 1) {
        const now = world.clock.now() + round * 10 + 1;
        for (const { id } of devices) {
          await one.send(id, [now, { temperature: round % 2 === 0 ? 31 : 29 }]);
          await two.send(id, [now + 1, { temperature: round % 2 === 0 ? 32 : 28 }]);
        }
        await Promise.all([one.judge(), two.judge()]);
      }
      const told = [...one.events.slice(before[0]), ...two.events.slice(before[1])].map(({ type }) => type);
      for (const { id } of devices) {
        expect(await alertsOf(id)).toMatchObject([
          { value: 31, occurrences: 2, clearedAt: expect.any(Number) },
          { value: 31, occurrences: 2, clearedAt: expect.any(Number) },
        ]);
      }
      expect(told.sort()).toEqual([...Array(40).fill('alert.cleared'), ...Array(40).fill('alert.raised')]);
    }, 60_000);
  });
});
