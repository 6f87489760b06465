import type { Clock } from '#kernel/clock.ts';
import type { EventBus } from '#kernel/events.ts';
import type { Logger } from '#kernel/logger.ts';
import type { DevicesApi } from '#modules/devices/index.ts';
import type { AuditTrail, DeviceRefusals } from '#platform/audit/audit.port.ts';
import type { CounterStore } from '#platform/cache/cache.port.ts';
import type { HttpRoutes } from '#platform/http/http.port.ts';
import type { JobQueue } from '#platform/jobs/jobs.port.ts';
import type { ModuleWith } from '#platform/module/module.port.ts';
import type { MqttDownlink } from '#platform/mqtt/downlink.port.ts';
import type { Realtime } from '#platform/realtime/realtime.port.ts';
import type { SqlStore } from '#platform/sql/sql.port.ts';
import { createCommandBatches } from './commands.batches.ts';
import { createCommandCreation } from './commands.creation.ts';
import { createCommandDispatcher, type DeviceKey } from './commands.dispatcher.ts';
import { createCommandExpiry } from './commands.expiry.ts';
import { createCommandsJobs } from './commands.jobs.ts';
import { createCommandRecorder } from './commands.recorder.ts';
import { createCommandStore } from './commands.repository.ts';
import { createCommandsRoutes, createDeviceCommandsRoutes, createPollRoutes } from './commands.routes.ts';
import { OPEN_STATES } from './commands.rules.ts';
import { createCommandsService } from './commands.service.ts';
import { createResponseSink } from './commands.sink.ts';
import { LIVE_COMMAND, LIVE_RESPONSE, SEND_COMMAND, WATCH_COMMANDS } from './commands.socket.schemas.ts';
import { createDeviceNamespace, type WriteLimit } from './commands.socket.ts';
import { createCommandSweep } from './commands.sweep.ts';
import { createWaits } from './commands.waits.ts';

export interface CommandsModuleDeps {
  readonly persistence: { readonly sql: SqlStore; readonly audit: AuditTrail; readonly refusals: DeviceRefusals };
  readonly devices: DevicesApi;
  readonly downlink: MqttDownlink;
  readonly realtime: Realtime;
  /** What users have changed lately. */
  readonly counters: CounterStore;
  readonly jobs: JobQueue;
  readonly events: EventBus;
  readonly runtime: { readonly clock: Clock; readonly logger: Logger };
  readonly options: {
    /** Whether there is no other process. */
    readonly alone: boolean;
    /** For how long ended commands are kept, in milliseconds. */
    readonly retentionMs: number;
    /** What a USER may change within a time, over Socket.IO as over HTTP. */
    readonly writeLimit: WriteLimit;
  };
}

export type CommandsModule = ModuleWith<'routes' | 'sinks' | 'jobs' | 'components' | 'retention' | 'gauges'>;

/** Requests that wait for the end of a command, in one process, and of one user. */
const WAITING_FOR_ENDS = { total: 1_000, each: 50 };
/** Devices that wait for commands over HTTP. One that asks again may not have noticed the end of its former request. */
const WAITING_FOR_COMMANDS = { total: 5_000, each: 2 };

/** What people tell devices to do, and what becomes of it. */
export function createCommandsModule(deps: CommandsModuleDeps): CommandsModule {
  const { persistence, devices, downlink, realtime, jobs, runtime, options } = deps;
  const { clock, logger } = runtime;
  const events = deps.events.scope();
  const store = createCommandStore(persistence.sql, persistence.audit);
  const recorder = createCommandRecorder({ store, events, clock });
  const endings = createWaits(WAITING_FOR_ENDS);
  const polls = createWaits(WAITING_FOR_COMMANDS);
  const dispatcher = createCommandDispatcher({
    ...{ store, recorder, downlink, clock, logger },
    isAlone: options.alone,
    isPolling: polls.isWatched,
  });
  const expiry = createCommandExpiry({ store, recorder, clock, logger });
  const tell = ({ deviceId, deviceUid }: DeviceKey) =>
    events.emit('command.queued', clock.now(), { device_id: deviceId, device_uid: deviceUid });
  const creation = createCommandCreation({
    ...{ store, recorder, clock },
    queued: (command) => {
      expiry.expect(command.expiresAt);
      tell(command);
    },
  });
  const batches = createCommandBatches({ store, creation, devices, jobs, clock, logger });
  const commands = createCommandsService({ store, recorder, creation, dispatcher, endings, polls, devices, clock });
  const sweep = createCommandSweep({ store, dispatcher, devices, forget: commands.forgetDevice, tell, clock });
  createDeviceNamespace(
    { realtime, counters: deps.counters, writeLimit: options.writeLimit },
    commands,
    devices,
    events,
  );

  const stopping = new AbortController();
  let sweeping: Promise<void> = Promise.resolve();
  const sweepLater = (work: (signal: AbortSignal) => Promise<void>) => {
    sweeping = sweeping
      .then(() => work(stopping.signal))
      .catch((error: unknown) => logger.warn({ err: error }, 'waiting commands were not all sent; the job does it'));
  };

  events.on('command.queued', async ({ data, origin }) => {
    const device = { deviceId: data.device_id, deviceUid: data.device_uid };
    polls.wake(device.deviceUid);
    // Where any process can send, the one that made it does; else the one at which the device listens.
    const isHeldHere = downlink.capabilities.sender === 'holder' && dispatcher.isListening(device.deviceUid);
    if (origin !== 'relay' || isHeldHere) await dispatcher.pump(device);
  });
  events.on('command.ended', ({ data }) => endings.wake(data.command_id));
  events.on('relay.gap', () => {
    endings.wakeAll();
    polls.wakeAll();
    sweepLater(sweep.recent);
  });
  events.on('device.subscribed', async ({ data }) => {
    const { device_id: deviceId, device_uid: deviceUid, connection_id, channels } = data;
    if (channels.includes('command')) await dispatcher.listens({ deviceId, deviceUid }, connection_id);
  });
  events.on('device.disconnected', ({ data }) => dispatcher.disconnected(data.device_uid, data.connection_id));
  events.on('device.deleted', async ({ data, origin }) => {
    if (origin !== 'relay') await commands.forgetDevice(data.device_id);
  });

  const shut = async () => {
    endings.close();
    polls.close();
  };
  return {
    name: 'commands',
    listens: events,
    relayedEvents: ['command.queued', 'command.ended'],
    live: { events: [LIVE_COMMAND, LIVE_RESPONSE], commands: [WATCH_COMMANDS, SEND_COMMAND] },
    routes: [
      { prefix: '/api/v1/devices', routes: endingWaits(createDeviceCommandsRoutes(commands), shut) },
      { prefix: '/api/v1/commands', routes: createCommandsRoutes(commands, batches) },
      { prefix: '/api/v1/device', role: 'ingest', routes: endingWaits(createPollRoutes(commands), shut) },
    ],
    sinks: [createResponseSink(recorder, persistence.refusals)],
    jobs: createCommandsJobs(expiry, batches, sweep),
    components: [
      {
        name: 'commands',
        async stop() {
          stopping.abort();
          await shut();
          await sweeping;
          await expiry.stop();
          await dispatcher.stop();
          await recorder.idle();
        },
      },
      { name: 'waiting commands', roles: ['worker'], start: async () => sweepLater(sweep.all) },
    ],
    retention: [
      {
        name: 'commands',
        keptMs: options.retentionMs,
        removeOlderThan: (before, limit) => store.removeEndedBefore(before, limit),
      },
    ],
    gauges: [
      {
        name: 'core_api_commands_open',
        help: 'Commands that have not ended, of the whole installation',
        labels: ['status'],
        read: async () => {
          const counts = await store.countByState({ status: OPEN_STATES });
          return OPEN_STATES.map((status) => ({ labels: { status }, value: counts[status] ?? 0 }));
        },
      },
    ],
  };
}

/** Whoever waits is answered when the server stops, which would otherwise wait for them. */
function endingWaits(routes: HttpRoutes, end: () => Promise<void>): HttpRoutes {
  return async (app) => {
    app.addHook('preClose', end);
    await routes(app);
  };
}
