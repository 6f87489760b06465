import { devicePortOf } from '#test/support/servers/mosquitto.ts';
import { describeWithServer } from '#test/support/servers.ts';
import { downlinkContract } from '../downlink.contract.ts';
import { mqttContract } from '../mqtt.contract.ts';
import { mosquittoHarness } from './mosquitto.harness.ts';

await describeWithServer('mosquitto', (server) => mqttContract(mosquittoHarness(server, devicePortOf(server.url))));

// Its broker is restarted.
await describeWithServer(
  'mosquitto',
  (server) => downlinkContract(mosquittoHarness(server, devicePortOf(server.url))),
  { own: true },
);
