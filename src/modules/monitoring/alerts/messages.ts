import { toIso } from '#kernel/clock.ts';
import { LANGUAGES, type Language } from '#kernel/language.ts';
import type { DeviceFacts } from '#modules/devices/index.ts';
import type { JobMap } from '#platform/jobs/jobs.port.ts';
import type { MetricValue } from '#platform/telemetry/telemetry.port.ts';
import type { AlertRule, Channel, Range, RuleTerms } from '../rules/rules.ports.ts';
import type { Alert } from './alerts.ports.ts';

export type AlertNotification = JobMap['push_notification'];

const LONGEST_TEXT = 300;
/** In the subject of an e-mail, which is short and one line, whatever people call things. */
const LONGEST_NAME = 60;

/** `temperature is 31.5, above 30` */
export function describeAlert(rule: RuleTerms, value: MetricValue | null, language: Language = 'en'): string {
  const words = WORDS[language];
  if (rule.condition === 'offline') return words.offline(rule.forSeconds);
  if (rule.condition === 'no_data') return words.silent(rule.metric, rule.forSeconds);
  return words.holds(rule.metric, textOf(value), describeCondition(rule, language), rule.forSeconds);
}

/** What was true when it ended: `temperature is 28, no longer above 30` */
export function describeEnd(rule: RuleTerms, value: MetricValue | null, language: Language = 'en'): string {
  const words = WORDS[language];
  if (rule.condition === 'offline') return words.back;
  if (rule.condition === 'no_data') return words.heard(rule.metric);
  return words.ended(rule.metric, textOf(value), describeCondition(rule, language));
}

function describeCondition({ condition, threshold }: RuleTerms, language: Language): string {
  const { conditions } = WORDS[language];
  if (condition === 'no_data' || condition === 'offline') return '';
  if (condition === 'outside' || condition === 'inside') {
    const [low, high] = threshold as Range;
    return conditions[condition](`${low}`, `${high}`);
  }
  return conditions[condition](textOf(threshold as MetricValue));
}

const WORDS = {
  en: {
    conditions: {
      gt: (limit: string) => `above ${limit}`,
      gte: (limit: string) => `at or above ${limit}`,
      lt: (limit: string) => `below ${limit}`,
      lte: (limit: string) => `at or below ${limit}`,
      eq: (limit: string) => `equal to ${limit}`,
      ne: (limit: string) => `not ${limit}`,
      outside: (low: string, high: string) => `outside ${low} to ${high}`,
      inside: (low: string, high: string) => `inside ${low} to ${high}`,
    },
    holds: (metric: string, value: string, condition: string, seconds: number) =>
      `${metric} is ${value}, ${condition}${seconds === 0 ? '' : ` for ${seconds} s`}`,
    ended: (metric: string, value: string, condition: string) => `${metric} is ${value}, no longer ${condition}`,
    silent: (metric: string, seconds: number) => `no ${metric} for ${seconds} s`,
    heard: (metric: string) => `${metric} is there again`,
    offline: (seconds: number) => `the device is OFFLINE${seconds === 0 ? '' : `, for ${seconds} s`}`,
    back: 'the device is no longer OFFLINE',
    cleared: 'Cleared',
    device: 'Device:',
    value: 'Value:',
  },
  ko: {
    conditions: {
      gt: (limit: string) => `${limit} 초과`,
      gte: (limit: string) => `${limit} 이상`,
      lt: (limit: string) => `${limit} 미만`,
      lte: (limit: string) => `${limit} 이하`,
      eq: (limit: string) => `${limit} 일치`,
      ne: (limit: string) => `${limit} 불일치`,
      outside: (low: string, high: string) => `${low}~${high} 범위 밖`,
      inside: (low: string, high: string) => `${low}~${high} 범위 안`,
    },
    holds: (metric: string, value: string, condition: string, seconds: number) =>
      `${metric} 값: ${value} (조건: ${condition}${seconds === 0 ? '' : `, ${seconds}초 지속`})`,
    ended: (metric: string, value: string, condition: string) => `${metric} 값: ${value} (조건 해제: ${condition})`,
    silent: (metric: string, seconds: number) => `${metric} 데이터가 ${seconds}초 동안 들어오지 않았습니다`,
    heard: (metric: string) => `${metric} 데이터가 다시 들어옵니다`,
    offline: (seconds: number) => `디바이스가 오프라인입니다${seconds === 0 ? '' : ` (${seconds}초 지속)`}`,
    back: '디바이스가 더 이상 오프라인이 아닙니다',
    cleared: '해제',
    device: '디바이스:',
    value: '값:',
  },
} as const;

function textOf(value: MetricValue | null): string {
  if (typeof value !== 'string') return String(value);
  return value.length > LONGEST_TEXT ? `"${value.slice(0, LONGEST_TEXT)}…"` : `"${value}"`;
}

/** What people typed, as a part of one line: without control and formatting characters, and cut. */
export function oneLine(text: string, longest = LONGEST_NAME): string {
  const characters = [
    ...text
      .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  ];
  return characters.length > longest ? `${characters.slice(0, longest - 1).join('')}…` : characters.join('');
}

/**
 * What people are told: those that the rule names; else the owner of the device and, of a rule that MANAGEMENT made,
 * MANAGEMENT. A rule that a USER made tells that USER alone, and no webhook, which is the operator's.
 *
 * An end is worth no e-mail of its own: it is told in one that is due anyway. Null: nobody is told.
 * @param value with which it began or ended
 */
export function notificationOf(
  alert: Alert,
  rule: AlertRule,
  device: DeviceFacts,
  value: MetricValue | null,
): AlertNotification | null {
  const ended = alert.status === 'CLEARED';
  const channels = rule.ofManagement ? rule.channels : withoutWebhook(rule.channels);
  if (channels.length === 0) return null;
  const at = ended ? (alert.clearedAt ?? alert.lastSeenAt) : alert.startedAt;
  const describe = (language: Language) => (ended ? describeEnd : describeAlert)(rule, value, language);
  return {
    key: `alert-${alert.id}-${ended ? 'cleared' : 'raised'}`,
    ...recipientsOf(rule, device),
    type: 'alert',
    title: `${ended ? 'Cleared' : alert.severity}: ${rule.name}`,
    message: `${device.deviceUid}: ${describe('en')}`,
    data: {
      alert_id: alert.id,
      rule_id: rule.id,
      device_id: device.deviceId,
      device_uid: device.deviceUid,
      device_name: device.name,
      severity: alert.severity,
      status: alert.status,
      value,
      started_at: toIso(alert.startedAt),
      cleared_at: alert.clearedAt === null ? null : toIso(alert.clearedAt),
    },
    channels,
    ...(channels.includes('email') ? { mail: mailOf({ alert, rule, device, value, ended, at, describe }) } : {}),
  };
}

function recipientsOf({ recipients, ofManagement }: AlertRule, { ownerId }: DeviceFacts) {
  const owner = ownerId === null ? [] : [ownerId];
  if (recipients === null) return { user_ids: owner, management: ofManagement };
  // A USER who does not own the device any more is told nothing of it.
  return { user_ids: ofManagement ? recipients : recipients.filter((id) => id === ownerId), management: false };
}

interface Told {
  readonly alert: Alert;
  readonly rule: AlertRule;
  readonly device: DeviceFacts;
  readonly value: MetricValue | null;
  readonly ended: boolean;
  readonly at: number;
  readonly describe: (language: Language) => string;
}

function mailOf({ alert, rule, device, value, ended, at, describe }: Told): NonNullable<AlertNotification['mail']> {
  const name = oneLine(rule.name);
  const textIn = (language: Language) => {
    const words = WORDS[language];
    const heading = `${ended ? words.cleared : alert.severity}: ${name}`;
    const lines = [
      heading,
      describe(language),
      `${words.device} ${oneLine(device.name)} (${device.deviceUid})`,
      ...(value === null ? [] : [`${words.value} ${textOf(value)}`]),
    ];
    return { subject: `${heading} (${device.deviceUid})`, about: name, text: lines.join('\n') };
  };
  const texts = Object.fromEntries(LANGUAGES.map((language) => [language, textIn(language)]));
  return {
    topic: `alert_rule ${rule.id}`,
    opens: !ended,
    at,
    // The start page leads on to the console, and keeps what is behind the #.
    path: `/#alerts/${alert.id}`,
    texts: texts as Record<Language, ReturnType<typeof textIn>>,
  };
}

/** Channels that a rule of a USER has. */
export function withoutWebhook(channels: readonly Channel[]): readonly Channel[] {
  return channels.filter((channel) => channel !== 'webhook');
}
