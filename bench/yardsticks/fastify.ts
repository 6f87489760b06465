import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { DevicePage } from '#modules/devices/devices.schemas.ts';
import { answerParent } from '../support/child.ts';
import type { YardstickReady } from './aedes.ts';

/** A page of devices as the system answered it. */
export type AnsweredPage = Readonly<Record<string, unknown>>;

/**
 * A bare route that serialises the system's own twenty devices with the system's own response schema:
 * no token, no store, no pipeline.
 */
answerParent<AnsweredPage, YardstickReady>(async (page) => {
  const app = Fastify();
  app.get('/api/v1/devices', { schema: { response: { 200: DevicePage } } }, async () => page);
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: (app.server.address() as AddressInfo).port };
});
