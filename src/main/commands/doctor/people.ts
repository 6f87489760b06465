import { createMailer } from '../../profiles/mail.ts';
import type { Settings } from '../../settings.ts';
import { type Check, doubtful, type Finding, fine } from './finding.ts';

const DEADLINE_MS = 5_000;

/** The ways to people, none of which the start waits for. */
export function peopleChecks(settings: Settings): readonly Check[] {
  const { NOTIFICATIONS_URL } = settings;
  return [
    ['e-mail', () => checkMail(settings)],
    ...(NOTIFICATIONS_URL === null ? [] : [['notification', () => checkNotifications(NOTIFICATIONS_URL)] as const]),
  ];
}

async function checkMail(settings: Settings): Promise<Finding> {
  const mailer = await createMailer(settings);
  if (!mailer.isConfigured) return fine('off: SMTP_URL is unset, and every job send_email fails');
  try {
    await mailer.ping();
    return fine(`${new URL(settings.SMTP_URL ?? '').host} takes mail`);
  } catch (error) {
    return doubtful((error as Error).message);
  } finally {
    await mailer.stop?.(AbortSignal.timeout(DEADLINE_MS));
  }
}

/** Whether the process at NOTIFICATIONS_URL says that it is ready. */
async function checkNotifications(url: string): Promise<Finding> {
  const { host } = new URL(url);
  try {
    const response = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(DEADLINE_MS) });
    await response.body?.cancel();
    return response.ok ? fine(`${host} is ready`) : doubtful(`${host} answers ${response.status}`);
  } catch (error) {
    return doubtful(`${host} cannot be reached: ${(error as Error).message}`);
  }
}
