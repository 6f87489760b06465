import { expect, test } from 'vitest';
import { type AddressSettings, brokerAddressOf } from './broker-address.ts';

const EMBEDDED: AddressSettings = {
  MQTT_URL: null,
  MQTT_PUBLIC_URL: null,
  MQTT_HOST: '127.0.0.1',
  MQTT_PORT: 1883,
  MQTT_TLS_PORT: null,
  MQTT_TLS_CLIENT_CERTS: 'off',
  PUBLIC_URL: null,
};

test.each([
  ['as it starts', {}, '127.0.0.1:1883'],
  ['at all interfaces', { MQTT_HOST: '0.0.0.0' }, '127.0.0.1:1883'],
  ['at an interface', { MQTT_HOST: '192.168.0.10', MQTT_PORT: 1884 }, '192.168.0.10:1884'],
  ['where people reach it', { MQTT_HOST: '0.0.0.0', PUBLIC_URL: 'https://iot.example.com/x' }, 'iot.example.com:1883'],
  ['by TLS', { MQTT_TLS_PORT: 8883, MQTT_TLS_CLIENT_CERTS: 'optional' }, '127.0.0.1:8883 TLS'],
  ['by TLS, for certificates alone', { MQTT_TLS_PORT: 8883, MQTT_TLS_CLIENT_CERTS: 'required' }, '127.0.0.1:1883'],
  ['as it is said', { MQTT_PUBLIC_URL: 'mqtts://mqtt.example.com' }, 'mqtt.example.com:8883 TLS'],
  ['as it is said, of IPv6', { MQTT_PUBLIC_URL: 'mqtt://[2001:db8::1]' }, '2001:db8::1:1883'],
  ['at a Mosquitto', { MQTT_URL: 'mqtts://core:secret@broker:8884' }, 'broker:8884 TLS'],
  ['at one that devices reach elsewhere', { MQTT_URL: 'mqtt://u:p@b', MQTT_PUBLIC_URL: 'mqtt://m:1' }, 'm:1'],
] as const)('%s', (_what, settings, told) => {
  const { host, port, tls } = brokerAddressOf({ ...EMBEDDED, ...settings }, false);
  expect(`${host}:${port}${tls ? ' TLS' : ''}`).toBe(told);
});

test('with a certificate where one is required; at the ports that the machine has chosen', () => {
  const settings = { ...EMBEDDED, MQTT_PORT: 0, MQTT_TLS_PORT: 0, MQTT_TLS_CLIENT_CERTS: 'required' } as const;
  expect(brokerAddressOf(settings, true, { mqtt: 41, tls: 42 })).toMatchObject({ port: 42, tls: true });
  expect(brokerAddressOf(settings, false, { mqtt: 41, tls: 42 })).toMatchObject({ port: 41, tls: false });
});
