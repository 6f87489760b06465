import type { QueryClient } from '@tanstack/react-query';
import { api, client } from '#console/api/client.ts';
import type { components } from '#console/api/schema.d.ts';
import type { Undo } from '#console/components/undo.tsx';

export type DeviceConfig = components['schemas']['DeviceConfig'];
export type ConfigVersion = components['schemas']['DeviceConfigVersion'];

const PATH = '/api/v1/devices/{device_id}/config';
const HISTORY = '/api/v1/devices/{device_id}/config/history';

export const etagOf = (version: number): string => `"${version}"`;

/** Read again every few seconds: the device may report, and others may change it. */
export const useConfig = (id: number) =>
  api.useQuery('get', PATH, { params: { path: { device_id: id } } }, { refetchInterval: 5_000 });

export const useConfigHistory = (id: number, page: number, size: number) =>
  api.useQuery(
    'get',
    HISTORY,
    { params: { path: { device_id: id }, query: { page, size } } },
    { placeholderData: (before) => before },
  );

/** The version that stands, and who made it. @throws Problem */
export async function readCurrent(id: number): Promise<{ config: DeviceConfig; change: ConfigVersion | undefined }> {
  const path = { device_id: id };
  const config = await client.GET(PATH, { params: { path } });
  if (config.error !== undefined) throw config.error;
  const history = await client.GET(HISTORY, { params: { path, query: { page: 1, size: 1 } } });
  if (history.error !== undefined) throw history.error;
  return { config: config.data, change: history.data.items[0] };
}

/** Brings an earlier version back, if `current` is still the one that counts. */
export const rollBack = (id: number, version: number, current: number) =>
  client.POST('/api/v1/devices/{device_id}/config/rollback', {
    params: { path: { device_id: id }, header: { 'if-match': etagOf(current) } },
    body: { version },
  });

/** The way back from a version to the one before. Before the first there was nothing. */
export const undoOf =
  (id: number, version: number, saved: number): Undo =>
  () =>
    version > 0
      ? rollBack(id, version, saved)
      : client.PUT(PATH, { params: { path: { device_id: id }, header: { 'if-match': etagOf(saved) } }, body: {} });

export async function refreshConfig(cache: QueryClient): Promise<void> {
  await Promise.all([PATH, HISTORY].map((path) => cache.invalidateQueries({ queryKey: ['get', path] })));
}
