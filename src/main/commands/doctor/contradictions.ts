import { ROLES, type Settings } from '../../settings.ts';

/** Settings that are valid each, and make no sense together. One sentence each, with what to do. */
export function contradictionsIn(settings: Settings): readonly string[] {
  const { MQTT_URL, TRUST_PROXY, HTTP_HOST, CORS_ORIGINS } = settings;
  const missing = (['DATABASE_URL', 'DOCUMENTS_URL', 'REDIS_URL', 'MQTT_URL'] as const).filter(
    (name) => settings[name] === null,
  );
  const problems: string[] = [];
  if (settings.ROLES.length < ROLES.length && missing.length > 0) {
    problems.push(
      `ROLES leaves work to other processes, which cannot share what is inside this one: set ${missing.join(', ')}, or all roles`,
    );
  }
  if (MQTT_URL !== null) {
    const unused = (['MQTT_WS_PORT', 'MQTT_TLS_PORT'] as const).filter((name) => settings[name] !== null);
    if (unused.length > 0) problems.push(`${unused.join(', ')} has no effect with MQTT_URL: set it at that broker`);
    if (settings.DEVICE_RATE_LIMIT !== null) {
      problems.push('DEVICE_RATE_LIMIT is for HTTP ingest alone with MQTT_URL: limit messages at that broker');
    }
    if (settings.MQTT_PUBLIC_URL === null) {
      problems.push('people are shown the address of MQTT_URL, which devices should not reach: set MQTT_PUBLIC_URL');
    }
  } else if (/^(0\.0\.0\.0|::)$/.test(settings.MQTT_HOST) && !settings.MQTT_PUBLIC_URL && !settings.PUBLIC_URL) {
    problems.push('devices that register themselves are told to connect to 127.0.0.1: set MQTT_PUBLIC_URL');
  }
  if (TRUST_PROXY === true && !['127.0.0.1', '::1', 'localhost'].includes(HTTP_HOST)) {
    problems.push(
      `TRUST_PROXY=true with HTTP_HOST=${HTTP_HOST} lets everybody who reaches it invent an address: name the proxy's address`,
    );
  }
  if (CORS_ORIGINS.includes('*') && CORS_ORIGINS.length > 1) {
    problems.push('CORS_ORIGINS has * and other origins, which add nothing to it');
  }
  const isAlone = settings.ROLES.length === ROLES.length && !TRUST_PROXY && /^(127\.|localhost$|::1$)/.test(HTTP_HOST);
  const linked = [...(settings.SMTP_URL === null ? [] : ['links in e-mails']), ...settings.OAUTH_PROVIDERS.map(nameOf)];
  if (settings.PUBLIC_URL === null && !isAlone && linked.length > 0) {
    problems.push(`${linked.join(', ')} lead to the address of this process: set PUBLIC_URL to where browsers come in`);
  }
  if (settings.OAUTH_SUCCESS_URL !== null && settings.OAUTH_PROVIDERS.length === 0) {
    problems.push('OAUTH_SUCCESS_URL has no effect without a provider: set OAUTH_<NAME>_CLIENT_ID');
  }
  return problems;
}

function nameOf({ name }: Settings['OAUTH_PROVIDERS'][number]): string {
  return `sign-in at ${name}`;
}
