import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { Id, Instant, Nullable, Strict } from '#platform/http/http.schemas.ts';
import type { ReplayedDevice } from './rules.ports.ts';
import { RuleBody } from './rules.schemas.ts';

const value = (description: string) =>
  Type.Unsafe<number | boolean | string | null>({
    anyOf: [Type.Number(), Type.Boolean(), Type.String(), Type.Null()],
    description,
    examples: [31.5],
  });

export const ReplayBody = Strict('AlertRuleTest', {
  rule: { ...RuleBody, description: 'A rule as it would be made' },
  start: { ...Instant, description: 'Beginning of the range, inclusive' },
  end: { ...Instant, description: 'End of the range, exclusive', examples: ['2026-11-23T19:00:00.000Z'] },
});

export const ReplayView = Strict('AlertRuleTestResult', {
  devices: Type.Array(
    Strict('TestedDevice', {
      device_id: { ...Id, description: 'Device that the rule is about', examples: [7] },
      device_uid: Type.String({ description: 'Its device_uid', examples: ['greenhouse-07'] }),
      samples: Type.Integer({ description: 'Samples with the metric in the range', examples: [1440] }),
      alerts: Type.Array(
        Strict('TestedAlert', {
          started_at: { ...Instant, description: 'When it would have been raised' },
          value: value('With which; null for no_data'),
          occurrences: Type.Integer({ description: 'Samples for which the condition held since', examples: [3] }),
          last_seen_at: { ...Instant, description: 'When it held last' },
          last_value: value('With which; null for no_data'),
          cleared_at: Nullable({ ...Instant, description: 'When it would have ended; null: not within the range' }),
        }),
        { description: 'Alerts that the rule would have raised, oldest first' },
      ),
    }),
    { description: 'Every device that the rule is about, by id' },
  ),
});

export function presentReplay(devices: readonly ReplayedDevice[]): Static<typeof ReplayView> {
  return {
    devices: devices.map(({ device, samples, alerts }) => ({
      device_id: device.deviceId,
      device_uid: device.deviceUid,
      samples,
      alerts: alerts.map((alert) => ({
        started_at: toIso(alert.startedAt),
        value: alert.value,
        occurrences: alert.occurrences,
        last_seen_at: toIso(alert.lastSeenAt),
        last_value: alert.lastValue,
        cleared_at: toIsoOrNull(alert.clearedAt),
      })),
    })),
  };
}
