import type { Campaign, CampaignDevice } from './campaigns.ports.ts';
import { afterOtaSignal, type OtaPlan, type OtaSignal } from './campaigns.rules.ts';

const HISTORY = 100;

export function planOf({ version, maxRetries, backoffSeconds, timeouts }: Campaign): OtaPlan {
  return { version, attempts: maxRetries + 1, backoff: backoffSeconds * 1_000, timeouts };
}

/** @returns the device afterwards; the same object when nothing changes */
export function advance(device: CampaignDevice, plan: OtaPlan, signal: OtaSignal, at: number): CampaignDevice {
  const after = afterOtaSignal(device, plan, signal, at);
  if (after === device) return device;
  const next = { ...device, ...after };
  if (after.state === device.state) return next;
  const since = Math.max(at, device.since);
  // Retries go round; what began and what came last is kept.
  const history = [...device.history, { status: after.state, at: since }];
  return {
    ...next,
    since,
    history: history.length > HISTORY ? [...history.slice(0, 1), ...history.slice(2)] : history,
  };
}
