import { expect, test } from 'vitest';
import { type AddressSettings, brokerAddressesOf, brokerAddressOf } from './broker-address.ts';

const EMBEDDED: AddressSettings = {
  MQTT_URL: null,
  MQTT_PUBLIC_URL: null,
  MQTT_HOST: '127.0.0.1',
  MQTT_PORT: 1883,
  MQTT_TLS_PORT: null,
  MQTT_WS_PORT: null,
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
  expect(brokerAddressOf(settings, true, { mqtt: 41, tls: 42, ws: null })).toMatchObject({ port: 42, tls: true });
  expect(brokerAddressOf(settings, false, { mqtt: 41, tls: 42, ws: null })).toMatchObject({ port: 41, tls: false });
});

const NOTHING = { port: null, tlsPort: null, webSocketPort: null, tlsNeedsCertificate: false };

test.each([
  ['on this machine alone', {}, 'iot.local', { host: '127.0.0.1', port: 1883 }],
  [
    'at all interfaces: where one has come in',
    { MQTT_HOST: '0.0.0.0' },
    'iot.local',
    { host: 'iot.local', port: 1883 },
  ],
  ['the same by IPv6', { MQTT_HOST: '::' }, '[fd00::1]', { host: 'fd00::1', port: 1883 }],
  [
    'by every way',
    { MQTT_TLS_PORT: 8883, MQTT_WS_PORT: 9001, MQTT_TLS_CLIENT_CERTS: 'required' },
    'h',
    { host: '127.0.0.1', port: 1883, tlsPort: 8883, webSocketPort: 9001, tlsNeedsCertificate: true },
  ],
  ['where browsers are told', { PUBLIC_URL: 'https://iot.example.com' }, 'h', { host: 'iot.example.com', port: 1883 }],
  [
    'as it is said, and nothing else',
    { MQTT_PUBLIC_URL: 'mqtts://m.example.com', MQTT_TLS_PORT: 1, MQTT_WS_PORT: 9001 },
    'h',
    { host: 'm.example.com', tlsPort: 8883 },
  ],
  [
    'at a Mosquitto, without the login of this server',
    { MQTT_URL: 'mqtt://u:p@b:1884' },
    'h',
    { host: 'b', port: 1884 },
  ],
] as const)('all addresses: %s', (_what, settings, askedAt, told) => {
  expect(brokerAddressesOf({ ...EMBEDDED, ...settings }, null, askedAt)).toEqual({ ...NOTHING, ...told });
});

test('all addresses: at the ports that the machine has chosen', () => {
  const ports = { mqtt: 41, tls: null, ws: 43 };
  expect(brokerAddressesOf({ ...EMBEDDED, MQTT_PORT: 0 }, ports, 'h')).toMatchObject({ port: 41, webSocketPort: 43 });
});
