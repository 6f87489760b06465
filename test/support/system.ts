import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { createLifecycle } from '#kernel/lifecycle.ts';
import { silentLogger } from '#kernel/logger.ts';
import { composeSystem, type System } from '#main/compose.ts';
import { loadConfig } from '#main/config.ts';
import type { Settings } from '#main/settings.ts';
import { temporaryFolder } from './folders.ts';
import { createRequester, type TestApp } from './http.ts';

export interface ComposedSystem {
  readonly system: System;
  /** Every route that the system has registered, hidden ones too, in order. */
  readonly routes: readonly RouteOptions[];
}

export interface RunningSystem extends ComposedSystem {
  readonly settings: Settings;
  readonly request: TestApp['request'];
  stop(): Promise<void>;
}

/** The whole system as `npm start` composes it, not started. */
export async function composeTestSystem(settings: Settings = loadConfig({})): Promise<ComposedSystem> {
  const routes: RouteOptions[] = [];
  // Fastify says here that an instance was made, before anything is registered on it.
  const collect = (message: unknown) => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook('onRoute', (route) => void routes.push(route));
  };
  subscribe('fastify.initialization', collect);
  try {
    return { system: await composeSystem(settings, silentLogger), routes };
  } finally {
    unsubscribe('fastify.initialization', collect);
  }
}

/** The same, started on free ports and a data folder of its own. `env` overrides settings. */
export async function startTestSystem(env: Readonly<Record<string, string>> = {}): Promise<RunningSystem> {
  const folder = temporaryFolder();
  const settings = loadConfig({ HTTP_PORT: '0', MQTT_PORT: '0', DATA_DIR: folder.path, ...env });
  const { system, routes } = await composeTestSystem(settings);
  const lifecycle = createLifecycle(system.components, {
    logger: silentLogger,
    startDeadlineMs: 10_000,
    stopDeadlineMs: 10_000,
  });
  const stop = async () => {
    system.setServing(false);
    await lifecycle.stop();
    folder.remove();
  };
  try {
    await lifecycle.start();
  } catch (error) {
    await stop();
    throw error;
  }
  system.setServing(true);
  return { system, routes, settings, request: createRequester(system.http.app), stop };
}
