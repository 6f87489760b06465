import { randomUUID } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import { commonErrors } from '#kernel/errors.ts';
import type { Logger } from '#kernel/logger.ts';
import type { BrokerAddress } from './address.ts';
import { createConnection } from './connection.ts';

/** Retained: among how many sessions the devices are divided at this broker. */
export const COUNT_TOPIC = 'core-api/sessions';

export interface SessionCountOptions {
  readonly address: BrokerAddress;
  readonly logger: Logger;
  readonly count: number;
}

/**
 * Notes at the broker among how many sessions the devices are divided, next to those sessions. Who would divide them
 * otherwise must not start: what waits in the sessions there would be left to nobody.
 * @throws AppError `unavailable`, in words for the operator
 */
export async function agreeOnSessionCount(
  { address, logger, count }: SessionCountOptions,
  signal: AbortSignal,
): Promise<void> {
  const instance = randomUUID();
  const end = `core-api/nudge/${instance}`;
  let read: (noted: string) => void = () => {};
  const answer = new Promise<string>((resolve) => (read = resolve));
  const connection = createConnection({
    address,
    logger,
    reconnectMs: null,
    client: { clientId: `core.api.start.${instance}`, clean: true },
    prepare(client) {
      let noted = '';
      client.on('message', (topic, payload) => {
        if (topic === COUNT_TOPIC) noted = payload.toString();
        else read(noted);
      });
    },
    async onConnect(client: MqttClient) {
      await client.subscribeAsync([COUNT_TOPIC, end], { qos: 1 });
      // Comes after what is retained, so that nothing retained can be told from not yet.
      await client.publishAsync(end, '', { qos: 1 });
    },
  });
  await connection.open(signal);
  try {
    const noted = await answer;
    if (noted === '') {
      await connection.client().publishAsync(COUNT_TOPIC, String(count), { qos: 1, retain: true });
    } else if (noted !== String(count)) {
      throw commonErrors.unavailable({
        detail: `MQTT_RECEIVERS is ${count}, but devices are divided among ${noted} sessions at the MQTT broker; docs/operations.md says how to change that.`,
      });
    }
  } finally {
    await connection.close();
  }
}
