import type { DeviceParts, Json } from './device-parts.ts';

/** The field that has an effect: seconds between two readings. */
const INTERVAL = 'interval_seconds';
const LONGEST_INTERVAL_S = 86_400;

export interface DeviceConfiguration {
  /** Applies a version and says so on `status`; one that comes again is reported again. */
  receive(message: Json): Promise<void>;
  /** Milliseconds between two readings, as configured; null: nothing is configured. */
  intervalMs(): number | null;
}

export function createDeviceConfiguration(parts: DeviceParts): DeviceConfiguration {
  const { memory, happens, say, tell } = parts;

  function apply(version: number, config: Json): Json {
    const interval = config[INTERVAL];
    if (interval !== undefined && !isInterval(interval)) {
      return refuse(version, `${INTERVAL} is a number above 0, at most ${LONGEST_INTERVAL_S}`);
    }
    if (happens('config_refused', version)) return refuse(version, `version ${version} cannot be applied here`);
    const field = happens('config_overridden', version) ? Object.keys(config).toSorted()[0] : undefined;
    const applied = field === undefined ? config : { ...config, [field]: ownValueFor(config[field]) };
    memory.config = { ...memory.config, applied };
    tell({ kind: 'config', version, outcome: field === undefined ? 'applied' : 'overridden' });
    return {
      config_version: version,
      config: applied,
      ...(field === undefined ? {} : { config_overrides: [pointerTo(field)] }),
    };
  }

  function refuse(version: number, error: string): Json {
    tell({ kind: 'config', version, outcome: 'refused' });
    return { config_version: version, config: memory.config.applied, config_error: error };
  }

  return {
    async receive({ version, config }) {
      if (typeof version !== 'number' || !isJson(config)) return;
      if (memory.config.version !== version) {
        const report = apply(version, config);
        memory.config = { ...memory.config, version, report };
      }
      if (memory.config.report !== null) await say('status', memory.config.report);
    },
    intervalMs() {
      const interval = memory.config.applied[INTERVAL];
      return isInterval(interval) ? interval * 1_000 : null;
    },
  };
}

/** What somebody at the device might have set instead. */
function ownValueFor(value: unknown): unknown {
  if (typeof value === 'number') return value * 2;
  if (typeof value === 'boolean') return !value;
  return 'set at the device';
}

/** https://www.rfc-editor.org/rfc/rfc6901 */
function pointerTo(field: string): string {
  return `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function isInterval(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= LONGEST_INTERVAL_S;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
