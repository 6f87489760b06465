import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { exposureOf } from './exposure.ts';

const OPEN = /REGISTRATION_OPEN=false/;
const UNLIMITED = /RATE_LIMIT=on/;

test.each([
  [{}, []],
  [{ HTTP_HOST: 'localhost' }, []],
  [{ HTTP_HOST: '::1' }, []],
  [{ HTTP_HOST: '0.0.0.0' }, [OPEN, UNLIMITED]],
  [{ HTTP_HOST: '::' }, [OPEN, UNLIMITED]],
  [{ HTTP_HOST: '192.0.2.1', REGISTRATION_OPEN: 'false' }, [UNLIMITED]],
  [{ HTTP_HOST: '192.0.2.1', RATE_LIMIT: 'on' }, [OPEN]],
  [{ HTTP_HOST: '192.0.2.1', RATE_LIMIT: 'on', REGISTRATION_OPEN: 'false' }, []],
  [{ TRUST_PROXY: '127.0.0.1' }, [OPEN, UNLIMITED]],
  [{ HTTP_HOST: '0.0.0.0', ROLES: 'ingest,worker' }, []],
])('%j', (environment, expected) => {
  const found = exposureOf(loadConfig(environment));
  expect(found).toHaveLength(expected.length);
  for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern);
});
