import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { StartError } from '../start-error.ts';
import { type Command, print, UsageError } from './command.ts';
import type { FleetDevice } from './fleet/device-parts.ts';
import { registerFleet } from './fleet/registration.ts';
import { startSimulatedDevice } from './fleet/simulated-device.ts';

const REPORT_INTERVAL_MS = 10_000;

export interface Fleet {
  /** Messages acknowledged by the broker so far. */
  acknowledged(): number;
  stop(): Promise<void>;
}

/** Lets every device of a fleet live. Refusals are printed once a device and reason. */
export function startFleet(devices: readonly FleetDevice[], brokerUrl: string, intervalMs: number): Fleet {
  let acknowledged = 0;
  const told = new Set<string>();
  const running = devices.map((device) =>
    startSimulatedDevice(device, {
      brokerUrl,
      intervalMs,
      dropsOut: true,
      onAcknowledged: () => {
        acknowledged += 1;
      },
      onRefused: (deviceUid, reason) => {
        if (told.has(`${deviceUid} ${reason}`)) return;
        told.add(`${deviceUid} ${reason}`);
        process.stderr.write(`${deviceUid}: ${reason}\n`);
      },
    }),
  );
  return {
    acknowledged: () => acknowledged,
    stop: async () => void (await Promise.all(running.map((device) => device.stop()))),
  };
}

export const simulate: Command = {
  usage:
    '--email E --password P [--devices 20] [--interval 2] [--api http://127.0.0.1:8000] [--broker mqtt://127.0.0.1:1883] [--fleet file.json]',
  summary:
    'Runs a fleet of simulated devices against any broker. New devices are registered over the API and kept in --fleet.',
  async run(args, settings) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        email: { type: 'string' },
        password: { type: 'string' },
        devices: { type: 'string', default: '20' },
        interval: { type: 'string', default: '2' },
        api: { type: 'string', default: `http://${settings.HTTP_HOST}:${settings.HTTP_PORT}` },
        broker: { type: 'string', default: `mqtt://${settings.MQTT_HOST}:${settings.MQTT_PORT}` },
        fleet: { type: 'string' },
      },
    });
    const count = wholeNumber(values.devices, '--devices');
    const intervalMs = positive(values.interval, '--interval') * 1_000;
    const devices = await loadOrRegister(values, count);
    const fleet = startFleet(devices, values.broker, intervalMs);
    print(`${devices.length} devices send to ${values.broker} every ${intervalMs / 1_000} s. Ctrl-C ends it.`);
    const report = setInterval(() => print(`${fleet.acknowledged()} messages acknowledged`), REPORT_INTERVAL_MS);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve());
      process.once('SIGTERM', () => resolve());
    });
    clearInterval(report);
    await fleet.stop();
    print(`${fleet.acknowledged()} messages acknowledged in all.`);
  },
};

interface Options {
  readonly email?: string | undefined;
  readonly password?: string | undefined;
  readonly api: string;
  readonly fleet?: string | undefined;
}

async function loadOrRegister(
  { email, password, api, fleet: file }: Options,
  count: number,
): Promise<readonly FleetDevice[]> {
  const known: FleetDevice[] = file !== undefined && existsSync(file) ? readFleet(file) : [];
  if (known.length >= count) return known.slice(0, count);
  if (email === undefined || password === undefined)
    throw new UsageError('To register devices, give --email and --password of a MANAGER or above.');
  const added = await registerFleet({ baseUrl: api, email, password }, count - known.length);
  const devices = [...known, ...added];
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(devices, null, 2)}\n`, { mode: 0o600 });
  return devices;
}

function readFleet(file: string): FleetDevice[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as FleetDevice[];
  } catch (error) {
    throw new StartError(`--fleet ${file} is not a fleet file: ${(error as Error).message}`);
  }
}

function wholeNumber(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000)
    throw new UsageError(`${option} is a whole number from 1 to 10000.`);
  return value;
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) throw new UsageError(`${option} is a number of seconds above 0.`);
  return value;
}
