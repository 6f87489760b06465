import type { Settings } from './settings.ts';

const LOOPBACK = /^(127\.|localhost$|::1$)/;

/** What strangers can do, where they can reach this server, that its operator may not have meant. One sentence each. */
export function exposureOf(settings: Settings): readonly string[] {
  const { HTTP_HOST, TRUST_PROXY } = settings;
  // Behind a proxy of this machine it is reached from outside too.
  if (!settings.ROLES.includes('api') || (LOOPBACK.test(HTTP_HOST) && TRUST_PROXY === false)) return [];
  const where = LOOPBACK.test(HTTP_HOST) ? 'Through the proxy' : `At ${HTTP_HOST}`;
  return [
    ...(settings.REGISTRATION_OPEN
      ? [`${where} anyone who reaches this server may register: set REGISTRATION_OPEN=false unless that is meant`]
      : []),
    ...(settings.RATE_LIMIT === null
      ? [`${where} anyone may send as many requests as they like: set RATE_LIMIT=on, or limit them at the proxy`]
      : []),
  ];
}
