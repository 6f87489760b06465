import { type QueryClient, skipToken, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { api } from '#console/api/client.ts';
import { useLive } from '#console/api/live.ts';
import type { components } from '#console/api/schema.d.ts';
import { isAtLeast, type User } from '#console/session/session.ts';

export type Device = components['schemas']['Device'];

const PATH = '/api/v1/devices/{device_id}';
const inputOf = (id: number) => ({ params: { path: { device_id: id } } });

/** A device, its status and when it was last seen kept up to date by what it sends. */
export function useDevice(id: number) {
  const cache = useQueryClient();
  const query = api.useQuery('get', PATH, inputOf(id), { enabled: Number.isInteger(id) });
  const uid = query.data?.device_uid;
  const room = uid === undefined ? undefined : { device_uid: uid };
  const change = (changes: Partial<Device>) =>
    cache.setQueryData<Device>(['get', PATH, inputOf(id)], (device) => device && { ...device, ...changes });
  useLive(
    room,
    'device_status',
    ({ status, last_seen_at }) => change({ status, last_seen_at }),
    (isLate) => void query.refetch({ cancelRefetch: isLate }),
  );
  const told = useRef(0);
  useLive(room, 'telemetry', () => {
    const now = Date.now();
    if (now - told.current < 1_000) return;
    told.current = now;
    change({ last_seen_at: new Date(now).toISOString() });
  });
  return query;
}

/** Who may send commands and change the configuration, as the API has it. */
export const mayControl = (user: User, device: Device): boolean =>
  isAtLeast(user.role, 'MANAGER') || device.owner_id === user.id;

const secretKey = (id: number) => ['device-secret', id];

/** Keeps a secret that was just made for as long as somebody looks at its device, and with the session of this user only. */
export function keepSecret(cache: QueryClient, id: number, secret: string): void {
  cache.setQueryData(secretKey(id), secret);
}

/** Undefined: it was made earlier, and nobody knows it but the device. */
export const useSecret = (id: number): string | undefined =>
  useQuery<string>({ queryKey: secretKey(id), queryFn: skipToken, staleTime: Number.POSITIVE_INFINITY }).data;

/** The colour of a status in bars and dots, where its badge does not fit. */
export const STATUS_COLOUR = {
  ONLINE: 'var(--mantine-color-teal-7)',
  OFFLINE: 'var(--mantine-color-gray-5)',
  MAINTENANCE: 'var(--mantine-color-indigo-6)',
  ERROR: 'var(--mantine-color-red-7)',
} as const satisfies Readonly<Record<Device['status'], string>>;
