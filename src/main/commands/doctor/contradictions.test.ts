import { expect, test } from 'vitest';
import { loadConfig } from '../../config.ts';
import { contradictionsIn } from './contradictions.ts';

const OUTSIDE = {
  DATABASE_URL: 'mysql://u:p@h/d',
  DOCUMENTS_URL: 'mongodb://h/d',
  REDIS_URL: 'redis://h',
  MQTT_URL: 'mqtt://core.admin:p@h:1882',
  MQTT_PUBLIC_URL: 'mqtts://h:8883',
};

const MAIL = { SMTP_URL: 'smtp://h', MAIL_FROM: 'a@example.com' };

test.each([
  [{}, []],
  [OUTSIDE, []],
  [{ ...OUTSIDE, ROLES: 'api' }, []],
  [{ ROLES: 'api,ingest', DATABASE_URL: OUTSIDE.DATABASE_URL }, [/set DOCUMENTS_URL, REDIS_URL, MQTT_URL, or all/]],
  [
    { ...OUTSIDE, DEVICE_RATE_LIMIT: '5', MQTT_WS_PORT: '9001' },
    [/^MQTT_WS_PORT has no effect/, /^DEVICE_RATE_LIMIT is for HTTP ingest alone/],
  ],
  [{ ...OUTSIDE, MQTT_PUBLIC_URL: '' }, [/set MQTT_PUBLIC_URL/]],
  [{ MQTT_PUBLIC_URL: OUTSIDE.MQTT_PUBLIC_URL }, []],
  [{ MQTT_HOST: '0.0.0.0' }, [/^devices that register themselves are told .*: set MQTT_PUBLIC_URL/]],
  [{ MQTT_HOST: '::', MQTT_PUBLIC_URL: 'mqtt://h' }, []],
  [{ MQTT_HOST: '0.0.0.0', PUBLIC_URL: 'https://iot.example.com' }, []],
  [{ TRUST_PROXY: 'true' }, []],
  [{ TRUST_PROXY: 'true', HTTP_HOST: '0.0.0.0' }, [/invent an address/]],
  [{ CORS_ORIGINS: '*,https://a.example' }, [/CORS_ORIGINS/]],
  [MAIL, []],
  [{ ...MAIL, HTTP_HOST: '0.0.0.0' }, [/^links in e-mails lead to .*: set PUBLIC_URL/]],
  [{ ...OUTSIDE, ...MAIL, ROLES: 'worker' }, [/^links in e-mails lead to/]],
  [{ ...OUTSIDE, ...MAIL, ROLES: 'worker', PUBLIC_URL: 'https://iot.example.com' }, []],
  [{ OAUTH_KAKAO_CLIENT_ID: 'id', TRUST_PROXY: '10.0.0.0/8' }, [/^sign-in at kakao lead/]],
  [{ OAUTH_SUCCESS_URL: 'https://app.example.com' }, [/^OAUTH_SUCCESS_URL has no effect/]],
])('%j', (environment, expected) => {
  const found = contradictionsIn(loadConfig(environment));
  expect(found).toHaveLength(expected.length);
  for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern);
});
