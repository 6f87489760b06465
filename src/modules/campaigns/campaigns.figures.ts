import type { Clock } from '#kernel/clock.ts';
import type { MonitoringApi } from '#modules/monitoring/index.ts';
import type { SummaryRange, TelemetryApi } from '#modules/telemetry/index.ts';
import type { GateCondition, GateFacts, TelemetryCondition } from './campaigns.gates.ts';
import type { Campaign, CampaignStore } from './campaigns.ports.ts';
import { figureOf, type TelemetryFacts, type TelemetryFigures, telemetryKey } from './campaigns.telemetry.ts';

/** Devices of each kind that are compared: a fleet may be large, and telemetry is asked device by device. */
const COMPARED = { alerts: 200, telemetry: 50 };
/** A device may report once a second, and each report lets its campaign be looked at. */
const FRESH_MS = 60_000;
/** How far back telemetry is looked at. */
const LOOK_BACK_MS = 7 * 86_400_000;
/** Campaigns whose figures are kept; more are never under way at once for long. */
const KEPT = 200;

/** What gates are judged by and is not in the tables of campaigns: it is read before the transaction that judges. */
export interface CampaignFigures {
  /** Telemetry is up to a minute old. @throws AppError `unavailable` */
  read(
    campaign: Campaign,
    conditions: readonly GateCondition[],
  ): Promise<Readonly<Pick<GateFacts, 'alerts' | 'telemetry'>>>;
}

export function createCampaignFigures({
  store,
  monitoring,
  telemetry,
  clock,
}: {
  readonly store: Pick<CampaignStore, 'sample'>;
  readonly monitoring: Pick<MonitoringApi, 'countRaised'>;
  readonly telemetry: Pick<TelemetryApi, 'summaries'>;
  readonly clock: Clock;
}): CampaignFigures {
  const kept = new Map<number, { readonly stage: number; readonly at: number; readonly facts: TelemetryFacts }>();

  async function alertsOf({ id, stageAt }: Campaign): Promise<GateFacts['alerts']> {
    const { updated, others } = await store.sample(id, COMPARED.alerts);
    const rate = async (ids: readonly number[]) =>
      ids.length === 0 ? null : (await monitoring.countRaised(ids, stageAt ?? 0)) / ids.length;
    return { updated: await rate(updated.map(({ deviceId }) => deviceId)), others: await rate(others) };
  }

  async function telemetryOf(campaign: Campaign, conditions: readonly TelemetryCondition[]): Promise<TelemetryFacts> {
    const { id, stage, stageAt } = campaign;
    const end = clock.now();
    const before = kept.get(id);
    if (before?.stage === stage && end - before.at < FRESH_MS) return before.facts;
    const sample = await store.sample(id, COMPARED.telemetry);
    const earliest = end - LOOK_BACK_MS;
    // Each from its own update on; the others since the stage began.
    const updated = sample.updated.map(({ deviceId, since }) => ({ deviceId, start: Math.max(since, earliest) }));
    const others = sample.others.map((deviceId) => ({ deviceId, start: Math.max(stageAt ?? 0, earliest) }));
    const facts = new Map<string, TelemetryFigures>();
    for (const { metric, aggregate } of conditions) {
      const figure = async (observed: readonly SummaryRange[]) =>
        figureOf(aggregate, observed, await telemetry.summaries(metric, observed, end), end);
      facts.set(telemetryKey({ metric, aggregate }), { updated: await figure(updated), others: await figure(others) });
    }
    if (kept.size >= KEPT) kept.clear();
    kept.set(id, { stage, at: end, facts });
    return facts;
  }

  return {
    async read(campaign, conditions) {
      const measured = conditions.filter((each) => each.type === 'telemetry');
      return {
        alerts: conditions.some(({ type }) => type === 'alerts')
          ? await alertsOf(campaign)
          : { updated: null, others: null },
        telemetry: measured.length === 0 ? new Map() : await telemetryOf(campaign, measured),
      };
    },
  };
}
