import { hostname } from 'node:os';

/** The kinds of settings: how the text of one is read, and what is said to be accepted. */

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

export function text(defaultValue: string, description: string): Setting<string> {
  return { default: defaultValue, shown: defaultValue, accepted: 'text', description, parse: valid };
}

export function optionalText(accepted: string, description: string): Setting<string | null> {
  return { default: null, shown: '', accepted, description, parse: valid };
}

export function integer<T extends number | null>(
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

export function flag(defaultValue: boolean, description: string): Setting<boolean> {
  return {
    default: defaultValue,
    shown: String(defaultValue),
    accepted: 'true or false',
    description,
    parse: (raw) => (/^(true|false)$/i.test(raw) ? valid(raw.toLowerCase() === 'true') : invalid),
  };
}

export function oneOf<const T extends readonly string[]>(
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

export function oneOfOrNone<const T extends readonly string[]>(
  options: T,
  description: string,
): Setting<T[number] | null> {
  return { ...oneOf(options, options[0] ?? '', description), default: null, shown: '' };
}

export function listOf<const T extends readonly string[]>(
  options: T,
  description: string,
): Setting<readonly T[number][]> {
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

export const PORT = [0, 65_535] as const;

export const timeZone: Setting<string> = {
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

export const corsOrigins: Setting<readonly string[]> = {
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

export const trustProxy: Setting<boolean | string> = {
  default: false,
  shown: 'false',
  accepted: 'true, false, or addresses and networks such as 10.0.0.0/8 separated by commas',
  description: 'Whose X-Forwarded-For is believed',
  parse: (raw) => {
    if (raw === 'true' || raw === 'false') return valid(raw === 'true');
    return /^[0-9a-fA-F.:/, ]+$/.test(raw) ? valid(raw) : invalid;
  },
};

export const rateLimit: Setting<{ readonly max: number; readonly windowMs: number } | null> = {
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

export const userWriteLimit: typeof rateLimit = {
  default: { max: 1_000, windowMs: 3_600_000 },
  shown: '1000/3600',
  accepted: 'off, or changes/seconds such as 1000/3600',
  description: 'Changes that a USER may make, and time: each is kept in the audit trail',
  parse: (raw) => (raw === 'on' ? invalid : rateLimit.parse(raw)),
};

export function secret(description: string): Setting<string | null> {
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
export function address(protocols: readonly string[], example: string, description: string): Setting<string | null> {
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

export const webhookUrls: Setting<readonly string[]> = {
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

export const mailFrom: Setting<string | null> = {
  default: null,
  shown: '',
  accepted: 'an e-mail address such as no-reply@example.com, or core-api <no-reply@example.com>',
  description: 'Sender of e-mail; needed with SMTP_URL',
  parse: (raw) =>
    /^(?:[^<>@,;"\r\n]{1,100} <([^<>@\s,;]+@[^<>@\s,;]+)>|[^<>@\s,;]+@[^<>@\s,;]+)$/.test(raw) ? valid(raw) : invalid,
};

/** An address for browsers, without a slash at the end. */
export function page(example: string, description: string): Setting<string | null> {
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

export const instanceId: Setting<string> = {
  default: hostname().replace(/[^A-Za-z0-9._-]/g, '-'),
  shown: '',
  accepted: '1 to 64 letters, digits, dots, underscores and dashes',
  description: 'Names this process: unique among those that run, the same after a restart; unset: the host name',
  parse: (raw) => (/^[A-Za-z0-9._-]{1,64}$/.test(raw) ? valid(raw) : invalid),
};

export const otlpHeaders: Setting<Readonly<Record<string, string>> | null> = {
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

export function share(defaultValue: number, description: string): Setting<number> {
  return {
    default: defaultValue,
    shown: String(defaultValue),
    accepted: 'a number from 0 to 1',
    description,
    parse: (raw) => (/^\d*\.?\d+$/.test(raw) && Number(raw) <= 1 ? valid(Number(raw)) : invalid),
  };
}
