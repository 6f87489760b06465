import { STATUS_CHANNEL } from '#modules/devices/index.ts';
import { RESPONSE_CHANNEL } from '#modules/ingest/index.ts';
import { LOG_CHANNEL } from '#modules/telemetry/index.ts';
import type { Channel } from '#platform/channels/channel.port.ts';

/** What devices send beside telemetry, of every module. */
export const CHANNELS: readonly Channel[] = [STATUS_CHANNEL, LOG_CHANNEL, RESPONSE_CHANNEL];
