import { expect } from 'vitest';
import { type ApiClient, ledgerAddsUp, type RegisteredDevice } from './api-client.ts';
import type { Flood } from './flood.ts';

/** Registers up to 300 devices at once. */
export async function registerDevices(api: ApiClient, count: number): Promise<readonly RegisteredDevice[]> {
  const rows = Array.from({ length: count }, (_, index) => ({ name: `Device ${index}`, device_type: 'test' }));
  const report = await api.call('POST', '/api/v1/devices/import', rows);
  const listed = await Promise.all([1, 2, 3].map((page) => api.call('GET', `/api/v1/devices?size=100&page=${page}`)));
  const ids = new Map<string, number>(listed.flatMap((page) => page.items).map((item) => [item.device_uid, item.id]));
  return report.rows.map((row: { device_uid: string; credentials: { password: string } }) => ({
    id: ids.get(row.device_uid) ?? 0,
    uid: row.device_uid,
    secret: row.credentials.password,
  }));
}

/** Every sequence number of a device that the store has, in order; read over the API page by page. */
async function storedSequence(api: ApiClient, device: RegisteredDevice): Promise<readonly number[]> {
  const found: number[] = [];
  let cursor = '';
  for (;;) {
    const page = await api.call('GET', `/api/v1/devices/${device.id}/telemetry?order=asc&limit=1000${cursor}`);
    found.push(...page.items.map((item: { metrics: { seq: number } }) => item.metrics.seq));
    if (page.next_cursor === null) return found;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

/**
 * Every acknowledged message is in the store, each number once, and every ledger adds up.
 * @returns how many are stored
 */
export async function expectNothingLost(
  api: ApiClient,
  devices: readonly RegisteredDevice[],
  flood: Flood,
): Promise<number> {
  let stored = 0;
  for (const [index, device] of devices.entries()) {
    const sequence = await storedSequence(api, device);
    const inStore = new Set(sequence);
    expect(inStore.size).toBe(sequence.length);
    const missing = [...(flood.acknowledged[index] ?? [])].filter((seq) => !inStore.has(seq));
    expect(missing).toEqual([]);
    const ledger = await api.ledger(device.id);
    expect(ledgerAddsUp(ledger)).toBe(true);
    expect(ledger).toMatchObject({ in_flight: 0, rejected: {} });
    expect(ledger.stored).toBe(sequence.length);
    stored += sequence.length;
  }
  return stored;
}
