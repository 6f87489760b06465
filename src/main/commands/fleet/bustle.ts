import { randomBytes } from 'node:crypto';
import { toIso } from '#kernel/clock.ts';
import { pause } from '#kernel/concurrency.ts';
import type { Api } from './api.ts';
import type { ModelName } from './device-model.ts';
import type { RegisteredDevice } from './registration.ts';

const IMAGE_BYTES = 256 * 1024;
const NEW_VERSION = '1.1.0';
const COMMANDS = ['measure', 'blink', 'calibrate', 'measure', 'reboot'] as const;
/** The report of a fleet that has just begun is worth looking at after a minute. */
const REPORT_ROUND = 3;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const RULES = [
  {
    name: 'Too hot',
    metric: 'temperature',
    condition: 'gt',
    threshold: 32,
    clear_threshold: 30,
    severity: 'CRITICAL',
    scope: { device_type: 'thermometer' },
  },
  {
    name: 'Pressure out of range',
    metric: 'pressure_bar',
    condition: 'outside',
    threshold: [0, 5],
    severity: 'WARNING',
    scope: { device_type: 'pump' },
  },
  { name: 'Away', condition: 'offline', for_seconds: 5, severity: 'INFO', scope: { all: true } },
];

/**
 * What people do with a fleet, by the public API, so that every list has something in it: a group with a configuration,
 * alert rules, a claim, an order for several devices, signed firmware, and two campaigns, one of which runs in stages.
 * @throws StartError with what the API answered
 */
export async function setUpBustle(api: Api, devices: readonly RegisteredDevice[]): Promise<void> {
  const group = await api.call<{ id: number }>('POST', '/device-groups', {
    name: 'Pump house',
    description: 'All pumps',
  });
  for (const { id, model } of devices) {
    if (model === 'pump') await api.call('PATCH', `/devices/${id}`, { group_id: group.id });
  }
  const defaults = { interval_seconds: 5, pressure_bar: { low: 3, high: 5 }, night_mode: true };
  await api.call('PUT', `/device-groups/${group.id}/config`, defaults);
  for (const { id } of devices.slice(0, 1)) {
    await api.call('PUT', `/devices/${id}/config`, { interval_seconds: 1, unit: 'celsius' });
  }
  for (const rule of RULES) await api.call('POST', '/monitoring/alert-rules', rule);
  await api.call('POST', '/provisioning/claims', {
    name: 'Pumps of the next delivery',
    device_type: 'pump',
    group_id: group.id,
    max_devices: 10,
    expires_at: toIso(Date.now() + 30 * DAY_MS),
    uid_pattern: 'pump-*',
  });
  const order = { target: { device_type: 'air_quality' }, command: 'calibrate', ttl_seconds: 600 };
  await api.call('POST', '/commands', order);

  const running = await api.call<{ id: number }>('POST', '/campaigns', {
    name: `Thermometers to ${NEW_VERSION}`,
    firmware_id: await uploadImage(api, 'thermometer', 'Measures more often at night'),
    target: { device_type: 'thermometer' },
    stages: [
      { devices: 1, gate: [{ type: 'min_devices', count: 1 }] },
      { percent: 60, gate: [{ type: 'failed_share', max: 0.5 }] },
      { percent: 100 },
    ],
    retries: { max: 2, backoff_seconds: 30 },
  });
  await api.call('POST', `/campaigns/${running.id}/start`);
  await api.call('POST', '/campaigns', {
    name: `Pumps to ${NEW_VERSION}`,
    firmware_id: await uploadImage(api, 'pump', 'Starts more gently'),
    target: { group_id: group.id },
    stages: [{ percent: 20, gate: [{ type: 'failed_share', max: 0.1 }] }, { percent: 100 }],
    requires_approval: true,
  });
}

/**
 * Sends commands, to one device after the other, and asks for one report, until the signal aborts.
 * @param everyMs between two commands, in milliseconds @param complain told what the API refused
 */
export async function keepBusy(
  api: Api,
  devices: readonly RegisteredDevice[],
  { everyMs, signal, complain }: { everyMs: number; signal: AbortSignal; complain: (error: Error) => void },
): Promise<void> {
  for (let round = 0; ; round += 1) {
    await pause(everyMs, signal);
    const device = devices[round % devices.length];
    if (signal.aborted || device === undefined) return;
    try {
      const command = COMMANDS[round % COMMANDS.length];
      await api.call('POST', `/devices/${device.id}/commands`, { command, ttl_seconds: 120 });
      if (round !== REPORT_ROUND) continue;
      const now = Date.now();
      await api.call('POST', `/analytics/reports/${device.id}`, { start: toIso(now - HOUR_MS), end: toIso(now) });
    } catch (error) {
      if (!signal.aborted) complain(error as Error);
    }
  }
}

/** @returns the id of the firmware */
async function uploadImage(api: Api, model: ModelName, notes: string): Promise<number> {
  const query = new URLSearchParams({ device_type: model, version: NEW_VERSION, notes });
  const { id } = await api.call<{ id: number }>('POST', `/firmware?${query}`, randomBytes(IMAGE_BYTES));
  return id;
}
