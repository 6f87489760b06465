import { connectAsync } from 'mqtt';
import type { DeviceLogin } from '../load/mqtt-packets.ts';

/** As long as `devices`, so that the packets are. */
export const YARDSTICK_ROOT = 'yardley';

const TOPIC = '$CONTROL/dynamic-security/v1';
const COMMANDS_AT_ONCE = 20;

interface Acl {
  readonly acltype: string;
  readonly topic: string;
  readonly allow: boolean;
}

interface Response {
  readonly error?: string;
  readonly data?: { readonly role?: { readonly acls?: readonly Acl[] } };
}

/**
 * For each device an account of the broker with the same rights, below another root: what it publishes reaches the
 * yardstick and not the system, which may run meanwhile.
 */
export async function createYardstickAccounts(
  brokerUrl: string,
  devices: readonly DeviceLogin[],
): Promise<readonly DeviceLogin[]> {
  const client = await connectAsync(brokerUrl, { clientId: 'bench.accounts' });
  await client.subscribeAsync(`${TOPIC}/response`, { qos: 1 });
  async function command(commands: readonly object[]): Promise<readonly Response[]> {
    const answered = new Promise<readonly Response[]>((resolve) => {
      client.once('message', (_topic, payload) => resolve(JSON.parse(payload.toString()).responses));
    });
    await client.publishAsync(TOPIC, JSON.stringify({ commands }), { qos: 1 });
    const responses = await answered;
    const error = responses.find((response) => response.error !== undefined)?.error;
    if (error !== undefined) throw new Error(`the broker refused an account of the yardstick: ${error}`);
    return responses;
  }
  try {
    const logins = devices.map(({ uid, secret }) => ({ uid: uid.replace(/^bench/, 'yards'), secret }));
    for (let start = 0; start < devices.length; start += COMMANDS_AT_ONCE) {
      const part = devices.slice(start, start + COMMANDS_AT_ONCE);
      const roles = await command(part.map(({ uid }) => ({ command: 'getRole', rolename: `device:${uid}` })));
      const created = part.flatMap(({ uid, secret }, index) => {
        const username = uid.replace(/^bench/, 'yards');
        const rolename = `yardstick:${username}`;
        const acls = (roles[index]?.data?.role?.acls ?? []).map((acl) => ({
          ...acl,
          topic: acl.topic.replace(`devices/${uid}`, `${YARDSTICK_ROOT}/${username}`),
        }));
        return [
          { command: 'createRole', rolename, acls },
          { command: 'createClient', username, password: secret, roles: [{ rolename }] },
        ];
      });
      await command(created);
    }
    return logins;
  } finally {
    await client.endAsync();
  }
}
