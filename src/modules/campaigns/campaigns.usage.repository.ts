import type { Kysely } from 'kysely';
import type { FirmwareUsage } from '#modules/firmware/index.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { ACTIVE_STATES } from './campaigns.ports.ts';
import type { CampaignTables } from './campaigns.tables.ts';

type Db = Kysely<CampaignTables>;

export function createUsage(store: SqlStore): FirmwareUsage {
  return {
    isOffered: (deviceId, firmwareId) => isOffered(store.db(), deviceId, firmwareId),
    isUsedIn: isUsed,
  };
}

/** Whether the image was offered to the device, or may be at any moment, in a campaign that is not over for it. */
export async function isOffered(db: Db, deviceId: number, firmwareId: number): Promise<boolean> {
  const found = await db
    .selectFrom('campaign_devices')
    .innerJoin('campaigns', 'campaigns.id', 'campaign_devices.campaign_id')
    .select('campaign_devices.id')
    .where('campaign_devices.device_id', '=', deviceId)
    .where('campaign_devices.is_open', '=', 1)
    .where('campaigns.firmware_id', '=', firmwareId)
    // That it was offered is noted when the offer is out, and a quick device asks for the image before.
    .where((eb) =>
      eb.or([
        eb('campaign_devices.attempts', '>', 0),
        eb.and([eb('campaign_devices.stage', 'is not', null), eb('campaigns.status', '=', 'RUNNING')]),
      ]),
    )
    .executeTakeFirst();
  return found !== undefined;
}

async function isUsed(db: Db, firmwareId: number): Promise<boolean> {
  const found = await db
    .selectFrom('campaigns')
    .select('id')
    .where('firmware_id', '=', firmwareId)
    .where('status', 'in', ['DRAFT', ...ACTIVE_STATES])
    .executeTakeFirst();
  return found !== undefined;
}
