import type { Kysely } from 'kysely';
import type { FirmwareApi } from '#modules/firmware/index.ts';
import type { AuditTrail } from '#platform/audit/audit.port.ts';
import { countOf, readPage } from '#platform/sql/pages.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { ACTIVE_STATES, type CampaignReader, type CampaignStore, type CampaignWriter } from './campaigns.ports.ts';
import {
  deviceRow,
  devicesFiltered,
  filtered,
  planRow,
  toCampaign,
  toDevice,
  updateRow,
} from './campaigns.rows.repository.ts';
import { OPEN_DEVICE_STATES } from './campaigns.rules.ts';
import type { CampaignTables } from './campaigns.tables.ts';
import { isOffered } from './campaigns.usage.repository.ts';

type Db = Kysely<CampaignTables>;

const NEWEST_FIRST = { field: 'id', direction: 'desc' } as const;

export function createCampaignStore(
  store: SqlStore,
  audit: AuditTrail,
  firmware: Pick<FirmwareApi, 'findIn'>,
): CampaignStore {
  const db = () => store.db<CampaignTables>();
  return {
    find: (id) => reader(db()).find(id),
    findDevice: (campaignId, deviceId) => reader(db()).findDevice(campaignId, deviceId),
    listOpenOf: (deviceIds) => reader(db()).listOpenOf(deviceIds),
    count: (campaignId) => reader(db()).count(campaignId),
    countReleased: (campaignId, stage) => reader(db()).countReleased(campaignId, stage),
    list: ({ filter, ...asked }) =>
      readPage(filtered(db(), filter).selectAll(), { ...asked, tie: NEWEST_FIRST }, toCampaign),
    listDevices: ({ filter, ...asked }) =>
      readPage(devicesFiltered(db(), filter).selectAll(), { ...asked, tie: NEWEST_FIRST }, toDevice),
    async listWaiting(campaignId, afterId, limit) {
      const rows = await db()
        .selectFrom('campaign_devices')
        .selectAll()
        .where('campaign_id', '=', campaignId)
        .where('status', '=', 'QUEUED')
        .where('stage', 'is not', null)
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toDevice);
    },
    async countActive() {
      const active = db()
        .selectFrom('campaigns')
        .where('status', 'in', [...ACTIVE_STATES]);
      const campaigns = await active
        .select((eb) => ['status', eb.fn.countAll<number>().as('count')])
        .groupBy('status')
        .execute();
      const devices = await db()
        .selectFrom('campaign_devices')
        .select((eb) => ['status', eb.fn.countAll<number>().as('count')])
        .where('campaign_id', 'in', active.select('id'))
        .groupBy('status')
        .execute();
      return { campaigns: byStatus(campaigns), devices: byStatus(devices) };
    },
    async listActive(limit) {
      const rows = await db()
        .selectFrom('campaigns')
        .select('id')
        .where('status', 'in', [...ACTIVE_STATES])
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(({ id }) => id);
    },
    isOffered: (deviceId, firmwareId) => isOffered(db(), deviceId, firmwareId),
    async sample(campaignId, limit) {
      const inState = (status: 'SUCCEEDED' | 'QUEUED') =>
        db()
          .selectFrom('campaign_devices')
          .select(['device_id as deviceId', 'since'])
          .where('campaign_id', '=', campaignId)
          .where('status', '=', status)
          .limit(limit)
          .execute();
      const others = await inState('QUEUED');
      return { updated: await inState('SUCCEEDED'), others: others.map(({ deviceId }) => deviceId) };
    },
    transaction: (work) => store.transaction((trx: Db) => work(createWriter(trx, firmware), audit.on(trx))),
  };
}

function reader(db: Db): CampaignReader {
  return {
    async find(id) {
      const row = await db.selectFrom('campaigns').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : toCampaign(row);
    },
    async findDevice(campaignId, deviceId) {
      const row = await db
        .selectFrom('campaign_devices')
        .selectAll()
        .where('campaign_id', '=', campaignId)
        .where('device_id', '=', deviceId)
        .executeTakeFirst();
      return row === undefined ? null : toDevice(row);
    },
    async listOpenOf(deviceIds) {
      if (deviceIds.length === 0) return [];
      const rows = await db
        .selectFrom('campaign_devices')
        .innerJoin('campaigns', 'campaigns.id', 'campaign_devices.campaign_id')
        .selectAll('campaign_devices')
        .where('campaign_devices.device_id', 'in', [...deviceIds])
        .where('campaign_devices.is_open', '=', 1)
        .where('campaigns.status', 'in', ['RUNNING', 'PAUSED'])
        .orderBy('campaign_devices.id')
        .execute();
      return rows.map(toDevice);
    },
    async count(campaignId) {
      const rows = await db
        .selectFrom('campaign_devices')
        .select((eb) => ['status', eb.fn.countAll<number>().as('count')])
        .where('campaign_id', '=', campaignId)
        .groupBy('status')
        .execute();
      return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
    },
    async countReleased(campaignId, stage) {
      const members = db.selectFrom('campaign_devices').where('campaign_id', '=', campaignId);
      const ofStage = members.where('stage', '=', stage);
      const rows = await ofStage
        .select((eb) => ['status', eb.fn.countAll<number>().as('count')])
        .groupBy('status')
        .execute();
      const unseen = ofStage.where('status', '=', 'TIMED_OUT').where('reason', '=', 'not_seen');
      const last = await ofStage
        .select((eb) => eb.fn.max('since').as('at'))
        .where('status', '=', 'SUCCEEDED')
        .executeTakeFirst();
      return {
        counts: Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)])),
        released: await countOf(members.where('stage', 'is not', null)),
        notSeen: await countOf(unseen),
        lastSuccessAt: last?.at === null || last?.at === undefined ? null : Number(last.at),
        total: await countOf(members.where((eb) => eb.or([eb('stage', 'is not', null), eb('is_open', '=', 1)]))),
      };
    },
  };
}

function createWriter(trx: Db, firmware: Pick<FirmwareApi, 'findIn'>): CampaignWriter {
  const read = reader(trx);
  const members = (campaignId: number) =>
    trx.selectFrom('campaign_devices').selectAll().where('campaign_id', '=', campaignId);
  return {
    ...read,
    findFirmware: (id) => firmware.findIn(trx, id),
    async insert(plan) {
      await trx.insertInto('campaigns').values(planRow(plan)).execute();
      const row = await trx
        .selectFrom('campaigns')
        .selectAll()
        .orderBy('id', 'desc')
        .limit(1)
        .executeTakeFirstOrThrow();
      return toCampaign(row);
    },
    async update(id, changes, at) {
      await trx
        .updateTable('campaigns')
        .set({ ...updateRow(changes), updated_at: at })
        .where('id', '=', id)
        .execute();
    },
    async enrolled(campaignId, deviceIds) {
      if (deviceIds.length === 0) return new Set();
      const rows = await trx
        .selectFrom('campaign_devices')
        .select('device_id')
        .where('campaign_id', '=', campaignId)
        .where('device_id', 'in', [...deviceIds])
        .execute();
      return new Set(rows.map(({ device_id }) => device_id));
    },
    async insertDevices(devices) {
      if (devices.length === 0) return;
      const rows = devices.map((device) => ({ ...deviceRow(device, device.since), created_at: device.since }));
      await trx.insertInto('campaign_devices').values(rows).execute();
    },
    async updateDevice(device, at) {
      await trx.updateTable('campaign_devices').set(deviceRow(device, at)).where('id', '=', device.id).execute();
    },
    async listUnreleased(campaignId, { first, limit, zones }) {
      const candidates = members(campaignId)
        .where('stage', 'is', null)
        .where('status', '=', 'QUEUED')
        .orderBy('release_rank')
        .orderBy('id')
        .limit(zones === null ? Math.min(first, limit) : first);
      if (zones === null) return (await candidates.execute()).map(toDevice);
      const named = zones.filter((zone) => zone !== null);
      const rows = await trx
        .selectFrom(candidates.as('first'))
        .selectAll()
        .where((eb) =>
          eb.or([
            ...(named.length === 0 ? [] : [eb('zone', 'in', named)]),
            ...(named.length === zones.length ? [] : [eb('zone', 'is', null)]),
          ]),
        )
        .orderBy('release_rank')
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toDevice);
    },
    async listZones(campaignId) {
      const rows = await trx
        .selectFrom('campaign_devices')
        .select('zone')
        .distinct()
        .where('campaign_id', '=', campaignId)
        .where('stage', 'is', null)
        .where('status', '=', 'QUEUED')
        .execute();
      return rows.map(({ zone }) => zone);
    },
    async setZone(deviceId, zone, at) {
      await trx
        .updateTable('campaign_devices')
        .set({ zone, updated_at: at })
        .where('device_id', '=', deviceId)
        .where('is_open', '=', 1)
        .execute();
    },
    async listDue(campaignId, at, limit) {
      const rows = await members(campaignId)
        .where('is_open', '=', 1)
        .where('due_at', '<=', at)
        .orderBy('due_at')
        .limit(limit)
        .execute();
      return rows.map(toDevice);
    },
    async listOpen(campaignId, limit) {
      const rows = await members(campaignId)
        .where('status', 'in', [...OPEN_DEVICE_STATES])
        .orderBy('id')
        .limit(limit)
        .execute();
      return rows.map(toDevice);
    },
  };
}

function byStatus(rows: readonly { readonly status: string; readonly count: number }[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
}
