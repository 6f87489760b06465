import { PROVIDER_PRESETS } from '#platform/oauth/presets.ts';

/**
 * Settings whose names hold a name: `OAUTH_<NAME>_CLIENT_ID`. A provider is there as soon as one of its settings is,
 * and then it has to be whole.
 */
export interface OAuthProviderSettings {
  /** In addresses: `OAUTH_MY_CORP_…` is `my-corp`. */
  readonly name: string;
  /** Null: one of the presets. */
  readonly issuer: string | null;
  readonly clientId: string;
  readonly clientSecret: string | null;
  /** Null: the usual ones. */
  readonly scopes: readonly string[] | null;
  /** For people; null: made of the name. */
  readonly label: string | null;
}

interface Part {
  readonly accepted: string;
  readonly description: string;
  readonly secret?: boolean;
  readonly isValid: (raw: string) => boolean;
}

const PARTS = {
  CLIENT_ID: {
    accepted: 'text',
    description: 'Client id that the provider gave',
    isValid: () => true,
  },
  CLIENT_SECRET: {
    accepted: 'text',
    description: 'Client secret that the provider gave; kakao and issuers of one’s own may have none',
    secret: true,
    isValid: () => true,
  },
  ISSUER: {
    accepted: 'an address such as https://login.example.com, with http only on this machine',
    description: 'Issuer of OpenID Connect; needed for all but the presets, which have theirs',
    isValid: isIssuer,
  },
  SCOPES: {
    accepted: 'scopes separated by spaces or commas, with openid for an issuer',
    description: 'What is asked for; unset: openid email profile, or what the preset needs',
    isValid: (raw: string) => /^[\x21\x23-\x5b\x5d-\x7e, ]+$/.test(raw),
  },
  LABEL: {
    accepted: 'up to 64 characters',
    description: 'Name for people, on a login page; unset: made of the name',
    isValid: (raw: string) => raw.length <= 64,
  },
} satisfies Readonly<Record<string, Part>>;

type PartName = keyof typeof PARTS;

const PART_NAMES = Object.keys(PARTS) as readonly PartName[];
const PRESET_NAMES = Object.keys(PROVIDER_PRESETS).map((name) => name.toUpperCase());
const VARIABLE = new RegExp(`^OAUTH_([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)_(${PART_NAMES.join('|')})$`);

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the providers in the order of their names, and everything that is wrong */
export function readOAuthProviders(env: Environment): {
  readonly providers: readonly OAuthProviderSettings[];
  readonly problems: readonly string[];
} {
  const byName = new Map<string, Partial<Record<PartName, string>>>();
  for (const [variable, value = ''] of Object.entries(env)) {
    const [, name, part] = VARIABLE.exec(variable) ?? [];
    if (name === undefined || part === undefined || value.trim() === '') continue;
    byName.set(name, { ...byName.get(name), [part]: value.trim() });
  }
  const names = [...byName.keys()].sort();
  return {
    providers: names.map((name) => toProvider(name, byName.get(name) ?? {})),
    problems: [
      ...names.flatMap((name) => problemsOf(name, byName.get(name) ?? {})),
      ...misspelt(env, [...PRESET_NAMES, ...names]),
    ],
  };
}

function problemsOf(name: string, parts: Partial<Record<PartName, string>>): readonly string[] {
  const preset = presetOf(name);
  const problems: string[] = [];
  const say = (part: PartName, accepted: string) => problems.push(`OAUTH_${name}_${part}: ${accepted}`);
  for (const part of PART_NAMES) {
    const raw = parts[part];
    if (raw === undefined || PARTS[part].isValid(raw)) continue;
    const { accepted, ...more }: Part = PARTS[part];
    problems.push(`OAUTH_${name}_${part}=${more.secret === true ? '…' : raw}: accepted is ${accepted}`);
  }
  if (parts.CLIENT_ID === undefined) say('CLIENT_ID', 'needed when any other OAUTH_ setting of this provider is there');
  if (preset?.needsSecret === true && parts.CLIENT_SECRET === undefined)
    say('CLIENT_SECRET', 'needed for this provider');
  if (preset === undefined && parts.ISSUER === undefined) {
    say('ISSUER', `needed for a provider that is none of ${PRESET_NAMES.map((each) => each.toLowerCase()).join(', ')}`);
  }
  if (preset !== undefined && parts.ISSUER !== undefined)
    say('ISSUER', 'is known; choose another name for another issuer');
  const isOpenId = preset === undefined || preset.kind === 'openid';
  if (isOpenId && parts.SCOPES !== undefined && !scopesOf(parts.SCOPES).includes('openid')) {
    say('SCOPES', 'has to name openid');
  }
  return problems;
}

/** A setting that begins like one of a provider and is none does nothing; better to say so. */
function misspelt(env: Environment, names: readonly string[]): readonly string[] {
  return Object.keys(env)
    .filter((variable) => !VARIABLE.test(variable) && names.some((name) => variable.startsWith(`OAUTH_${name}_`)))
    .map((variable) => `${variable}: not a setting; accepted at the end are ${PART_NAMES.join(', ')}`);
}

function toProvider(name: string, parts: Partial<Record<PartName, string>>): OAuthProviderSettings {
  return {
    name: name.toLowerCase().replaceAll('_', '-'),
    issuer: parts.ISSUER ?? null,
    clientId: parts.CLIENT_ID ?? '',
    clientSecret: parts.CLIENT_SECRET ?? null,
    scopes: parts.SCOPES === undefined ? null : scopesOf(parts.SCOPES),
    label: parts.LABEL ?? null,
  };
}

function presetOf(name: string): { readonly kind: string; readonly needsSecret: boolean } | undefined {
  return Object.entries(PROVIDER_PRESETS).find(([preset]) => preset.toUpperCase() === name)?.[1];
}

function scopesOf(raw: string): readonly string[] {
  return raw.split(/[ ,]+/).filter((scope) => scope !== '');
}

function isIssuer(raw: string): boolean {
  if (!URL.canParse(raw)) return false;
  const { protocol, hostname, search, hash, username } = new URL(raw);
  const isSafe =
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));
  return isSafe && search === '' && hash === '' && username === '';
}

/** Their lines of `.env.example`: one of each kind, for each preset and for an issuer of one's own. */
export function renderOAuthExample(): readonly string[] {
  const lines = [
    '# Sign-in at identity providers: OAUTH_<NAME>_CLIENT_ID and so on, for as many names as wanted. google, kakao,',
    '# naver and github are known; any other name needs an issuer of OpenID Connect.',
    ...PART_NAMES.map((part) => `# ${part}: ${PARTS[part].description}. Accepted: ${PARTS[part].accepted}.`),
  ];
  const settings = [
    ...PRESET_NAMES.flatMap((name) => ['CLIENT_ID', 'CLIENT_SECRET'].map((part) => `# OAUTH_${name}_${part}=`)),
    ...PART_NAMES.map((part) => `# OAUTH_MYCORP_${part}=`),
  ];
  return [...lines, ...settings, ''];
}
