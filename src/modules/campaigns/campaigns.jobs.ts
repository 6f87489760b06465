import { Type } from 'typebox';
import type { JobDefinition } from '#platform/jobs/jobs.port.ts';
import type { CampaignDriver } from './campaigns.driver.ts';
import type { CampaignStore } from './campaigns.ports.ts';

declare module '#platform/jobs/jobs.port.ts' {
  interface JobMap {
    ota_batch: { readonly campaign_id?: number };
  }
}

/** Campaigns that are driven in one run. */
const MOST = 200;

const OtaBatchData = Type.Object(
  { campaign_id: Type.Optional(Type.Integer({ minimum: 1, description: 'Only this campaign' })) },
  { additionalProperties: false },
);

export function createCampaignsJobs(
  driver: CampaignDriver,
  store: Pick<CampaignStore, 'listActive'>,
): readonly JobDefinition[] {
  const otaBatch: JobDefinition<'ota_batch'> = {
    name: 'ota_batch',
    queue: 'devices',
    description: 'Does all that can be done for the campaigns now: offers, retries, time-outs, gates.',
    schedule: '* * * * *',
    defaultData: {},
    dataSchema: OtaBatchData,
    async run({ campaign_id }, { signal }) {
      const ids = campaign_id === undefined ? await store.listActive(MOST) : [campaign_id];
      for (const id of ids) await driver.drive(id, signal);
      return { campaigns: ids.length };
    },
  };
  return [otaBatch];
}
