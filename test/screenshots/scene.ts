import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type ApiClient, signIn } from '../support/api-client.ts';
import { freePort, type ServerProcess } from '../support/server-process.ts';

const MINUTE = 60_000;
const DAYS = 3;
const BATCH = 500;
const PLACES = [
  [37.57, 126.98],
  [35.18, 129.08],
  [36.35, 127.38],
  [48.14, 11.58],
  [-33.87, 151.21],
  [40.71, -74.01],
] as const;

/** An installation that looks lived in: the demo's fleet, and beside it a device with a past. */
export interface Scene extends AsyncDisposable {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** Pages with something to see, by the name of their picture. */
  readonly pages: Readonly<Record<string, string>>;
}

export async function openScene(): Promise<Scene> {
  const demo = await startDemo();
  const { url, email, password } = demo;
  const api = await signIn({ httpUrl: url } as ServerProcess, { email, password });
  const device = await api.registerDevice({
    name: 'Greenhouse 7',
    device_type: 'greenhouse',
    device_uid: 'greenhouse-07',
  });
  const send = senderOf(demo.url, device);
  for (let at = -DAYS * 1_440; at < 0; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, -at) }, (_, index) =>
      sampleAt(Date.now() + (at + index) * MINUTE),
    );
    await send(batch);
  }
  const rule = await api.call('POST', '/api/v1/monitoring/alert-rules', {
    ...{ name: 'Too warm for tomatoes', metric: 'temperature', condition: 'gt', threshold: 27, severity: 'WARNING' },
    scope: { device_id: device.id },
  });
  const live = setInterval(() => void send([sampleAt(Date.now())]).catch(() => {}), 2_000);
  await send([{ ...sampleAt(Date.now()), metrics: { temperature: 29.4 } }]);
  const alert = await firstAlert(api, device.id);
  await api.call('POST', `/api/v1/monitoring/alerts/${alert}/comments`, {
    text: 'The window motor is stuck. Somebody is on the way.',
  });
  for (const [name, role] of [
    ['Mina Park', 'MANAGER'],
    ['Jonas Weber', 'USER'],
  ] as const) {
    const email = `${name.split(' ')[0]?.toLowerCase()}@example.com`;
    await api.call('POST', '/api/v1/users', { email, full_name: name, role, password: 'correct horse battery' });
  }
  // In several places, so that the map shows something.
  for (const [index, [lat, lon]] of PLACES.entries())
    await api.call('PATCH', `/api/v1/devices/${index + 1}`, { metadata: { lat, lon } });
  const dashboard = await api.call('POST', '/api/v1/dashboards', dashboardOf(device.id));
  await new Promise((resolve) => setTimeout(resolve, 20_000));
  return {
    ...demo,
    pages: {
      'explore-chart': `/explore?devices=${device.id}&metrics=temperature,humidity&range=24h&show=thresholds,alerts,trend`,
      greenhouse: `/devices/${device.id}`,
      'greenhouse-charts': `/devices/${device.id}?tab=charts`,
      'greenhouse-alerts': `/devices/${device.id}?tab=alerts`,
      rule: `/rules/${rule.id}`,
      alert: `/alerts?alert=${alert}`,
      dashboard: `/dashboards/${dashboard.id}`,
      wall: `/dashboards/${dashboard.id}?wall=1`,
      campaign: '/campaigns/1',
      'campaign-approval': '/campaigns/2',
      claim: '/claims/1',
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(live);
      await demo[Symbol.asyncDispose]();
    },
  };
}

async function startDemo() {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const child: ChildProcess = spawn(process.execPath, ['src/main/cli.ts', 'demo'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, HTTP_PORT: String(httpPort), MQTT_PORT: String(mqttPort), LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const password = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the demo did not start:\n${output}`)));
    child.stdout?.on('data', (chunk) => {
      output += String(chunk);
      const found = /password +(\S+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    ...{ url: `http://127.0.0.1:${httpPort}`, email: 'admin@example.com', password },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

function senderOf(url: string, { uid, secret }: { readonly uid: string; readonly secret: string }) {
  const authorization = `Basic ${Buffer.from(`${uid}:${secret}`).toString('base64')}`;
  return async (body: readonly unknown[]): Promise<void> => {
    const response = await fetch(`${url}/api/v1/ingest/telemetry`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { authorization, 'content-type': 'application/json' },
    });
    const answer = await response.text();
    if (!response.ok || !answer.includes('"rejected":[]')) throw new Error(`${response.status} ${answer}`);
  };
}

/** A day's wave with a little noise, the same in every run but for when it is. */
function sampleAt(time: number) {
  const day = (2 * Math.PI * (time % 86_400_000)) / 86_400_000;
  const noise = Math.sin(time / 97_000) + Math.sin(time / 41_000) / 2;
  const rounded = (value: number) => Math.round(value * 10) / 10;
  return {
    timestamp: new Date(time).toISOString(),
    metrics: {
      temperature: rounded(21 - 5 * Math.cos(day) + noise / 2),
      humidity: rounded(62 + 14 * Math.cos(day) - noise),
      soil_moisture: rounded(38 - (time % 43_200_000) / 4_000_000 + noise / 5),
      vent_open: Math.cos(day) < -0.6,
    },
  };
}

async function firstAlert(api: ApiClient, deviceId: number): Promise<number> {
  for (;;) {
    const { items } = await api.call('GET', `/api/v1/monitoring/alerts?device_id=${deviceId}`);
    if (items.length > 0) return items[0].id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function dashboardOf(deviceId: number) {
  const source = (metric: string) => ({ device_id: deviceId, device_name: 'Greenhouse 7', metric });
  const widget = (id: string, type: string, title: string | null, options: object) => ({ id, type, title, options });
  return {
    name: 'Greenhouses',
    shared: 'all',
    widgets: [
      widget('w1', 'chart', 'Climate today', { sources: [source('temperature'), source('humidity')], minutes: 1_440 }),
      widget('w2', 'value', 'Temperature', { sources: [source('temperature')], unit: '°C' }),
      widget('w3', 'gauge', 'Humidity', {
        sources: [source('humidity')],
        unit: '%',
        min: 0,
        max: 100,
        warning: 80,
        critical: 90,
      }),
      widget('w4', 'alerts', 'What is wrong', {}),
      widget('w5', 'devices', 'Who is there', { group_id: null }),
      widget('w6', 'map', 'Where they are', { group_id: null }),
      widget('w7', 'command', 'Water now', { sources: [source('')], command: 'water', params: '{"seconds":30}' }),
      widget('w8', 'text', null, { text: 'Water at seven. Vents by hand above 30 °C.' }),
    ],
    layout: [
      { i: 'w1', x: 0, y: 0, w: 6, h: 6 },
      { i: 'w2', x: 6, y: 0, w: 3, h: 3 },
      { i: 'w3', x: 9, y: 0, w: 3, h: 6 },
      { i: 'w7', x: 6, y: 3, w: 3, h: 3 },
      { i: 'w4', x: 0, y: 6, w: 4, h: 6 },
      { i: 'w5', x: 4, y: 6, w: 4, h: 6 },
      { i: 'w6', x: 8, y: 6, w: 4, h: 6 },
      { i: 'w8', x: 0, y: 12, w: 4, h: 3 },
    ],
  };
}
