import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { StartError } from '../start-error.ts';
import { type Command, print, UsageError } from './command.ts';
import { signIn } from './fleet/api.ts';
import type { FleetDevice } from './fleet/device-parts.ts';
import { startFleet } from './fleet/fleet.ts';
import { MISHAPS, type Mishap, type MishapShares } from './fleet/mishaps.ts';
import { firmwareKeysOf, registerFleet } from './fleet/registration.ts';

const REPORT_INTERVAL_MS = 10_000;

/** Share that it happens to unless an option says otherwise, and what it is. */
const SHARES: Readonly<Record<Mishap, readonly [share: number, help: string]>> = {
  command_fails: [0.05, 'commands that are answered with an error'],
  command_unanswered: [0.02, 'commands that are never answered'],
  config_refused: [0.05, 'versions of the configuration that a device refuses (config_error)'],
  config_overridden: [0.05, 'versions of which a device decides one field itself (config_overrides)'],
  update_fails: [0.02, 'devices that cannot install a firmware, in any try'],
  update_power_cut: [0.1, 'devices that lose power in the middle of the download, and go on with it later'],
  update_damaged: [0.05, 'devices whose first download has another SHA-256'],
  update_rolled_back: [0.02, 'devices that come back with the former version'],
};

const optionOf = (mishap: Mishap) => mishap.replaceAll('_', '-');

export const simulate: Command = {
  usage: '--email E --password P [options]',
  summary: [
    'Runs a fleet of simulated devices against any broker. They send readings, act on commands, apply their',
    '      configuration, and install firmware that is signed with a key of the installation. Ctrl-C ends it.',
    '',
    ...[
      ['--email E, --password P', 'of a MANAGER or above, to register new devices'],
      ['--devices 20', 'how many'],
      ['--interval 2', 'seconds between two readings, until interval_seconds of the configuration says otherwise'],
      ['--step 1', 'seconds that a step of a command, a download or an installation takes'],
      ['--api http://127.0.0.1:8000', 'where the API is'],
      ['--broker mqtt://127.0.0.1:1883', 'where the devices connect'],
      ['--fleet file.json', 'keeps the devices with their secrets, and takes them from there the next time'],
      ['--seed 1', 'the same seed makes the same readings and mishaps'],
      [
        '--well',
        'nothing goes wrong and no connection is lost, but for what the following options say: shares from 0 to 1',
      ],
      ...MISHAPS.map((mishap) => [`--${optionOf(mishap)} ${SHARES[mishap][0]}`, SHARES[mishap][1]] as const),
    ].map(([option, help]) => `      ${option?.padEnd(32)}${help}`),
  ].join('\n'),
  async run(args, settings) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        email: { type: 'string' },
        password: { type: 'string' },
        devices: { type: 'string', default: '20' },
        interval: { type: 'string', default: '2' },
        step: { type: 'string', default: '1' },
        api: { type: 'string', default: `http://${settings.HTTP_HOST}:${settings.HTTP_PORT}` },
        broker: { type: 'string', default: `mqtt://${settings.MQTT_HOST}:${settings.MQTT_PORT}` },
        fleet: { type: 'string' },
        seed: { type: 'string', default: '1' },
        well: { type: 'boolean', default: false },
        ...shareOptions,
      },
    });
    const count = wholeNumber(values.devices, '--devices', 1, 10_000);
    const intervalMs = positive(values.interval, '--interval') * 1_000;
    const stepMs = positive(values.step, '--step') * 1_000;
    const seed = wholeNumber(values.seed, '--seed', 0, 2 ** 31 - 1);
    const mishaps = sharesOf(values, values.well);
    const devices = await loadOrRegister(values, count, seed);
    const fleet = startFleet(devices, {
      brokerUrl: values.broker,
      intervalMs,
      stepMs,
      mishaps,
      dropsOut: !values.well,
    });
    print(`${devices.length} devices send to ${values.broker} every ${intervalMs / 1_000} s. Ctrl-C ends it.`);
    const report = setInterval(() => print(fleet.summary()), REPORT_INTERVAL_MS);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve());
      process.once('SIGTERM', () => resolve());
    });
    clearInterval(report);
    await fleet.stop();
    print(`In all: ${fleet.summary()}.`);
  },
};

const shareOptions = Object.fromEntries(MISHAPS.map((mishap) => [optionOf(mishap), { type: 'string' as const }]));

function sharesOf(values: Readonly<Record<string, string | boolean | undefined>>, isWell: boolean): MishapShares {
  return Object.fromEntries(
    MISHAPS.map((mishap) => {
      const option = optionOf(mishap);
      const given = values[option];
      if (given === undefined) return [mishap, isWell ? 0 : SHARES[mishap][0]];
      const share = given === '' ? Number.NaN : Number(given);
      if (!(share >= 0 && share <= 1)) throw new UsageError(`--${option} is a share from 0 to 1.`);
      return [mishap, share];
    }),
  );
}

interface Options {
  readonly email?: string | undefined;
  readonly password?: string | undefined;
  readonly api: string;
  readonly fleet?: string | undefined;
}

async function loadOrRegister(
  { email, password, api: baseUrl, fleet: file }: Options,
  count: number,
  seed: number,
): Promise<readonly FleetDevice[]> {
  const known: FleetDevice[] = file !== undefined && existsSync(file) ? readFleet(file) : [];
  if (email === undefined || password === undefined) {
    if (known.length >= count) return known.slice(0, count);
    throw new UsageError('To register devices, give --email and --password of a MANAGER or above.');
  }
  const api = await signIn({ baseUrl, email, password });
  const from = known.length;
  const added = await registerFleet(api, { count: Math.max(0, count - from), from, seed });
  const firmwareKeys = await firmwareKeysOf(api);
  const devices = [...known, ...added].map((device) => ({ ...device, firmwareKeys }));
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(devices, null, 2)}\n`, { mode: 0o600 });
  return devices.slice(0, count);
}

function readFleet(file: string): FleetDevice[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as FleetDevice[];
  } catch (error) {
    throw new StartError(`--fleet ${file} is not a fleet file: ${(error as Error).message}`);
  }
}

function wholeNumber(text: string, option: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UsageError(`${option} is a whole number from ${least} to ${most}.`);
  return value;
}

function positive(text: string, option: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) throw new UsageError(`${option} is a number of seconds above 0.`);
  return value;
}
