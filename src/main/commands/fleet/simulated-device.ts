import { connect, type MqttClient } from 'mqtt';
import { aborted, pause } from '#kernel/concurrency.ts';
import { createDeviceCommands } from './device-commands.ts';
import { createDeviceConfiguration } from './device-configuration.ts';
import { createRandom, readingAt } from './device-model.ts';
import {
  createDeviceMemory,
  type DeviceEvent,
  type DeviceMemory,
  type DeviceParts,
  type Download,
  type FleetDevice,
  type Json,
} from './device-parts.ts';
import { createDeviceUpdates } from './device-updates.ts';
import { createMishaps, type Happens, type MishapShares } from './mishaps.ts';

export interface SimulatedDeviceOptions {
  readonly brokerUrl: string;
  /** Between two readings, until a configuration says otherwise, in milliseconds; null: it sends none. */
  readonly intervalMs: number | null;
  /** What goes wrong: shares, decided by the seed of the device, or whatever the caller decides. Default: nothing. */
  readonly mishaps?: MishapShares | Happens;
  /** Whether it loses its connection now and then. Default: it does not. */
  readonly dropsOut?: boolean;
  /** It starts within so many milliseconds, so that not all are switched on at once. Default: 2,000. */
  readonly startWithinMs?: number;
  /** How long a step takes of a command, a download and an installation, in milliseconds. Default: 1,000. */
  readonly stepMs?: number;
  /** How long it is off for a restart, in milliseconds. Default: 2,000. */
  readonly restartMs?: number;
  /** Before it tries again at a server that is away, in milliseconds. Default: 2,000. */
  readonly reconnectMs?: number;
  /** That it comes from the factory with. Default: `1.0.0`. */
  readonly firmwareVersion?: string;
  /** Called with every acknowledged reading. */
  readonly onAcknowledged?: () => void;
  readonly onEvent?: (event: DeviceEvent, deviceUid: string) => void;
  readonly onRefused?: (deviceUid: string, reason: string) => void;
}

export interface SimulatedDevice {
  readonly deviceUid: string;
  /** Images that it has downloaded whole, in order. */
  readonly downloads: readonly Download[];
  firmwareVersion(): string;
  isConnected(): boolean;
  /** Resolves when it has said DISCONNECT, or cannot. */
  stop(): Promise<void>;
}

/** A drop-out starts about this often, and lasts up to this long. */
const DROP_OUT_EVERY_MS = 5 * 60_000;
const DROP_OUT_LASTS_MS = 30_000;
const STOP_WITHIN_MS = 2_000;
const DOWN_CHANNELS = ['command', 'config', 'ota'] as const;

interface PowerOff {
  /** Without DISCONNECT: the broker has to notice, and publishes the Last Will. */
  readonly isCut: boolean;
  /** Milliseconds; null: it does not come back. */
  readonly forMs: number | null;
}

/**
 * A device as docs/mqtt.md, commands.md, configuration.md and firmware.md want one: Last Will, a boot log, QoS 1 readings;
 * it acts on each command once, applies its configuration, and installs firmware that is signed for it. What it knows
 * outlives a power cut. It holds some 100 KB, so that hundreds fit into one process.
 */
export function startSimulatedDevice(device: FleetDevice, options: SimulatedDeviceOptions): SimulatedDevice {
  const { deviceUid, seed } = device;
  const life = new AbortController();
  const memory = createDeviceMemory(options.firmwareVersion ?? '1.0.0');
  const random = createRandom(seed + 7919);
  const { mishaps = {} } = options;
  const happens = typeof mishaps === 'function' ? mishaps : createMishaps(mishaps, seed);
  let session: MqttClient | undefined;

  async function live(): Promise<void> {
    await pause(random() * (options.startWithinMs ?? 2_000), life.signal);
    while (!life.signal.aborted) {
      const run = switchOn({ device, options, memory, happens, random, life: life.signal });
      session = run.session;
      const { forMs } = await run.off;
      if (forMs !== null) await pause(forMs, life.signal);
    }
  }

  const lived = live();
  return {
    deviceUid,
    downloads: memory.downloads,
    firmwareVersion: () => memory.firmwareVersion,
    isConnected: () => session?.connected === true,
    async stop() {
      life.abort();
      await lived;
    },
  };
}

interface Switched {
  readonly device: FleetDevice;
  readonly options: SimulatedDeviceOptions;
  readonly memory: DeviceMemory;
  readonly happens: Happens;
  readonly random: () => number;
  readonly life: AbortSignal;
}

/** From one start to the next time that the device is off. */
function switchOn({ device, options, memory, happens, random, life }: Switched): {
  readonly session: MqttClient;
  /** Resolves when it is off. */
  readonly off: Promise<PowerOff>;
} {
  const { deviceUid, model, seed } = device;
  const { stepMs = 1_000, restartMs = 2_000, reconnectMs = 2_000, onAcknowledged, onRefused } = options;
  const power = new AbortController();
  const on = AbortSignal.any([life, power.signal]);
  const topic = (channel: string) => `devices/${deviceUid}/${channel}`;
  let ending: PowerOff = { isCut: false, forMs: null };
  let lastReport: Promise<void> = Promise.resolve();

  function switchOff(how: PowerOff): void {
    if (on.aborted) return;
    ending = how;
    power.abort();
  }

  const session = connect(options.brokerUrl, {
    clientId: 'device',
    username: deviceUid,
    password: device.secret,
    // Not all of a fleet in the same moment.
    reconnectPeriod: reconnectMs * (0.75 + 0.5 * random()),
    // Subscribed below, after the report.
    resubscribe: false,
    will: { topic: topic('status'), payload: Buffer.from('{"status":"OFFLINE"}'), qos: 1, retain: false },
  });

  const parts: DeviceParts = {
    ...{ device, memory, happens, stepMs },
    power: on,
    say: (channel, message) =>
      new Promise((resolve, reject) => {
        session.publish(topic(channel), JSON.stringify(message), { qos: 1 }, (error) =>
          error === undefined || error === null ? resolve() : reject(error),
        );
      }),
    restart: (how) => switchOff({ isCut: how === 'cut', forMs: restartMs * (0.5 + random()) }),
    tell: (event) => options.onEvent?.(event, deviceUid),
  };
  const report = (): Promise<void> => {
    const version = updates.isInstalling() ? {} : { firmware_version: memory.firmwareVersion };
    lastReport = parts.say('status', { status: 'ONLINE', ...version });
    return lastReport;
  };
  const reported = async () => {
    let seen: Promise<void>;
    do {
      seen = lastReport;
      await seen;
    } while (seen !== lastReport);
  };
  const commands = createDeviceCommands(parts);
  const configuration = createDeviceConfiguration(parts);
  const updates = createDeviceUpdates({ parts, retryMs: reconnectMs, report, reported });
  const receivers: Readonly<Record<string, (message: Json) => Promise<void>>> = {
    [topic('command')]: commands.receive,
    [topic('config')]: configuration.receive,
    [topic('ota')]: updates.receive,
  };

  /** What the power interrupts is no fault. */
  function run(work: Promise<void>): void {
    work.catch((error: Error) => {
      if (!on.aborted) onRefused?.(deviceUid, error.message);
    });
  }

  async function measure(): Promise<void> {
    if (options.intervalMs === null) return;
    while (!on.aborted) {
      const intervalMs = configuration.intervalMs() ?? options.intervalMs;
      await pause(intervalMs * (0.9 + 0.2 * random()), on);
      if (on.aborted || !session.connected) continue;
      if (options.dropsOut === true && !updates.isBusy() && random() < intervalMs / DROP_OUT_EVERY_MS) {
        switchOff({ isCut: true, forMs: DROP_OUT_LASTS_MS * (0.2 + 0.8 * random()) });
      } else {
        sendReading();
      }
    }
  }

  function sendReading(): void {
    const timestamp = Date.now();
    const { metrics, anomalous } = readingAt(model, seed, timestamp);
    run(parts.say('telemetry', { timestamp, metrics }).then(() => onAcknowledged?.()));
    if (anomalous && random() < 0.05) {
      run(parts.say('log', { event_type: 'reading_unusual', level: 'warning', payload: metrics }));
    }
  }

  let isStarted = false;
  session.on('connect', () => {
    if (!isStarted) {
      isStarted = true;
      parts.tell({ kind: 'started', firmwareVersion: memory.firmwareVersion });
      run(parts.say('log', { event_type: 'boot', level: 'info', payload: { model } }));
      run(commands.recover());
    }
    run(report());
    session.subscribe(DOWN_CHANNELS.map(topic), { qos: 1 }, (error) => {
      if (error instanceof Error && !on.aborted) onRefused?.(deviceUid, error.message);
    });
  });
  session.on('message', (name, payload) => {
    const message = jsonOf(payload);
    const receive = receivers[name];
    if (message !== null && receive !== undefined) run(receive(message));
  });
  session.on('error', (error) => onRefused?.(deviceUid, error.message));
  run(measure());

  return {
    session,
    off: aborted(on).then(async () => {
      await endSession(session, ending.isCut);
      return ending;
    }),
  };
}

async function endSession(session: MqttClient, isCut: boolean): Promise<void> {
  if (!isCut && session.connected) await Promise.race([session.endAsync(), pause(STOP_WITHIN_MS)]);
  session.stream.destroy();
  session.end(true);
}

function jsonOf(payload: Buffer): Json | null {
  try {
    const message: unknown = JSON.parse(payload.toString());
    return typeof message === 'object' && message !== null ? (message as Json) : null;
  } catch {
    return null;
  }
}
