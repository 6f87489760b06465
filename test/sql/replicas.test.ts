import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEventBus, type DomainEvent } from '#kernel/events.ts';
import { silentLogger } from '#kernel/logger.ts';
import { MIGRATIONS } from '#main/migrations.ts';
import { createDevicesModule, type DevicesModule, type StatusChange } from '#modules/devices/index.ts';
import type { UsersModule } from '#modules/users/index.ts';
import { createAuditTrail } from '#platform/audit/audit.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createTestClock } from '../support/clock.ts';
import { recordEvents } from '../support/events.ts';
import { createTestApp, type TestApp } from '../support/http.ts';
import { databaseAt, dropDatabase } from '../support/servers/mariadb.ts';
import { describeWithServer } from '../support/servers.ts';
import { createTestUsers } from '../support/users.ts';

/** The modules as one process has them, on a database that others use too. */
interface Replica {
  readonly sql: SqlStore;
  readonly users: UsersModule;
  readonly devices: DevicesModule;
  readonly app: TestApp;
  readonly events: readonly DomainEvent[];
}

const PASSWORD = 'correct horse';

async function createReplica(url: string): Promise<Replica> {
  const { createMariadbStore } = await import('#platform/sql/mariadb/mariadb.store.ts');
  const sql = createMariadbStore({ url, migrations: MIGRATIONS });
  await sql.start?.(AbortSignal.timeout(10_000));
  await sql.migrate();
  const clock = createTestClock();
  const bus = createEventBus(silentLogger);
  const events = recordEvents(bus, 'device.status_changed', 'device.created');
  const audit = createAuditTrail({ sql, clock });
  const users = createTestUsers({ sql, audit, clock, events: bus });
  const devices = createDevicesModule({ sql, audit, clock, events: bus, users: users.api, userDeviceScope: 'owned' });
  const app = await createTestApp({ routes: [...users.routes, ...devices.routes], clock });
  return { sql, users, devices, app, events };
}

await describeWithServer('mariadb', (server) => {
  describe('two replicas on one database', () => {
    let url: string;
    let one: Replica;
    let two: Replica;
    let admin: string;
    const both = <T>(work: (replica: Replica, index: number) => Promise<T>) => Promise.all([one, two].map(work));
    const statuses = (answers: readonly { readonly status: number }[]) => answers.map(({ status }) => status).sort();
    const device = (body: object = {}) => ({
      method: 'POST' as const,
      url: '/api/v1/devices',
      as: admin,
      body: { name: 'Sensor', device_type: 'sensor', ...body },
    });

    beforeAll(async () => {
      url = databaseAt(server.url);
      [one, two] = await Promise.all([createReplica(url), createReplica(url)]);
      const { id } = await one.users.api.create({ email: 'admin@example.com', password: PASSWORD, role: 'ADMIN' });
      admin = `test:ADMIN:${id}`;
    });
    afterAll(async () => {
      await both(async ({ app, sql }) => {
        await app.close();
        await sql.stop?.(AbortSignal.timeout(5_000));
      });
      await dropDatabase(url);
    });

    test('a uid is given once', async () => {
      for (let round = 0; round < 10; round += 1) {
        const uid = { device_uid: `contested-${round}` };
        expect(statuses(await both(({ app }) => app.request(device(uid))))).toEqual([201, 409]);
      }
    });

    test('a uid differs from another in case', async () => {
      expect((await one.app.request(device({ device_uid: 'Case' }))).status).toBe(201);
      expect((await two.app.request(device({ device_uid: 'case' }))).status).toBe(201);
    });

    test('an e-mail is given once', async () => {
      const outcomes = await Promise.allSettled(
        [one, two, one, two].map(({ users }) =>
          users.api.create({ email: 'same@example.com', password: PASSWORD, role: 'USER' }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'email_taken' });
      }
    });

    test('of the last two superadmins, one stays', async () => {
      for (let round = 0; round < 5; round += 1) {
        const pair = await both(async ({ users }, index) => {
          const email = `root-${round}-${index}@example.com`;
          return (await users.api.create({ email, password: PASSWORD, role: 'SUPERADMIN' })).id;
        });
        const stepDown = ({ app }: Replica, index: number) =>
          app.request({
            method: 'PATCH',
            url: `/api/v1/users/${pair[index]}`,
            as: `test:SUPERADMIN:${pair[index]}`,
            body: { role: 'USER' },
          });
        expect(statuses(await both(stepDown))).toEqual([200, 409]);
        // The one that is left makes room for the next round.
        await one.sql.db<{ users: { role: string } }>().updateTable('users').set({ role: 'USER' }).execute();
      }
    });

    test('each transition of a status is made and told once', async () => {
      const ids: number[] = [];
      for (let index = 0; index < 40; index += 1) ids.push((await one.app.request(device())).json().id);
      const change = (status: 'ONLINE' | 'OFFLINE', at: number): StatusChange[] =>
        ids.map((deviceId) => ({ deviceId, status, at, source: 'connection' }));
      for (let round = 0; round < 10; round += 1) {
        const status = round % 2 === 0 ? 'ONLINE' : 'OFFLINE';
        const toldBefore = told().length;
        const made = await both(({ devices }, index) => {
          const changes = change(status, 1_000 + round);
          // Opposite orders: the two hold what the other wants.
          return devices.api.applyStatuses(index === 0 ? changes : changes.reverse());
        });
        expect(
          made
            .flat()
            .map(({ deviceId }) => deviceId)
            .sort((a, b) => a - b),
        ).toEqual(ids);
        expect(told()).toHaveLength(toldBefore + ids.length);
      }

      function told() {
        return [...one.events, ...two.events].filter(({ type }) => type === 'device.status_changed');
      }
    });

    test('a list is never older than what any replica has acknowledged', async () => {
      const list = async ({ app }: Replica) =>
        (await app.request({ url: '/api/v1/devices?size=100', as: admin })).json();
      const { id } = (await one.app.request(device({ name: 'before' }))).json();
      for (let round = 0; round < 10; round += 1) {
        const [writer = one, reader = two] = round % 2 === 0 ? [one, two] : [two, one];
        const { total } = await list(reader);
        await writer.app.request({
          method: 'PATCH',
          url: `/api/v1/devices/${id}`,
          as: admin,
          body: { name: `round ${round}` },
        });
        expect((await writer.app.request(device())).status).toBe(201);
        const page = await list(reader);
        expect(page.total).toBe(total + 1);
        expect(page.items.find((item: { id: number }) => item.id === id)).toMatchObject({ name: `round ${round}` });
      }
    });

    test('what is seen last is the latest, whoever says it', async () => {
      const { id } = (await one.app.request(device())).json();
      await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? one : two).devices.api.touchLastSeen(new Map([[id, 5_000 + ((index * 7) % 20)]])),
        ),
      );
      const { last_seen_at } = (await one.app.request({ url: `/api/v1/devices/${id}`, as: admin })).json();
      expect(Date.parse(last_seen_at)).toBe(5_019);
    });
  });
});
