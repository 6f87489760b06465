import { connectAsync } from 'mqtt';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, type RegisteredDevice, signInAsSuperuser } from '../support/api-client.ts';
import { temporaryFolder } from '../support/folders.ts';
import { type CollectedSpan, type OtlpCollector, startOtlpCollector } from '../support/otlp-collector.ts';
import { type ServerProcess, startServer } from '../support/server-process.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

describe('traces', () => {
  const folder = temporaryFolder();
  let collector: OtlpCollector;
  let server: ServerProcess;
  let api: ApiClient;
  let device: RegisteredDevice;

  beforeAll(async () => {
    collector = await startOtlpCollector();
    const settings = {
      DATA_DIR: folder.path,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-token=a%20token',
      OTEL_TRACES_SAMPLER_ARG: '1',
      OTEL_SERVICE_NAME: 'under-test',
    };
    server = await startServer(settings);
    api = await signInAsSuperuser(server, settings);
    device = await api.registerDevice();
  });
  afterAll(async () => {
    expect(await server.end('SIGTERM')).toBe(0);
    await collector.close();
    folder.remove();
  });

  const find = (matches: (span: CollectedSpan) => boolean) =>
    expect.poll(() => collector.spans.find(matches), { timeout: 15_000 });
  const inTrace = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId);

  test('one message is followed from the broker to the browser', async () => {
    const socket = io(`${server.httpUrl}/monitoring`, { auth: { token: api.token }, transports: ['websocket'] });
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    await socket.emitWithAck('subscribe', { device_uid: device.uid });
    const seen = new Promise((resolve) => socket.once('telemetry', resolve));
    const client = await connectAsync(server.mqttUrl, { username: device.uid, password: device.secret });
    await client.publishAsync(`devices/${device.uid}/telemetry`, '{"temperature":21.5}', { qos: 1 });
    await seen;
    await client.endAsync();
    socket.disconnect();

    await find(({ name }) => name === 'live emit').toBeDefined();
    const root = collector.spans.find(({ name }) => name === 'receive telemetry') as CollectedSpan;
    expect(root).toMatchObject({
      parentSpanId: '',
      attributes: { 'messaging.system': 'mqtt', 'core_api.device_uid': device.uid },
    });
    const [commit, live] = ['commit', 'live emit'].map((name) =>
      inTrace(root.traceId).find((span) => span.name === name),
    ) as [CollectedSpan, CollectedSpan];
    for (const part of [commit, live]) expect(part.parentSpanId).toBe(root.spanId);
    // Shown after it was stored; the library tells beginnings in whole milliseconds.
    expect(commit.startTimeUnixNano >= root.startTimeUnixNano).toBe(true);
    expect(live.startTimeUnixNano + 1_000_000n > commit.endTimeUnixNano).toBe(true);
    expect(collector.resource()).toMatchObject({ 'service.name': 'under-test' });
    expect(collector.headers()).toMatchObject({ 'x-token': 'a token' });
  });

  test('a request goes on with the trace of its caller, down to the commit', async () => {
    const authorization = `Basic ${Buffer.from(`${device.uid}:${device.secret}`).toString('base64')}`;
    const response = await fetch(`${server.httpUrl}/api/v1/ingest/telemetry`, {
      method: 'POST',
      headers: {
        authorization,
        'content-type': 'application/json',
        traceparent: `00-${TRACE}-${CALLER}-01`,
      },
      body: '{"temperature":22}',
    });
    expect(response.status).toBe(200);
    await find(({ traceId, name }) => traceId === TRACE && name.startsWith('POST')).toBeDefined();
    const [request, receive, commit] = ['POST /api/v1/ingest/:kind', 'receive telemetry', 'commit'].map((name) =>
      inTrace(TRACE).find((span) => span.name === name),
    ) as [CollectedSpan, CollectedSpan, CollectedSpan];
    expect(request).toMatchObject({
      parentSpanId: CALLER,
      attributes: { 'http.request.method': 'POST', 'http.route': '/api/v1/ingest/:kind' },
    });
    expect(Number(request.attributes['http.response.status_code'])).toBe(200);
    expect(receive.parentSpanId).toBe(request.spanId);
    expect(commit.parentSpanId).toBe(receive.spanId);
  });

  test('a caller that is not recorded is not, and probes are not', async () => {
    const other = TRACE.replace('4b', '5c');
    await fetch(`${server.httpUrl}/readyz`);
    await api.call('GET', '/api/v1/users/me');
    await fetch(`${server.httpUrl}/api/v1/system/health`, { headers: { traceparent: `00-${other}-${CALLER}-00` } });
    // The last word: what comes after it arrives after it.
    await fetch(`${server.httpUrl}/api/v1/nothing`, { headers: { traceparent: `00-${other}-${CALLER}-01` } });
    await find(({ traceId }) => traceId === other).toBeDefined();
    expect(inTrace(other).map(({ name }) => name)).toEqual(['GET unmatched']);
    expect(collector.spans.some(({ name }) => name === 'GET /api/v1/users/me')).toBe(true);
    expect(collector.spans.some(({ name }) => name.includes('/readyz'))).toBe(false);
  });
});
