import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '#main/config.ts';
import { createPeople, type People } from '#test/support/people.ts';
import { composeTestSystem, type RunningSystem, startTestSystem } from '#test/support/system.ts';

interface SortSchema {
  readonly description: string;
  readonly examples: readonly string[];
}

const { routes } = await composeTestSystem(loadConfig({}));
const lists = routes.flatMap(({ method, url, schema }) => {
  const { sort } = ((schema?.querystring as { properties?: object } | undefined)?.properties ?? {}) as {
    readonly sort?: SortSchema;
  };
  return method === 'GET' && sort !== undefined ? [[url, sort] as const] : [];
});

let system: RunningSystem;
let people: People;
let deviceId: number;
let campaignId: number;
let claimId: number;
let alertId: number;
beforeAll(async () => {
  system = await startTestSystem();
  people = await createPeople(system);
  const device = await people.device();
  deviceId = device.id;
  alertId = await people.alert(device);
  campaignId = await people.campaign();
  claimId = await people.claim();
});
afterAll(() => system.stop());

describe('what the API document says about `sort` holds', () => {
  test.each(lists)('of %s', async (url, { description, examples }) => {
    const [, named = ''] = /^Some of ([\w, ]+);/.exec(description) ?? [];
    const fields = named.split(', ');
    const address = url
      .replace(':device_id', String(deviceId))
      .replace(':campaign_id', String(campaignId))
      .replace(':claim_id', String(claimId))
      .replace(':alert_id', String(alertId));
    expect(fields).not.toContain('');
    for (const sort of [...examples, ...fields, `-${fields.join(',-')}`]) {
      const { status } = await system.request({ url: address, query: { sort }, as: people.SUPERADMIN.token() });
      expect([sort, status]).toEqual([sort, 200]);
    }
    const unknown = await system.request({ url: address, query: { sort: 'colour' }, as: people.SUPERADMIN.token() });
    expect([unknown.status, unknown.json().code]).toEqual([422, 'invalid_sort']);
  });
});

test('there are lists', () => expect(lists.length).toBeGreaterThan(5));
