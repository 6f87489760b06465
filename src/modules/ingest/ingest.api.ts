import type { MqttHandler } from '#platform/mqtt/mqtt.port.ts';

/**
 * The way in for what devices send. Other modules take part by contributing to it, not by calling it: a `Channel`, sinks and
 * commit listeners (`platform/channels/channel.port.ts`).
 *
 * What holds for every item, whichever way it came: it is acknowledged after it was stored, merged or counted as rejected,
 * and `received = stored + merged + rejected + in_flight` in the ledger of its device at every instant. Items of one device
 * keep their order per channel. A redelivery with a time stamp of its own changes nothing; one without may be stored twice
 * after a kill.
 */
export interface IngestApi {
  /** What the broker tells and asks. Its calls return at once and never throw. */
  readonly mqtt: MqttHandler;
}
