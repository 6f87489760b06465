import type { People } from '#test/support/people.ts';
import type { RunningSystem } from '#test/support/system.ts';
import type { Call } from './scenario.alerts.ts';
import { walkThroughCampaigns } from './scenario.campaigns.ts';
import { walkThroughCertificates } from './scenario.certificates.ts';
import { walkThroughClaims } from './scenario.claims.ts';
import { walkThroughCommands } from './scenario.commands.ts';
import { walkThroughDashboards } from './scenario.dashboards.ts';
import { walkThroughDdi } from './scenario.ddi.ts';
import { walkThroughFirmware } from './scenario.firmware.ts';
import { walkThroughConfigurations } from './scenario.twin.ts';

type Walk = (call: Call, people: People, system: RunningSystem) => Promise<void>;

/** The parts of the walk that go from the server to a device, and what people look at them with. */
export const LIFECYCLE: readonly (readonly [name: string, walk: Walk])[] = [
  ['a device registers itself by a claim', walkThroughClaims],
  ['a device is told what to do, and answers', walkThroughCommands],
  ['a device is configured', walkThroughConfigurations],
  ['a firmware is uploaded, signed and linked', walkThroughFirmware],
  ['a firmware is rolled out', walkThroughCampaigns],
  ['a client of hawkBit is served', walkThroughDdi],
  ['a dashboard is made, shared and deleted', walkThroughDashboards],
  ['an authority is registered, and its certificates end', walkThroughCertificates],
];
