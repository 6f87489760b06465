import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';
import { freePort, type ServerProcess, startServer } from '../support/server-process.ts';
import { missingPrograms } from '../support/servers/private-process.ts';
import { leaveOut } from '../support/servers.ts';
import { openShell, type ShellSession } from '../support/shell-session.ts';

const ROOT = join(import.meta.dirname, '../..');

/** One command of a document, with the lines that the document shows as its output (`# {…}`). */
interface Step {
  readonly command: string;
  readonly shown: readonly string[];
}

/** The `sh` blocks below a heading, or of the whole document. */
function blocksOf(file: string, heading?: string): readonly string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const section =
    heading === undefined ? text : text.split(/^(?=## )/m).find((part) => part.startsWith(`## ${heading}\n`));
  if (section === undefined) throw new Error(`${file} has no section ${heading}`);
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  // What a package registry has to be asked for is tested where it is installed beforehand (test/examples).
  return blocks.filter((block) => !block.includes('pip install'));
}

/** Splits a block where a command ends: not in a here-document, an open quote, or before an indented line. */
function stepsOf(block: string): readonly Step[] {
  const steps: { command: string; shown: string[] }[] = [];
  let open: string | undefined;
  for (const line of block.split('\n')) {
    const last = steps.at(-1);
    const isOpen = open !== undefined;
    if (open !== undefined && last !== undefined) {
      last.command += `\n${line}`;
      if (open === "'" ? line.includes("'") : line === open) open = undefined;
    } else if (/^# [{[]/.test(line)) last?.shown.push(line.slice(2));
    else if (/^\s/.test(line) && last !== undefined) last.command += `\n${line}`;
    else if (line !== '' && !line.startsWith('#')) steps.push({ command: line, shown: [] });
    if (isOpen) continue;
    const marker = /<<'?(\w+)'?/.exec(line)?.[1];
    if (marker !== undefined) open = marker;
    else if ((line.match(/'/g)?.length ?? 0) % 2 === 1) open = "'";
  }
  return steps;
}

/** `…` stands for anything. */
const shownPattern = (line: string) =>
  new RegExp(
    line
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  );

const missing = await missingPrograms(['bash', 'curl', 'jq', 'openssl', 'mosquitto_sub']);

if (missing.length > 0) {
  leaveOut('documents, walked through', missing, `${missing.join(', ')} not here: npm run services:install`);
} else {
  describe('every command of the documents does what they say', () => {
    const folder = temporaryFolder();
    let server: ServerProcess;
    let shell: ShellSession;

    beforeAll(async () => {
      const settings = {
        DATA_DIR: folder.path,
        HTTP_PORT: String(await freePort()),
        MQTT_PORT: String(await freePort()),
      };
      server = await startServer(settings);
      shell = openShell({ ...settings, API_URL: `${server.httpUrl}/api/v1` });
    });
    afterAll(async () => {
      shell?.close();
      await server?.end('SIGKILL');
      folder.remove();
    });

    const onThisServer = (command: string) =>
      command
        .replaceAll('/tmp/', `${folder.path}/`)
        .replaceAll('127.0.0.1:8000', new URL(server.httpUrl).host)
        .replaceAll(/-p 1883\b/g, `-p ${server.mqttPort}`);

    async function follow(step: Step): Promise<void> {
      const command = onThisServer(step.command);
      let printed = await shell.run(command);
      const isRead = /^curl /.test(command) && !/ -(d|X|F) | --data/.test(command);
      // What a reader looks at again a moment later, on a machine that is busy.
      for (const line of step.shown) {
        await expect
          .poll(async () => {
            if (isRead && !shownPattern(line).test(printed)) printed = await shell.run(command);
            return printed;
          })
          .toMatch(shownPattern(line));
      }
    }

    const documents = [
      { file: 'README.md', heading: 'The first stored message' },
      { file: 'README.md', heading: 'From the server to the device' },
      { file: 'docs/commands.md' },
      { file: 'docs/configuration.md' },
      { file: 'docs/firmware.md' },
      { file: 'docs/provisioning.md', heading: 'By a claim' },
    ];
    for (const { file, heading } of documents) {
      test(heading === undefined ? file : `${file}: ${heading}`, async () => {
        const steps = blocksOf(file, heading).flatMap(stepsOf);
        expect(steps.length).toBeGreaterThan(0);
        for (const step of steps) await follow(step);
      });
    }
  });
}
