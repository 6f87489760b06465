import { hostname } from 'node:os';
import { type OAuthProviderSettings, renderOAuthExample } from './oauth-settings.ts';

/** Every setting: its default, what is accepted, what it does. `.env.example` and the README's table come from here. */

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false };

export interface Setting<T> {
  readonly default: T;
  /** The default as it stands in `.env.example`; empty when unset. */
  readonly shown: string;
  readonly accepted: string;
  readonly description: string;
  /** Its value is never printed. */
  readonly secret?: boolean;
  parse(raw: string): Parsed<T>;
}

const invalid = { ok: false } as const;
const valid = <T>(value: T): Parsed<T> => ({ ok: true, value });

function text(defaultValue: string, description: string): Setting<string> {
  return { default: defaultValue, shown: defaultValue, accepted: 'text', description, parse: valid };
}

function optionalText(accepted: string, description: string): Setting<string | null> {
  return { default: null, shown: '', accepted, description, parse: valid };
}

function integer<T extends number | null>(
  defaultValue: T,
  [min, max]: readonly [number, number],
  description: string,
): Setting<T extends null ? number | null : number> {
  return {
    default: defaultValue as never,
    shown: defaultValue === null ? '' : String(defaultValue),
    accepted: `a whole number from ${min} to ${max}`,
    description,
    parse: (raw) => {
      const value = Number(raw);
      return /^\d+$/.test(raw) && value >= min && value <= max ? valid(value as never) : invalid;
    },
  };
}

function flag(defaultValue: boolean, description: string): Setting<boolean> {
  return {
    default: defaultValue,
    shown: String(defaultValue),
    accepted: 'true or false',
    description,
    parse: (raw) => (/^(true|false)$/i.test(raw) ? valid(raw.toLowerCase() === 'true') : invalid),
  };
}

function oneOf<const T extends readonly string[]>(
  options: T,
  defaultValue: T[number],
  description: string,
): Setting<T[number]> {
  return {
    default: defaultValue,
    shown: defaultValue,
    accepted: options.join(' or '),
    description,
    parse: (raw) => (options.includes(raw) ? valid(raw) : invalid),
  };
}

function oneOfOrNone<const T extends readonly string[]>(options: T, description: string): Setting<T[number] | null> {
  return { ...oneOf(options, options[0] ?? '', description), default: null, shown: '' };
}

function listOf<const T extends readonly string[]>(options: T, description: string): Setting<readonly T[number][]> {
  return {
    default: options,
    shown: options.join(','),
    accepted: `one or more of ${options.join(', ')}, separated by commas`,
    description,
    parse: (raw) => {
      const parts = raw.split(',').map((part) => part.trim());
      return parts.every((part) => options.includes(part)) ? valid([...new Set(parts)]) : invalid;
    },
  };
}

const PORT = [0, 65_535] as const;

const timeZone: Setting<string> = {
  default: 'UTC',
  shown: 'UTC',
  accepted: 'an IANA time zone such as Asia/Seoul',
  description: 'Time zone of schedules',
  parse: (raw) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: raw });
      return valid(raw);
    } catch {
      return invalid;
    }
  },
};

const corsOrigins: Setting<readonly string[]> = {
  default: [],
  shown: '',
  accepted: 'origins such as https://app.example.com separated by commas, or *',
  description: 'Origins whose pages may call the API',
  parse: (raw) => {
    const origins = raw.split(',').map((origin) => origin.trim());
    const fine = origins.every(
      (origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin),
    );
    return fine ? valid(origins) : invalid;
  },
};

const trustProxy: Setting<boolean | string> = {
  default: false,
  shown: 'false',
  accepted: 'true, false, or addresses and networks such as 10.0.0.0/8 separated by commas',
  description: 'Whose X-Forwarded-For is believed',
  parse: (raw) => {
    if (raw === 'true' || raw === 'false') return valid(raw === 'true');
    return /^[0-9a-fA-F.:/, ]+$/.test(raw) ? valid(raw) : invalid;
  },
};

const rateLimit: Setting<{ readonly max: number; readonly windowMs: number } | null> = {
  default: null,
  shown: 'off',
  accepted: 'off, on (100/60) or requests/seconds such as 100/60',
  description: 'Requests per client address and time',
  parse: (raw) => {
    if (raw === 'off') return valid(null);
    const match = /^([1-9]\d{0,8})\/([1-9]\d{0,5})$/.exec(raw === 'on' ? '100/60' : raw);
    return match === null ? invalid : valid({ max: Number(match[1]), windowMs: Number(match[2]) * 1000 });
  },
};

function secret(description: string): Setting<string | null> {
  return {
    default: null,
    shown: '',
    accepted: '16 characters or more',
    description,
    secret: true,
    parse: (raw) => (raw.length >= 16 ? valid(raw) : invalid),
  };
}

/** Where a server outside the process is. It may hold a password: never printed. */
function address(protocols: readonly string[], example: string, description: string): Setting<string | null> {
  return {
    default: null,
    shown: '',
    accepted: `an address such as ${example}`,
    description,
    secret: true,
    parse: (raw) =>
      URL.canParse(raw) && protocols.includes(new URL(raw).protocol) && new URL(raw).hostname !== ''
        ? valid(raw)
        : invalid,
  };
}

const webhookUrls: Setting<readonly string[]> = {
  default: [],
  shown: '',
  accepted: 'addresses such as https://example.com/hook separated by commas',
  description: 'Who is called for notifications with the channel webhook; needs WEBHOOK_SECRET',
  secret: true,
  parse: (raw) => {
    const urls = raw.split(',').map((url) => url.trim());
    const fine = urls.every((url) => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol));
    return fine ? valid([...new Set(urls)]) : invalid;
  },
};

const mailFrom: Setting<string | null> = {
  default: null,
  shown: '',
  accepted: 'an e-mail address such as no-reply@example.com, or core-api <no-reply@example.com>',
  description: 'Sender of e-mail; needed with SMTP_URL',
  parse: (raw) =>
    /^(?:[^<>@,;"\r\n]{1,100} <([^<>@\s,;]+@[^<>@\s,;]+)>|[^<>@\s,;]+@[^<>@\s,;]+)$/.test(raw) ? valid(raw) : invalid,
};

/** An address for browsers, without a slash at the end. */
function page(example: string, description: string): Setting<string | null> {
  return {
    default: null,
    shown: '',
    accepted: `an address such as ${example}`,
    description,
    parse: (raw) => {
      if (!/^https?:\/\/[^\s#@]+$/.test(raw) || !URL.canParse(raw)) return invalid;
      return valid(raw.replace(/\/+$/, ''));
    },
  };
}

const instanceId: Setting<string> = {
  default: hostname().replace(/[^A-Za-z0-9._-]/g, '-'),
  shown: '',
  accepted: '1 to 64 letters, digits, dots, underscores and dashes',
  description: 'Names this process: unique among those that run, the same after a restart; unset: the host name',
  parse: (raw) => (/^[A-Za-z0-9._-]{1,64}$/.test(raw) ? valid(raw) : invalid),
};

const otlpHeaders: Setting<Readonly<Record<string, string>> | null> = {
  default: null,
  shown: '',
  accepted: 'name=value pairs separated by commas, values percent-encoded',
  description: 'Headers that go with traces, such as a token',
  secret: true,
  parse: (raw) => {
    const pairs = raw.split(',').map((pair) => /^\s*([A-Za-z0-9_-]+)=([!-~]*)\s*$/.exec(pair));
    if (pairs.some((pair) => pair === null)) return invalid;
    try {
      return valid(Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', decodeURIComponent(pair?.[2] ?? '')])));
    } catch {
      return invalid;
    }
  },
};

function share(defaultValue: number, description: string): Setting<number> {
  return {
    default: defaultValue,
    shown: String(defaultValue),
    accepted: 'a number from 0 to 1',
    description,
    parse: (raw) => (/^\d*\.?\d+$/.test(raw) && Number(raw) <= 1 ? valid(Number(raw)) : invalid),
  };
}

export const ROLES = ['api', 'ingest', 'worker', 'scheduler'] as const;

export const SETTINGS = {
  HTTP_HOST: text('127.0.0.1', 'Address of the HTTP API; 0.0.0.0 for all interfaces'),
  HTTP_PORT: integer(8000, PORT, 'Port of the HTTP API; 0 picks a free one'),
  MQTT_HOST: text('127.0.0.1', 'Address of the built-in MQTT broker; 0.0.0.0 for all interfaces'),
  MQTT_PORT: integer(1883, PORT, 'Port of the built-in MQTT broker; 0 picks a free one'),
  MQTT_WS_PORT: integer(null, PORT, 'Port of MQTT over WebSocket; unset: off'),
  MQTT_TLS_PORT: integer(null, PORT, 'Port of MQTT over TLS; unset: off'),
  MQTT_TLS_CERT_FILE: optionalText('the path of a PEM file', 'Certificate chain of MQTT_TLS_PORT'),
  MQTT_TLS_KEY_FILE: optionalText('the path of a PEM file', 'Private key of MQTT_TLS_PORT'),
  DATA_DIR: text('./data', 'Folder of the SQLite files and signing keys; created with mode 0700'),
  DATABASE_URL: address(
    ['mysql:', 'mariadb:'],
    'mysql://user:password@host:3306/core_api',
    'Relational store on MariaDB 10.11 or newer; unset: SQLite in DATA_DIR',
  ),
  DOCUMENTS_URL: address(
    ['mongodb:', 'mongodb+srv:'],
    'mongodb://user:password@host:27017/core_api',
    'Documents and telemetry on MongoDB 6 or newer; unset: SQLite in DATA_DIR',
  ),
  REDIS_URL: address(
    ['redis:', 'rediss:'],
    'redis://:password@host:6379',
    'What replicas share and background jobs, on Redis 7 or newer; unset: in the process, jobs in DATA_DIR',
  ),
  MQTT_URL: address(
    ['mqtt:', 'mqtts:'],
    'mqtt://user:password@host:1883',
    'Mosquitto 2.0 with dynamic security; unset: the broker inside the process',
  ),
  MQTT_PUBLIC_URL: address(
    ['mqtt:', 'mqtts:'],
    'mqtts://mqtt.example.com:8883',
    'Where devices reach the broker of MQTT_URL; unset: the same address',
  ),
  INSTANCE_ID: instanceId,
  MQTT_RECEIVERS: integer(
    2,
    [1, 16],
    'Sessions at the broker of MQTT_URL among which ingest processes divide the devices; the same in all of them',
  ),
  MQTT_AUTH_SECRET: secret(
    'Shown by a broker that asks /api/v1/mqtt for logins and rights (EMQX, go-auth); unset: none may ask',
  ),
  SMTP_URL: address(
    ['smtp:', 'smtps:'],
    'smtp://user:password@host:587',
    'Server that e-mail is sent through (STARTTLS where it offers it, smtps: TLS at once); unset: e-mail is off',
  ),
  MAIL_FROM: mailFrom,
  WEBHOOK_URL: webhookUrls,
  WEBHOOK_SECRET: secret('Signs calls of WEBHOOK_URL; after whsec_ it is base64'),
  WEBHOOK_ALLOW_PRIVATE: flag(false, 'Whether WEBHOOK_URL may lead to addresses that are not public'),
  NOTIFICATIONS_URL: address(
    ['http:', 'https:'],
    'http://notifications:8000',
    'Where the notifications are, when they run in a process of their own; unset: in this one',
  ),
  SERVE_MODULE: oneOfOrNone(
    ['notifications'],
    'This process is that module alone, for those with NOTIFICATIONS_URL; unset: it is what ROLES says',
  ),
  INTERNAL_SECRET: secret('Shown by processes of one installation to each other; needed with the two above'),
  ROLES: listOf(ROLES, 'What this process does'),
  WORKER_CONCURRENCY: integer(4, [1, 100], 'Jobs that a worker runs at once, in each queue'),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent'], 'info', 'Least severe level that is logged'),
  LOG_FORMAT: oneOf(['json', 'pretty'], 'json', 'How log lines look'),
  TZ_NAME: timeZone,
  CORS_ORIGINS: corsOrigins,
  TRUST_PROXY: trustProxy,
  RATE_LIMIT: rateLimit,
  REGISTRATION_OPEN: flag(true, 'Whether anyone may register as a USER'),
  PUBLIC_URL: page(
    'https://iot.example.com',
    'Where browsers reach this system, for links in e-mail and for sign-in at providers; unset: HTTP_HOST and HTTP_PORT',
  ),
  OAUTH_SUCCESS_URL: page(
    'https://app.example.com/signed-in',
    'Page that takes over after a sign-in at a provider, with ?code= or ?error=; unset: the callback answers tokens',
  ),
  USER_DEVICE_SCOPE: oneOf(['owned', 'all'], 'owned', 'Which devices a USER may read'),
  ACCESS_TOKEN_MINUTES: integer(30, [1, 1_440], 'Lifetime of access tokens'),
  REFRESH_TOKEN_DAYS: integer(7, [1, 365], 'Lifetime of refresh tokens'),
  TELEMETRY_RETENTION_DAYS: integer(365, [1, 36_500], 'Older time stamps are rejected, and older telemetry is removed'),
  OTEL_EXPORTER_OTLP_ENDPOINT: address(
    ['http:', 'https:'],
    'http://collector:4318',
    'Where traces go, by OTLP over HTTP (to /v1/traces there); unset: none are made',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders,
  OTEL_SERVICE_NAME: text('core-api', 'Name of this service in traces'),
  OTEL_TRACES_SAMPLER_ARG: share(0.01, 'Share of messages and requests that are traced, unless the caller says'),
  DEVICE_RATE_LIMIT: integer(
    null,
    [1, 1_000_000],
    'Messages a second above which a device is read slower; unset: no limit',
  ),
} as const;

export type Settings = { readonly [Name in keyof typeof SETTINGS]: (typeof SETTINGS)[Name]['default'] } & {
  /** Of `OAUTH_<NAME>_…` */
  readonly OAUTH_PROVIDERS: readonly OAuthProviderSettings[];
};

/** The text of `.env.example`. */
export function renderEnvExample(): string {
  const lines = ['# Every setting with its default. Copy to .env and change what you need.', ''];
  for (const [name, setting] of Object.entries(SETTINGS)) {
    lines.push(
      `# ${setting.description}. Accepted: ${setting.accepted}.`,
      `${setting.shown === '' ? '# ' : ''}${name}=${setting.shown}`,
      '',
    );
  }
  return [...lines, ...renderOAuthExample()].join('\n');
}
