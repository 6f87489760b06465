/* Copied beside the generated types by typescript-client.ts, and checked and run there. */
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.d.ts';

declare const process: { readonly argv: readonly string[]; readonly stdout: { write(text: string): void } };
const [, , baseUrl = '', email = '', password = ''] = process.argv;

function answerOf<T>({ data, error }: { data?: T; error?: components['schemas']['Problem'] }): T {
  if (data === undefined) throw new Error(`${error?.status} ${error?.code}: ${error?.detail}`);
  return data;
}

const anyone = createClient<paths>({ baseUrl });
const { access_token } = answerOf(await anyone.POST('/api/v1/auth/login', { body: { email, password } }));
const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${access_token}` } });

const created = answerOf(
  await api.POST('/api/v1/devices', { body: { name: 'Greenhouse 7', device_type: 'sensor', metadata: { floor: 2 } } }),
);
// Nothing with a default is needed.
const page = answerOf(await api.GET('/api/v1/devices'));
const device: components['schemas']['Device'] | undefined = page.items[0];
if (page.total !== 1 || device?.id !== created.id) throw new Error(`the list has ${JSON.stringify(page)}`);

const rule = answerOf(
  await api.POST('/api/v1/monitoring/alert-rules', {
    body: {
      name: 'Too hot',
      metric: 'temperature',
      condition: 'gt',
      threshold: 30,
      severity: 'WARNING',
      scope: { device_id: device.id },
    },
  }),
);
const severity: components['schemas']['AlertSeverity'] = rule.severity;
const desired = { name: `Greenhouse 7 (${severity})` };
const renamed = answerOf(
  await api.PATCH('/api/v1/devices/{device_id}', { params: { path: { device_id: device.id } }, body: desired }),
);
if (renamed.name !== desired.name) throw new Error(`the device is called ${renamed.name}`);

const history = answerOf(
  await api.GET('/api/v1/devices/{device_id}/telemetry', { params: { path: { device_id: device.id } } }),
);
const { error } = await api.GET('/api/v1/devices/{device_id}', { params: { path: { device_id: 2_000_000 } } });
if (error?.code !== 'device_not_found') throw new Error(`not found is ${error?.code}`);
process.stdout.write(`6 calls, ${history.items.length} samples, and a problem by its code\n`);
