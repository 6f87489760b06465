import type { Api } from './api.ts';
import { MODEL_NAMES, type ModelName } from './device-model.ts';
import type { FleetDevice } from './device-parts.ts';

const NAMES: Readonly<Record<ModelName, string>> = {
  thermometer: 'Thermometer',
  power_meter: 'Power meter',
  pump: 'Pump',
  air_quality: 'Air quality sensor',
};

export interface RegisteredDevice extends FleetDevice {
  readonly id: number;
}

/**
 * Registers new devices, one after the other of each model.
 * @param from how many there are already @param seed of the fleet @throws StartError with what the API answered
 */
export async function registerFleet(
  api: Api,
  { count, from = 0, seed = 1 }: { readonly count: number; readonly from?: number; readonly seed?: number },
): Promise<readonly RegisteredDevice[]> {
  const firmwareKeys = await firmwareKeysOf(api);
  const fleet: RegisteredDevice[] = [];
  for (let index = from; index < from + count; index += 1) {
    const model = MODEL_NAMES[index % MODEL_NAMES.length] ?? 'thermometer';
    const number = Math.floor(index / MODEL_NAMES.length) + 1;
    const { id, device_uid, credentials } = await api.call<{
      readonly id: number;
      readonly device_uid: string;
      readonly credentials: { readonly password: string };
    }>('POST', '/devices', {
      name: `${NAMES[model]} ${number}`,
      device_type: model,
      metadata: { simulated: true },
    });
    fleet.push({ id, deviceUid: device_uid, secret: credentials.password, model, seed: seed + index, firmwareKeys });
  }
  return fleet;
}

/** Keys that sign firmware of this installation: what the factory gives each device. */
export async function firmwareKeysOf(api: Api): Promise<NonNullable<FleetDevice['firmwareKeys']>> {
  const { keys } = await api.call<{ keys: { key_id: string; public_key: string }[] }>('GET', '/firmware-keys');
  return keys.map(({ key_id, public_key }) => ({ keyId: key_id, publicKey: public_key }));
}
