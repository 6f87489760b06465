import { randomBytes } from 'node:crypto';
import type { ApiClient } from './api-client.ts';
import { driveTo, uploadImage } from './campaign-fleet.ts';
import { createTestPki } from './certificates.ts';
import type { ConsoleStage } from './console-stage.ts';

/** Of the devices that `uploadImage` makes firmware for. */
const DEVICE_TYPE = 'pump';
const PASSWORD = 'correct horse battery';
const DAY_MS = 86_400_000;

/** Pages about records of the installation below. */
export interface KoreanInstallation {
  readonly pages: readonly string[];
}

/** An installation with something on every page, whose people and devices speak Korean: what is English there, the console says. */
export async function furnishInKorean(stage: ConsoleStage): Promise<KoreanInstallation> {
  const api = stage.api();
  const url = stage.server().httpUrl;
  const group = await api.call('POST', '/api/v1/device-groups', { name: '온실', description: '유리로 지은 곳' });
  const manager = { email: 'mina@example.com', full_name: '박미나', role: 'MANAGER', password: PASSWORD };
  const { id: managerId } = await api.call('POST', '/api/v1/users', manager);
  await api.call('POST', '/api/v1/users', { email: 'uma@example.com', full_name: '이우마', password: PASSWORD });
  const first = await api.registerDevice({
    ...{ name: '첫 번째 펌프', device_uid: 'pump-1', device_type: DEVICE_TYPE, group_id: group.id },
    ...{ owner_id: managerId, metadata: { lat: 37.57, lon: 126.98 } },
  });
  const second = await api.registerDevice({ name: '두 번째 펌프', device_uid: 'pump-2', device_type: DEVICE_TYPE });
  const third = await api.registerDevice({ name: '낡은 펌프', device_uid: 'pump-3', device_type: DEVICE_TYPE });
  await api.call('PATCH', `/api/v1/devices/${second.id}`, { status: 'MAINTENANCE' });

  const ingest = async (device: typeof first, channel: string, body: unknown) => {
    const authorization = `Basic ${Buffer.from(`${device.uid}:${device.secret}`).toString('base64')}`;
    await fetch(`${url}/api/v1/ingest/${channel}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  };
  const now = Date.now();
  const past = Array.from({ length: 120 }, (_, minute) => ({
    timestamp: now - (121 - minute) * 60_000,
    metrics: { temperature: 20 + (minute % 7), rpm: 900 + minute, door_open: minute % 2 === 0 },
  }));
  await ingest(first, 'telemetry', past);

  const { ruleId, alertId } = await raiseAlerts(stage, first.id, (metrics) => ingest(first, 'telemetry', metrics));
  await api.call('PATCH', `/api/v1/monitoring/alerts/${alertId}`, { assigned_to: managerId });
  await api.call('POST', `/api/v1/monitoring/alerts/${alertId}/comments`, { text: '창문 모터가 멈췄습니다.' });

  // What is refused, each for a reason of its own.
  await ingest(first, 'telemetry', [{ temperature: null }, { timestamp: now + DAY_MS, metrics: { rpm: 1 } }, 7, {}]);
  await ingest(first, 'response', [{ command_id: 'nobody', status: 'success' }]);
  for (const level of ['DEBUG', 'INFO', 'WARNING', 'ERROR'])
    await ingest(first, 'log', { event_type: 'boot', level, message: '시작했습니다', payload: { volts: 3.3 } });
  await ingest(third, 'status', { status: 'ERROR', firmware_version: '1.0.0' });

  await configure(api, first, group.id, (body) => ingest(first, 'status', body));
  await command(api, first.id, second.id, (body) => ingest(first, 'response', body));
  const campaigns = await rollOut(stage);
  const claims = await provision(stage);
  const dashboard = await api.call('POST', '/api/v1/dashboards', dashboardOf(first.id));
  await operate(api, url, first.id, now);
  return {
    pages: [
      ...[`/rules/${ruleId}`, `/alerts?alert=${alertId}`, `/dashboards/${dashboard.id}`],
      ...[...campaigns, ...claims],
      '/alerts?is_acknowledged=all',
      `/explore?devices=${first.id}&metrics=temperature,rpm&range=24h&show=thresholds,alerts,trend,anomalies`,
      ...[second, third].flatMap(({ id }) => [`/devices/${id}`, `/devices/${id}?tab=firmware`]),
    ],
  };
}

type Send = (body: object) => Promise<void>;

/** One alert of each kind of condition on what was measured; the last of them is cleared. */
async function raiseAlerts(stage: ConsoleStage, deviceId: number, send: Send) {
  const api = stage.api();
  const rules = [
    { name: '너무 뜨겁습니다', metric: 'temperature', condition: 'gt', threshold: 30, severity: 'CRITICAL' },
    { name: '회전수 이상', metric: 'rpm', condition: 'outside', threshold: [100, 2_000], severity: 'WARNING' },
    { name: '문 열림', metric: 'door_open', condition: 'eq', threshold: true, severity: 'INFO' },
  ];
  const ids: number[] = [];
  for (const rule of rules) {
    const made = await api.call('POST', '/api/v1/monitoring/alert-rules', { ...rule, scope: { device_id: deviceId } });
    ids.push(made.id);
  }
  for (const rule of [
    { name: '조용한 디바이스', metric: 'rpm', condition: 'no_data', for_seconds: 3_600, severity: 'INFO' },
    { name: '연결 끊김', condition: 'offline', severity: 'WARNING', channels: ['web', 'email', 'webhook'] },
  ])
    await api.call('POST', '/api/v1/monitoring/alert-rules', { ...rule, scope: { all: true } });
  await send({ metrics: { temperature: 41, rpm: 4_000, door_open: true } });
  const alerts = () => api.call('GET', `/api/v1/monitoring/alerts?is_acknowledged=all&device_id=${deviceId}`);
  while ((await alerts()).total < rules.length) await soon();
  await send({ metrics: { door_open: false } });
  const isCleared = async () => (await alerts()).items.some(({ status }: { status: string }) => status === 'CLEARED');
  while (!(await isCleared())) await soon();
  const { items } = await alerts();
  const of = (index: number): number => items.find(({ rule_id }: { rule_id: number }) => rule_id === ids[index]).id;
  await api.call('POST', `/api/v1/monitoring/alerts/${of(1)}/acknowledge`, {});
  return { ruleId: ids[0], alertId: of(0) };
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 50));

async function configure(api: ApiClient, device: { readonly id: number }, groupId: number, report: Send) {
  await api.call('PUT', `/api/v1/device-groups/${groupId}/config`, { interval: 60 });
  await api.call('PUT', `/api/v1/devices/${device.id}/config`, { interval: 30, limits: { high: 30 } });
  await api.call('PATCH', `/api/v1/devices/${device.id}/config`, { limits: { high: 31 } });
  await report({ status: 'ONLINE', config_version: 1, config: { interval: 10 }, config_error: '값이 너무 작습니다' });
}

/** Commands in the states that a device without MQTT brings them to. */
async function command(api: ApiClient, id: number, otherId: number, respond: Send) {
  const send = (body: object) => api.call('POST', `/api/v1/devices/${id}/commands`, { command: 'spin', ...body });
  const [succeeds, fails, runs] = [await send({}), await send({ params: { speed: 3 } }), await send({})];
  const cancelled = await send({});
  await api.call('POST', `/api/v1/devices/${id}/commands/${cancelled.command_id}/cancel`, {});
  for (const deliver of ['latest_only', 'latest_only', 'now'])
    await api.call('POST', `/api/v1/devices/${otherId}/commands`, { command: 'dim', deliver });
  await respond({ command_id: succeeds.command_id, status: 'success', result: { rpm: 3 } });
  await respond({ command_id: fails.command_id, status: 'error', error: '모터가 막혔습니다' });
  await respond({ command_id: runs.command_id, status: 'progress', progress: 40 });
  await api.call('POST', '/api/v1/commands', { target: { all: true }, command: 'blink' });
}

/** A roll-out in each of the states that it may stay in. @returns their pages */
async function rollOut(stage: ConsoleStage): Promise<readonly string[]> {
  const api = stage.api();
  const firmware = await uploadImage(stage.server(), api, '2.0.0', randomBytes(2_000));
  const gate = [
    { type: 'failed_share', max: 0.1 },
    { type: 'not_seen_share', max: 0.5 },
    { type: 'bake_time', seconds: 3_600 },
    { type: 'min_devices', count: 1 },
    { type: 'alerts', ratio: 2, floor: 0.1 },
    { type: 'telemetry', metric: 'rpm', aggregate: 'avg', fails: 'above', ratio: 2, bound: 5_000 },
  ];
  const make = async (name: string, more: object = {}): Promise<number> =>
    (
      await api.call('POST', '/api/v1/campaigns', {
        ...{ name, firmware_id: firmware.id, target: { device_type: DEVICE_TYPE } },
        ...{ stages: [{ percent: 30, gate }, { percent: 100 }], ...more },
      })
    ).id;
  const does = (id: number, what: string) => api.call('POST', `/api/v1/campaigns/${id}/${what}`, {});
  const waits = await make('승인 대기', { requires_approval: true });
  const running = await make('진행 중');
  await does(running, 'start');
  await driveTo(api, running, 'RUNNING');
  const paused = await make('멈춤', { rate_per_minute: 5, retries: { max: 2, backoff_seconds: 60 } });
  await does(paused, 'start');
  await driveTo(api, paused, 'RUNNING');
  await does(paused, 'pause');
  const aborted = await make('중단함');
  await does(aborted, 'start');
  await does(aborted, 'abort');
  const schedule = { start_at: '2100-01-01T00:00:00Z', windows: [{ from: '22:00', to: '05:00' }], zone: 'Asia/Seoul' };
  const scheduled = await make('예약', { schedule, continuous: true, on_fail: 'abort' });
  await does(scheduled, 'start');
  return [waits, running, paused, aborted, scheduled].map((id) => `/campaigns/${id}`);
}

/** A claim that was used and misused, one that was revoked, a certificate and an authority. @returns pages */
async function provision(stage: ConsoleStage): Promise<readonly string[]> {
  const api = stage.api();
  const claim = (more: object) =>
    api.call('POST', '/api/v1/provisioning/claims', {
      ...{ name: '봄 물량', device_type: 'sensor', max_devices: 5, expires_at: '2100-01-01T00:00:00Z', ...more },
    });
  const used = await claim({ uid_pattern: 'sensor-*' });
  const revoked = await claim({ name: '잃어버린 물량' });
  await api.call('POST', `/api/v1/provisioning/claims/${revoked.id}/revoke`, {});
  const pki = createTestPki();
  const ask = (body: object) =>
    fetch(`${stage.server().httpUrl}/api/v1/provision`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const { csr } = pki.request('/CN=sensor-1');
  pki.close();
  await ask({ token: used.token, device_uid: 'sensor-1', name: '센서', csr });
  await ask({ token: used.token, device_uid: 'lamp-1' });
  await ask({ token: revoked.token, device_uid: 'lamp-2' });
  return [used, revoked].map(({ id }) => `/claims/${id}`);
}

/** What those who run an installation leave behind. */
async function operate(api: ApiClient, url: string, deviceId: number, now: number) {
  await api.call('POST', '/api/v1/notifications/broadcast', { title: '점검', message: '오늘 밤에 점검합니다.' });
  const range = { start: new Date(now - DAY_MS).toISOString(), end: new Date(now).toISOString() };
  await api.call('POST', `/api/v1/analytics/reports/${deviceId}`, range);
  await api.call('PUT', '/api/v1/system/configs/site.name', { value: '본관', description: '건물 이름' });
  await api.call('PUT', '/api/v1/system/configs/site.key', { value: '열쇠', is_secret: true });
  await api.call('POST', '/api/v1/auth/tokens', { name: '스크립트', role: 'USER', read_only: true });
  await api.call('POST', '/api/v1/system/jobs/check_device_health/run', {});
  await fetch(`${url}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'admin@example.com', password: 'wrong password' }),
  });
}

function dashboardOf(deviceId: number) {
  const source = { device_id: deviceId, device_name: '첫 번째 펌프', metric: 'temperature' };
  const kinds: Readonly<Record<string, object>> = {
    chart: { sources: [source], minutes: 1_440 },
    value: { sources: [source], unit: '°C' },
    gauge: { sources: [source], unit: '°C', min: 0, max: 50, warning: 30, critical: 40 },
    alerts: {},
    devices: { group_id: null },
    map: { group_id: null },
    command: { sources: [{ ...source, metric: '' }], command: 'water', params: '{}' },
    text: { text: '아침 일곱 시에 물을 줍니다.' },
  };
  const types = Object.keys(kinds);
  return {
    ...{ name: '온실 현황', shared: 'all' },
    widgets: types.map((type) => ({ id: type, type, title: null, options: kinds[type] })),
    layout: types.map((i, index) => ({ i, x: (index % 3) * 4, y: Math.floor(index / 3) * 5, w: 4, h: 5 })),
  };
}
