import { StartError } from '../start-error.ts';
import { type Command, print } from './command.ts';
import { type Check, type Finding, wrong } from './doctor/finding.ts';
import { outsideChecks } from './doctor/outside.ts';
import { peopleChecks } from './doctor/people.ts';
import { signInChecks } from './doctor/sign-in.ts';
import {
  checkDisk,
  checkExposure,
  checkFolder,
  checkHttp,
  checkMqttPort,
  checkRuntime,
  checkSettings,
} from './doctor/surroundings.ts';

/** Looks at settings and surroundings the way the server will need them, and says what to do about what is wrong. */
export const doctor: Command = {
  usage: '',
  summary:
    'Checks runtime, settings, data folder, disk, ports, schema, and every server outside; exit code 1 if something is wrong. Changes nothing.',
  async run(_args, settings) {
    const hasBroker = settings.ROLES.includes('ingest') && settings.MQTT_URL === null;
    const checks: readonly Check[] = [
      ['runtime', checkRuntime],
      ['settings', () => checkSettings(settings)],
      ['exposure', () => checkExposure(settings)],
      ['data folder', () => checkFolder(settings)],
      ['disk', () => checkDisk(settings)],
      ...outsideChecks(settings),
      ...peopleChecks(settings),
      ...signInChecks(settings),
      ['HTTP', () => checkHttp(settings)],
      ...(hasBroker ? [['MQTT', () => checkMqttPort(settings)] as const] : []),
    ];
    let failed = 0;
    for (const [name, look] of checks) {
      let finding: Finding;
      try {
        finding = await look();
      } catch (error) {
        finding = wrong((error as Error).message);
      }
      if (finding.state === 'FAIL') failed += 1;
      print(`${finding.state.padEnd(4)}  ${name.padEnd(12)} ${finding.detail}`);
    }
    if (failed > 0) throw new StartError(`${failed} of ${checks.length} checks failed.`);
  },
};
