import { sql as raw } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Principal } from '#kernel/access.ts';
import { createTestClock, type TestClock } from '#test/support/clock.ts';
import type { SqlStore } from '../sql/sql.port.ts';
import type { AuditEntry, AuditFilter, AuditReader, AuditTrail } from './audit.port.ts';
import { createAuditTrail, SEARCHED_ENTRIES } from './audit.ts';

const KIM: Principal = { userId: 7, role: 'ADMIN', origin: { ip: '192.0.2.7', requestId: 'request-7' } };

const entry = (fields: Partial<AuditEntry> = {}): AuditEntry => ({
  actor: KIM,
  action: 'device.created',
  resourceType: 'device',
  resourceId: '1',
  ...fields,
});

/** @param createStore makes a started, migrated and empty store, which the suite stops */
export function auditContract(name: string, createStore: () => Promise<SqlStore>): void {
  describe(`audit trail on ${name}`, () => {
    let sql: SqlStore;
    let clock: TestClock;
    let trail: AuditTrail & AuditReader;

    beforeEach(async () => {
      sql = await createStore();
      clock = createTestClock();
      trail = createAuditTrail({ sql, clock });
    });
    afterEach(() => sql.stop?.(AbortSignal.timeout(5_000)));

    const found = async (filter: AuditFilter = {}) => (await trail.list({ page: 1, size: 100, ...filter })).items;
    const ids = async (filter: AuditFilter) => (await found(filter)).map(({ resourceId }) => resourceId).sort();

    test('says who, what, when, from where and in which request', async () => {
      await trail.record(entry({ details: { changes: { name: { from: 'a', to: '가' } } } }));
      expect(await found()).toEqual([
        {
          id: expect.any(Number),
          userId: 7,
          userRole: 'ADMIN',
          action: 'device.created',
          resourceType: 'device',
          resourceId: '1',
          details: { changes: { name: { from: 'a', to: '가' } } },
          ipAddress: '192.0.2.7',
          requestId: 'request-7',
          createdAt: clock.now(),
        },
      ]);
    });

    test('says by which personal access token somebody did it', async () => {
      const credential = { kind: 'personal_token', tokenId: 7, isReadOnly: false } as const;
      await trail.record(entry({ actor: { ...KIM, credential }, details: { name: 'Pump' } }));
      await trail.record(entry({ actor: { ...KIM, credential: { kind: 'session', sessionId: 's' } }, details: {} }));
      const { items } = await trail.list({ page: 1, size: 2 });
      expect(items.map(({ details }) => details)).toEqual([{}, { name: 'Pump', personal_token_id: 7 }]);
    });

    test('takes an entry of nobody, with or without an origin', async () => {
      await trail.record(entry({ actor: null, resourceId: null }));
      await trail.record(entry({ actor: null, origin: { ip: '2001:db8::1', requestId: 'r' } }));
      expect(await found()).toMatchObject([
        { userId: null, userRole: null, ipAddress: '2001:db8::1', requestId: 'r' },
        { userId: null, ipAddress: null, requestId: null, resourceId: null, details: {} },
      ]);
    });

    test('takes an address that a client made up', async () => {
      await trail.record(entry({ actor: null, origin: { ip: 'x'.repeat(500), requestId: 'r' } }));
      expect((await found())[0]?.ipAddress).toBe('x'.repeat(45));
    });

    test('long values are cut, so that what people choose freely does not fill the trail', async () => {
      const long = `${'x'.repeat(255)}🐎${'y'.repeat(5_000)}`;
      const from = Array.from({ length: 1_000 }, (_, index) => index);
      await trail.record(entry({ details: { changes: { name: { from, to: long } }, short: '가' } }));
      const huge = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`field_${index}`, long]));
      await trail.record(entry({ resourceId: '2', details: { ...huge, nested: JSON.parse('[[[[[[[[1]]]]]]]]') } }));
      const [second, first] = await found();
      expect(first?.details).toEqual({
        changes: {
          name: { from: [...from.slice(0, 50), '… (1000 items)'], to: `${'x'.repeat(255)}… (5257 characters)` },
        },
        short: '가',
      });
      expect(JSON.stringify(second?.details).length).toBeLessThan(2_000);
      expect(second?.details).toMatchObject({ fields: expect.arrayContaining(['field_0', 'field_49']) });
    });

    test('an entry of a transaction is stored with it', async () => {
      await sql.transaction(async (trx) => {
        await trail.on(trx).record(entry());
      });
      expect(await found()).toHaveLength(1);
    });

    test('a transaction that fails leaves no entry', async () => {
      const failing = sql.transaction(async (trx) => {
        await trail.on(trx).record(entry());
        throw new Error('too late');
      });
      await expect(failing).rejects.toThrow('too late');
      expect(await found()).toEqual([]);
    });

    test('nothing changes or removes an entry, not even SQL', async () => {
      await trail.record(entry());
      await expect(raw`update audit_logs set user_id = 1`.execute(sql.db())).rejects.toThrow();
      await expect(raw`delete from audit_logs`.execute(sql.db())).rejects.toThrow();
      expect(await found()).toMatchObject([{ userId: 7 }]);
    });

    test('is listed newest first, in pages', async () => {
      for (let index = 1; index <= 5; index += 1) {
        await trail.record(entry({ resourceId: String(index) }));
        // Two of them in the same millisecond.
        if (index !== 3) clock.advance(10);
      }
      const page = await trail.list({ page: 2, size: 2 });
      expect(page.total).toBe(5);
      expect(page.items.map(({ resourceId }) => resourceId)).toEqual(['3', '2']);
    });

    test('looks for text in the newest entries, and further back when the time is narrowed', async () => {
      const start = clock.now();
      await trail.record(entry({ details: { note: 'needle' } }));
      clock.advance(1_000);
      await sql.transaction(async (trx) => {
        const writer = trail.on(trx);
        for (let index = 0; index < SEARCHED_ENTRIES; index += 1) await writer.record(entry());
      });
      expect(await found({ q: 'needle' })).toEqual([]);
      expect(await found({ q: 'needle', to: start + 1 })).toHaveLength(1);
    });

    test('is filtered by everything that it says', async () => {
      const start = clock.now();
      await trail.record(entry());
      clock.advance(1_000);
      await trail.record(entry({ action: 'user.updated', resourceType: 'user', resourceId: '2' }));
      clock.advance(1_000);
      const origin = { ip: '198.51.100.3', requestId: 'request-3' };
      const details = { email: 'Über_50%@example.com' };
      await trail.record(entry({ actor: { userId: 3, role: 'USER', origin }, resourceId: '3', details }));

      expect(await ids({ userId: 7 })).toEqual(['1', '2']);
      expect(await ids({ userId: [7, 3] })).toEqual(['1', '2', '3']);
      expect(await ids({ action: ['user.updated', 'nothing'], resourceId: ['1', '2'] })).toEqual(['2']);
      const sort = [{ field: 'created_at', direction: 'asc' }] as const;
      expect((await trail.list({ page: 1, size: 2, sort })).items.map((each) => each.resourceId)).toEqual(['1', '2']);
      expect(await ids({ action: 'device.created' })).toEqual(['1', '3']);
      expect(await ids({ resourceType: 'user' })).toEqual(['2']);
      expect(await ids({ resourceType: 'device', resourceId: '3' })).toEqual(['3']);
      expect(await ids({ requestId: 'request-7' })).toEqual(['1', '2']);
      expect(await ids({ from: start + 1_000 })).toEqual(['2', '3']);
      expect(await ids({ to: start + 1_000 })).toEqual(['1']);
      expect(await ids({ q: 'über_50%' })).toEqual(['3']);
      expect(await ids({ q: 'ber%50' })).toEqual([]);
      expect(await ids({ q: '198.51' })).toEqual(['3']);
      expect(await ids({ q: 'USER.' })).toEqual(['2']);
      expect(await ids({ userId: 7, resourceType: 'user', q: 'nothing' })).toEqual([]);
    });
  });
}
