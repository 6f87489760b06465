import { StartError } from '../../start-error.ts';
import { MODEL_NAMES, type ModelName } from './device-model.ts';
import type { FleetDevice } from './device-parts.ts';

export interface ApiAccess {
  /** `http://127.0.0.1:8000` */
  readonly baseUrl: string;
  readonly email: string;
  readonly password: string;
}

const NAMES: Readonly<Record<ModelName, string>> = {
  thermometer: 'Thermometer',
  power_meter: 'Power meter',
  pump: 'Pump',
  air_quality: 'Air quality sensor',
};

/** Logs in and registers `count` new devices. @throws StartError with what the API answered */
export async function registerFleet(api: ApiAccess, count: number): Promise<readonly FleetDevice[]> {
  const { access_token } = await post<{ access_token: string }>(api, '/api/v1/auth/login', {
    email: api.email,
    password: api.password,
  });
  const fleet: FleetDevice[] = [];
  for (let index = 0; index < count; index += 1) {
    const model = MODEL_NAMES[index % MODEL_NAMES.length] ?? 'thermometer';
    const number = Math.floor(index / MODEL_NAMES.length) + 1;
    const created = await post<{ device_uid: string; credentials: { password: string } }>(
      api,
      '/api/v1/devices',
      { name: `${NAMES[model]} ${number}`, device_type: model, metadata: { simulated: true } },
      access_token,
    );
    fleet.push({ deviceUid: created.device_uid, secret: created.credentials.password, model, seed: index + 1 });
  }
  return fleet;
}

async function post<T>(api: ApiAccess, path: string, body: object, token?: string): Promise<T> {
  const response = await fetch(new URL(path, api.baseUrl), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  }).catch((error: Error) => {
    throw new StartError(
      `${api.baseUrl} does not answer: ${(error.cause as Error | undefined)?.message ?? error.message}`,
    );
  });
  const answer = (await response.json()) as T & { detail?: string };
  if (!response.ok) throw new StartError(`${path} answered ${response.status}: ${answer.detail ?? 'no detail'}`);
  return answer;
}
