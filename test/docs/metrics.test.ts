import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPeople } from '#test/support/people.ts';
import { type RunningSystem, startTestSystem } from '#test/support/system.ts';

const operations = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
const documented = [...operations.matchAll(/^\| `(core_api_\w+)` \|/gm)].map(([, name]) => name as string);

let system: RunningSystem;
beforeAll(async () => {
  system = await startTestSystem();
});
afterAll(() => system.stop());

const scrape = async () => (await system.request({ url: '/metrics' })).text;

/** The sum over all label sets that hold `labels`. */
async function sumOf(name: string, labels = ''): Promise<number> {
  const lines = (await scrape()).split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test('every metric that operations.md names is there, and no other of ours', async () => {
  const served = [...(await scrape()).matchAll(/^# TYPE (core_api_\w+) /gm)].map(([, name]) => name as string);
  expect(documented.length).toBeGreaterThan(10);
  expect(served.toSorted()).toEqual(documented.toSorted());
});

test('requests and stores are measured while they are used', async () => {
  const before = await sumOf('core_api_store_operation_seconds_count', 'store="sql"');
  const people = await createPeople(system);
  const device = await people.device();
  const body = [{ temperature: 21.4 }];
  const ingest = { method: 'POST', url: '/api/v1/ingest/telemetry', headers: device.headers, body } as const;
  expect((await system.request(ingest)).status).toBe(200);

  expect(await sumOf('core_api_store_operation_seconds_count', 'store="sql"')).toBeGreaterThan(before + 5);
  expect(await sumOf('core_api_store_operation_seconds_count', 'operation="append"')).toBeGreaterThan(0);
  expect(await sumOf('core_api_ingest_samples_total')).toBe(1);
  expect(await sumOf('core_api_http_request_duration_seconds_count', 'route="/api/v1/ingest/:kind",status="200"')).toBe(
    1,
  );
});

test('what a store refuses by a rule is no failure of the store', async () => {
  const body = { email: 'taken@example.com', password: 'correct horse' };
  const register = { method: 'POST', url: '/api/v1/auth/register', body } as const;
  expect((await system.request(register)).status).toBe(201);
  expect((await system.request(register)).status).toBe(409);
  expect(await sumOf('core_api_store_failures_total')).toBe(0);
});
