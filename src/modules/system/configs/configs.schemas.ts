import { type Static, Type } from 'typebox';
import { toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { Instant, Nullable, PageOf, pageQuery, Strict, searchQuery, sortQuery } from '#platform/http/http.schemas.ts';
import type { Config, ConfigInput } from './configs.ports.ts';
import { CONFIG_SORT_FIELDS } from './configs.ports.ts';

const Key = Type.String({
  pattern: '^[a-z][a-z0-9_.-]{0,99}$',
  'x-accepts': '1 to 100 lower-case letters, digits, `_`, `.` and `-`, a letter first',
  description: 'Lower-case letters, digits, `_`, `.` and `-`; 100 at most',
  examples: ['mail.footer'],
});

const Description = Nullable(
  Type.String({ minLength: 1, maxLength: 500, description: 'What it is for', examples: ['Below every e-mail'] }),
);

export const ConfigParams = Strict({ key: Key });

export const ConfigQuery = Strict({ ...pageQuery, ...sortQuery(CONFIG_SORT_FIELDS), ...searchQuery });

export const CONFIG_SORT_HELP = `Sort by ${CONFIG_SORT_FIELDS.join(', ')}.`;

export const ConfigBody = Strict('NewConfig', {
  value: Type.Unknown({
    description: 'Any JSON, up to 16 KiB and 8 levels',
    examples: [{ text: 'Hanbit Farm', link: 'https://example.com' }],
  }),
  is_secret: Type.Optional(
    Type.Boolean({
      description: 'Encrypted at rest and never returned. Left out: as it was, false for a new key',
      examples: [false],
    }),
  ),
  description: Type.Optional(Description),
});

export const ConfigView = Strict('Config', {
  key: Key,
  value: Type.Unknown({ description: 'Null of a secret one', examples: [{ text: 'Hanbit Farm' }] }),
  is_secret: Type.Boolean({ description: 'Whether the value is encrypted and hidden', examples: [false] }),
  description: Description,
  created_at: Instant,
  updated_at: Instant,
});

export const ConfigPage = PageOf(ConfigView);

export function toInput({ value, is_secret, description }: Static<typeof ConfigBody>): ConfigInput {
  return {
    value,
    ...defined({ isSecret: is_secret, description }),
  };
}

export function presentConfig(config: Config): Static<typeof ConfigView> {
  return {
    key: config.key,
    value: config.value,
    is_secret: config.isSecret,
    description: config.description,
    created_at: toIso(config.createdAt),
    updated_at: toIso(config.updatedAt),
  };
}
