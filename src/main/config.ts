import { readOAuthProviders } from './oauth-settings.ts';
import { SETTINGS, type Settings } from './settings.ts';

/** A start that cannot work: its message is all that the operator sees. */
class ConfigError extends Error {
  constructor(problems: readonly string[]) {
    super(
      `${problems.length === 1 ? 'A setting is' : `${problems.length} settings are`} not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * Reads `.env` (when there is one) and the environment, which wins. The only place that does.
 * @throws ConfigError that lists every problem at once with the accepted form
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = readEnvironment()): Settings {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const raw = env[name]?.trim();
    if (raw === undefined || raw === '') {
      values[name] = setting.default;
      continue;
    }
    const parsed = setting.parse(raw);
    if (parsed.ok) values[name] = parsed.value;
    else problems.push(`${name}=${setting.secret === true ? '…' : raw}: accepted is ${setting.accepted}`);
  }
  const oauth = readOAuthProviders(env);
  problems.push(...oauth.problems);
  const settings = { ...values, OAUTH_PROVIDERS: oauth.providers } as unknown as Settings;
  if (problems.length === 0) problems.push(...conflicts(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}

function readEnvironment(): Record<string, string | undefined> {
  try {
    process.loadEnvFile('.env');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT')
      throw new ConfigError([`.env cannot be read: ${String(error)}`]);
  }
  return process.env;
}

function conflicts(settings: Settings): string[] {
  const problems: string[] = [];
  const tls = [settings.MQTT_TLS_PORT, settings.MQTT_TLS_CERT_FILE, settings.MQTT_TLS_KEY_FILE];
  if (tls.some((each) => each !== null) && tls.some((each) => each === null)) {
    problems.push('MQTT_TLS_PORT, MQTT_TLS_CERT_FILE and MQTT_TLS_KEY_FILE: accepted are all three or none');
  }
  if (settings.MQTT_TLS_CLIENT_CERTS !== 'off' && (settings.MQTT_TLS_PORT === null || settings.MQTT_URL !== null)) {
    problems.push('MQTT_TLS_CLIENT_CERTS: accepted is off, unless MQTT_TLS_PORT is set and MQTT_URL is not');
  }
  if (settings.METRICS_PORT === settings.HTTP_PORT && settings.METRICS_PORT !== 0) {
    problems.push('METRICS_PORT: accepted is another port than HTTP_PORT');
  }
  if ((settings.SMTP_URL === null) !== (settings.MAIL_FROM === null)) {
    problems.push('SMTP_URL and MAIL_FROM: accepted are both or none');
  }
  if (settings.WEBHOOK_URL.length > 0 !== (settings.WEBHOOK_SECRET !== null)) {
    problems.push('WEBHOOK_URL and WEBHOOK_SECRET: accepted are both or none');
  }
  const { NOTIFICATIONS_URL, SERVE_MODULE, INTERNAL_SECRET, REDIS_URL } = settings;
  if (NOTIFICATIONS_URL !== null && SERVE_MODULE !== null) {
    problems.push('NOTIFICATIONS_URL and SERVE_MODULE: accepted is one of them');
  }
  if ((NOTIFICATIONS_URL ?? SERVE_MODULE) !== null && (INTERNAL_SECRET === null || REDIS_URL === null)) {
    problems.push('NOTIFICATIONS_URL or SERVE_MODULE: accepted with INTERNAL_SECRET and REDIS_URL');
  }
  return problems;
}
