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
    // One number an item, or several if messages without a time stamp came in the same millisecond.
    for (const item of page.items) found.push(...(Object.values(item.metrics) as number[]));
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

export interface BrokerProof {
  readonly stored: number;
  /** Messages with a time stamp that were stored already when they came, by the ledgers. */
  readonly again: number;
  /** Messages without a time stamp that were stored more than once. */
  readonly twice: number;
}

/**
 * With a broker between us and the devices, which sends again what it does not know to be stored: every
 * acknowledged message is in the store. Each with a time stamp of its own is there once; without one, what was on its
 * way when a process or a connection ended may be there twice. The ledgers count every message.
 */
export async function expectAllStored(
  api: ApiClient,
  devices: readonly RegisteredDevice[],
  flood: Flood,
  hasTimestamps: (index: number) => boolean,
): Promise<BrokerProof> {
  const proof = { stored: 0, again: 0, twice: 0 };
  for (const [index, device] of devices.entries()) {
    const sequence = await storedSequence(api, device);
    const inStore = new Set(sequence);
    const acknowledged = flood.acknowledged[index] ?? new Set();
    expect([...acknowledged].filter((seq) => !inStore.has(seq))).toEqual([]);
    expect([...inStore].filter((seq) => !acknowledged.has(seq))).toEqual([]);
    if (hasTimestamps(index)) expect(sequence).toHaveLength(inStore.size);
    const ledger = await api.ledger(device.id);
    expect(ledgerAddsUp(ledger)).toBe(true);
    expect(ledger).toMatchObject({ in_flight: 0, rejected: {} });
    expect(ledger.stored + ledger.merged).toBeGreaterThanOrEqual(inStore.size);
    proof.stored += inStore.size;
    // Without a time stamp, two that come in one millisecond are merged too.
    if (hasTimestamps(index)) proof.again += ledger.merged;
    proof.twice += sequence.length - inStore.size;
  }
  return proof;
}
