import type { components } from '#console/api/schema.d.ts';
import type { Language } from '#console/i18n/language.tsx';
import type { Texts, Translate } from '#console/i18n/texts.ts';
import type { gateTexts } from './gates.texts.ts';

export type GateCondition = NonNullable<components['schemas']['CampaignStage']['gate']>[number];
export type GateType = GateCondition['type'];
export type Verdict = Omit<components['schemas']['GateVerdict'], 'figures'> & {
  readonly figures: Readonly<Record<string, number | null>>;
};
type Key = typeof gateTexts extends Texts<infer K> ? K : never;

/** What each condition begins with. */
export const NEW_CONDITION: { readonly [T in GateType]: Extract<GateCondition, { type: T }> } = {
  failed_share: { type: 'failed_share', max: 0.1 },
  not_seen_share: { type: 'not_seen_share', max: 0.2 },
  min_devices: { type: 'min_devices', count: 5 },
  bake_time: { type: 'bake_time', seconds: 3_600 },
  alerts: { type: 'alerts', ratio: 2, floor: 0.1 },
  telemetry: { type: 'telemetry', metric: '', aggregate: 'sum_per_hour', fails: 'above', ratio: 2 },
};
export const GATE_TYPES = Object.keys(NEW_CONDITION) as readonly GateType[];

function formatShare(share: number, language: Language): string {
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }).format(share);
}

const formatNumber = (value: number, language: Language) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: 3 }).format(value);

/** A condition in one line. */
export function sayCondition(condition: GateCondition, t: Translate<Key>, language: Language): string {
  switch (condition.type) {
    case 'failed_share':
    case 'not_seen_share':
      return t(`says_${condition.type}`, { max: formatShare(condition.max, language) });
    case 'min_devices':
      return t('says_min_devices', { count: condition.count });
    case 'bake_time':
      return t('says_bake_time', { minutes: condition.seconds / 60 });
    case 'alerts':
      return t('says_alerts', { ratio: condition.ratio, floor: condition.floor });
    case 'telemetry': {
      const { metric, aggregate, fails, ratio, bound } = condition;
      const limits = [
        ...(ratio === undefined ? [] : [t('limit_ratio', { ratio })]),
        ...(bound === undefined ? [] : [formatNumber(bound, language)]),
      ];
      return t('says_telemetry', { metric, aggregate: t(aggregate), fails: t(fails), limit: limits.join(t('and')) });
    }
  }
}

const FIGURES = [
  ...['failed', 'not_seen', 'devices', 'max', 'succeeded', 'needed', 'baked'],
  ...['updated', 'others', 'allowed', 'updated_devices', 'other_devices'],
] as const;

/** The figures of a verdict, each with its name. */
export function figuresOf(
  { type, figures }: Verdict,
  t: Translate<Key>,
  language: Language,
): [label: string, value: string][] {
  return FIGURES.flatMap((name): [string, string][] => {
    const value = figures[name];
    if (value === undefined) return [];
    return [[t(`figure_${name}` as Key), value === null ? '–' : formatFigure(type, name, value, language)]];
  });
}

function formatFigure(type: string, name: string, value: number, language: Language): string {
  if (name === 'max') return formatShare(value, language);
  if (type === 'bake_time') {
    return new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', maximumFractionDigits: 1 }).format(
      value / 60,
    );
  }
  return formatNumber(value, language);
}
