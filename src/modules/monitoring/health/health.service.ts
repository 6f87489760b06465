import { within } from '#kernel/concurrency.ts';
import { isAppError } from '#kernel/errors.ts';
import type { HealthCheck } from '#platform/module/module.port.ts';

export interface ComponentHealth {
  readonly component: string;
  readonly status: 'ok' | 'away';
  readonly latencyMs: number;
  /** Never text of a driver. */
  readonly detail: string | null;
}

const CHECK_DEADLINE_MS = 2_000;

export interface HealthService {
  /** Asks every part at once, each with a deadline. */
  check(): Promise<readonly ComponentHealth[]>;
}

export function createHealthService(checks: () => Readonly<Record<string, HealthCheck>>): HealthService {
  return {
    check: () => Promise.all(Object.entries(checks()).map(([component, check]) => ask(component, check))),
  };
}

async function ask(component: string, check: HealthCheck): Promise<ComponentHealth> {
  const startedAt = performance.now();
  const latencyMs = () => Math.round((performance.now() - startedAt) * 100) / 100;
  try {
    const detail = await within(CHECK_DEADLINE_MS, check(), () => new LateError());
    return { component, status: 'ok', latencyMs: latencyMs(), detail: typeof detail === 'string' ? detail : null };
  } catch (error) {
    return { component, status: 'away', latencyMs: latencyMs(), detail: reasonOf(error) };
  }
}

class LateError extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof LateError) return `No answer within ${CHECK_DEADLINE_MS} ms.`;
  return isAppError(error) && error.kind === 'unavailable' ? 'It cannot be reached, or takes no work.' : 'It failed.';
}
