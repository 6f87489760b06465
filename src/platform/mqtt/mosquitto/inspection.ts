import type { MqttClient } from 'mqtt';
import { createId } from '#kernel/ids.ts';
import { silentLogger } from '#kernel/logger.ts';
import { parseAddress } from './address.ts';
import { createConnection } from './connection.ts';

/** What a look at the broker found. */
export interface MosquittoInspection {
  /** As the broker says it, such as `mosquitto version 2.0.11`; null: it does not say. */
  readonly version: string | null;
  /** What is wrong, and what to do about it; empty: nothing. */
  readonly problems: readonly string[];
}

const COMMANDS = '$CONTROL/dynamic-security/v1';
const RESPONSES = `${COMMANDS}/response`;
const VERSION = '$SYS/broker/version';
const SIGNALS = '$SYS/broker/log/N';
const SUBSCRIPTIONS = '$SYS/broker/log/M/subscribe';
/** What core-api reads. */
const NEEDED = [VERSION, SIGNALS, SUBSCRIPTIONS, RESPONSES, 'devices/+/telemetry', 'devices/+/status', 'core-api/#'];
/** What a broker that is set up answers within milliseconds. */
const PATIENCE_MS = 3_000;
const REFUSED = 0x80;

interface DefaultAccess {
  readonly acltype: string;
  readonly allow: boolean;
}

/**
 * Looks, with a connection of its own, whether the broker is set up as core-api needs it, and changes nothing.
 * @throws AppError `unavailable`, in words for the operator, when it cannot be reached or refuses the login
 */
export async function inspectMosquitto(url: string): Promise<MosquittoInspection> {
  const address = parseAddress(url);
  const heard = new Map<string, string>();
  const waiting = new Map<string, (payload: string) => void>();
  /** The payload of the first message on `topic`, or null when there is none in time. */
  const first = (topic: string): Promise<string | null> => {
    const known = heard.get(topic);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), PATIENCE_MS);
      waiting.set(topic, (payload) => {
        clearTimeout(timer);
        resolve(payload);
      });
    });
  };
  const connect = () =>
    createConnection({
      address,
      logger: silentLogger,
      client: { clientId: `core.api.doctor.${createId()}`, clean: true },
      reconnectMs: null,
    });
  const connection = connect();
  const second = connect();
  try {
    await connection.open();
    const client = connection.client();
    client.on('message', (topic, payload) => {
      heard.set(topic, payload.toString());
      waiting.get(topic)?.(payload.toString());
    });
    const refused = await subscribe(client);
    if (refused.length > 0) {
      const detail = `the account "${address.username}" may not read ${refused.join(', ')}: make it with mosquitto_ctrl dynsec init, or give it a role that may subscribe to #, $SYS/# and $CONTROL/#`;
      return { version: refused.includes(VERSION) ? null : await first(VERSION), problems: [detail] };
    }
    const answer = first(RESPONSES);
    // Of our own subscriptions.
    const subscription = first(SUBSCRIPTIONS);
    const commands = [{ command: 'getClient', username: address.username }, { command: 'getDefaultACLAccess' }];
    client.publish(COMMANDS, JSON.stringify({ commands }), { qos: 1 });
    const problems = problemsIn(await answer, address.username);
    // Our own coming has to be told to us.
    const signal = first(SIGNALS);
    await second.open();
    if ((await signal) === null) {
      problems.push(
        'it does not say who connects, so devices would not become ONLINE: log_dest topic, log_type notice and connection_messages true in mosquitto.conf',
      );
    }
    if ((await subscription) === null) {
      problems.push(
        'it does not say who subscribes, so what waits for a device would not be sent: log_type subscribe and log_type unsubscribe in mosquitto.conf',
      );
    }
    return { version: await first(VERSION), problems };
  } finally {
    await second.close();
    await connection.close();
  }
}

/** @returns the topics that the broker does not let us read */
async function subscribe(client: MqttClient): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const topic of NEEDED) {
    const [granted] = await client.subscribeAsync(topic, { qos: 1 }).catch(() => [{ qos: REFUSED }]);
    if (granted === undefined || granted.qos >= REFUSED) refused.push(topic);
  }
  return refused;
}

function problemsIn(answer: string | null, username: string): string[] {
  if (answer === null) {
    return [
      `nobody answers on ${COMMANDS}: load the plugin mosquitto_dynamic_security in mosquitto.conf, and let the account "${username}" publish there`,
    ];
  }
  const { responses } = JSON.parse(answer) as {
    responses: readonly { command: string; error?: string; data?: { acls?: readonly DefaultAccess[] } }[];
  };
  const problems: string[] = [];
  for (const { command, error, data } of responses) {
    if (error !== undefined) problems.push(`${command} is answered by "${error}"`);
    for (const { acltype, allow } of data?.acls ?? []) {
      if (!allow || !['publishClientSend', 'subscribe'].includes(acltype)) continue;
      problems.push(
        `every account may ${acltype === 'subscribe' ? 'read' : 'write'} every topic: mosquitto_ctrl dynsec setDefaultACLAccess ${acltype} deny`,
      );
    }
  }
  return problems;
}
