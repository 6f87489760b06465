import { Type } from 'typebox';
import { METRIC_NAME } from '#platform/channels/payloads.port.ts';
import { Strict } from '#platform/http/http.schemas.ts';
import type { GateCondition } from './campaigns.gates.ts';
import { TELEMETRY_AGGREGATES } from './campaigns.telemetry.ts';

const DAY_S = 86_400;
const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description, examples: [0.1] });
const seconds = (description: string, maximum: number, example: number) =>
  Type.Integer({ minimum: 1, maximum, description, examples: [example] });

export const GateConditionField = Type.Union(
  [
    Strict('FailedShareCondition', {
      type: Type.Literal('failed_share', { description: 'FAILED, REJECTED and TIMED_OUT of those that were released' }),
      max: share('Above this it fails'),
    }),
    Strict('NotSeenShareCondition', {
      type: Type.Literal('not_seen_share', { description: 'Those that were never there to be offered it' }),
      max: share('Above this it fails'),
    }),
    Strict('MinDevicesCondition', {
      type: Type.Literal('min_devices', { description: 'Enough have succeeded' }),
      count: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'So many', examples: [5] }),
    }),
    Strict('BakeTimeCondition', {
      type: Type.Literal('bake_time', { description: 'The last success is so long ago, and none is left to end' }),
      seconds: seconds('Seconds', 30 * DAY_S, 3_600),
    }),
    Strict('AlertsCondition', {
      type: Type.Literal('alerts', {
        description: 'Alerts for each updated device since the stage began, against those that are not updated',
      }),
      ratio: Type.Number({ minimum: 0, maximum: 100, description: 'Times as many are allowed', examples: [2] }),
      floor: Type.Number({
        minimum: 0,
        maximum: 1_000,
        description: 'So many for each device always are',
        examples: [0.1],
      }),
    }),
    Strict('TelemetryCondition', {
      type: Type.Literal('telemetry', {
        description:
          'A metric of updated devices, each since its update, against others since the stage began, or a bound',
      }),
      metric: Type.String({
        pattern: METRIC_NAME,
        'x-accepts': '1 to 64 letters, digits, `_`, `.` and `-`, a letter or `_` first',
        description: 'Numbers and booleans (1, 0) count',
        examples: ['crashes'],
      }),
      aggregate: Type.Enum([...TELEMETRY_AGGREGATES], {
        description:
          'Of each device, then the mean over devices; `sum_per_hour`: all values by all hours, a device that says nothing adds 0',
        examples: ['sum_per_hour'],
      }),
      fails: Type.Enum(['above', 'below'], { description: 'On which side of the limit it fails', examples: ['above'] }),
      ratio: Type.Optional(
        Type.Number({
          minimum: 0,
          maximum: 1_000,
          description: 'The limit is so many times the value of devices that are not updated',
          examples: [2],
        }),
      ),
      bound: Type.Optional(
        Type.Number({ description: 'The limit is this. With `ratio` too, it fails beyond both', examples: [0.5] }),
      ),
    }),
  ],
  { description: 'One condition', examples: [{ type: 'failed_share', max: 0.1 }] },
);

/** What holds for a stage that says nothing. */
export const DEFAULT_GATE: readonly GateCondition[] = [{ type: 'failed_share', max: 0.1 }];

/** What a schema cannot say of a gate. @throws what `refuse` answers */
export function checkGate(gate: readonly GateCondition[], refuse: (position: number, message: string) => Error): void {
  for (const [position, each] of gate.entries()) {
    if (each.type === 'telemetry' && each.ratio === undefined && each.bound === undefined) {
      throw refuse(position, 'must say ratio, bound, or both');
    }
  }
}

export const GateVerdict = Strict('GateVerdict', {
  type: Type.String({ description: 'Name of the condition', examples: ['failed_share'] }),
  result: Type.Enum(['pass', 'wait', 'fail'], { description: 'As of the last look', examples: ['wait'] }),
  figures: Type.Unsafe<Readonly<Record<string, number | null>>>({
    title: 'Figures',
    description: 'What it was judged by',
    examples: [{ failed: 1, devices: 25, max: 0.1 }],
  }),
});
