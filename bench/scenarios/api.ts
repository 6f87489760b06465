import type { HttpLoad, HttpLoadResult, HttpRequest } from '../load/http-load.ts';
import { logIn, registerDevices } from '../support/api.ts';
import { startChild } from '../support/child.ts';
import { runHttp } from '../support/http-runs.ts';
import { cpuSeconds } from '../support/linux.ts';
import { figure, progress, readable } from '../support/report.ts';
import { defineScenario } from '../support/scenario.ts';
import { ratios } from '../support/spread.ts';
import { createDataFolder, startSystem } from '../support/system.ts';
import type { YardstickReady } from '../yardsticks/aedes.ts';
import type { AnsweredPage } from '../yardsticks/fastify.ts';

const YARDSTICK = new URL('../yardsticks/fastify.ts', import.meta.url);
const PATH = '/api/v1/devices?size=20';

interface Run extends HttpLoadResult {
  readonly cpuMicroseconds: number;
}

export const api = defineScenario({
  summary: 'GET /devices?size=20 with a token, against a bare route that serialises the same page; beside logins',
  options: {
    devices: { default: 1000, help: 'registered' },
    connections: { default: 32, help: 'keep-alive, one request at a time each' },
    requests: { default: 200, help: 'a second, for the latency beside logins' },
    logins: { default: 4, help: 'connections that log in without a pause meanwhile' },
    seconds: { default: 6, help: 'measured a round' },
    warmup: { default: 2, help: 'seconds before that which count for nothing' },
    rounds: { default: 3, help: 'of yardstick and system in turn' },
  },
  async run({ devices, connections, requests, logins, seconds, warmup, rounds }) {
    using folder = await createDataFolder();
    await using system = await startSystem(folder);
    const client = await logIn(system, folder);
    await registerDevices(client, devices);
    await using yardstick = await startChild<YardstickReady>(YARDSTICK, await client.get<AnsweredPage>(PATH));

    const targets = {
      yardstick: { pid: yardstick.pid, port: yardstick.reply.port },
      system: { pid: system.pid, port: system.httpPort },
    };
    const pages = await Promise.all(
      Object.values(targets).map(({ port }) => bodyOf(`http://127.0.0.1:${port}${PATH}`, client.token)),
    );

    const phase = { warmupSeconds: warmup, seconds };
    const request: HttpRequest = { method: 'GET', path: PATH, token: client.token };
    const flood = { ...phase, connections, request, expectStatus: 200, rate: null };
    const full: Record<keyof typeof targets, Run[]> = { yardstick: [], system: [] };
    // Both reach their pace only after some ten thousand requests: round 0 is for the compiler and not counted.
    for (let round = 0; round <= rounds; round += 1) {
      for (const target of ['yardstick', 'system'] as const) {
        const { pid, port } = targets[target];
        const before = cpuSeconds(pid);
        const result = await runHttp({ ...flood, port });
        const answered = result.rate * (seconds + warmup);
        const run = { ...result, cpuMicroseconds: ((cpuSeconds(pid) - before) * 1e6) / answered };
        if (round > 0) full[target].push(run);
        progress(
          `round ${round}, ${target}: ${readable(run.rate)}/s, p99 ${readable(run.latency.p99)} ms, ` +
            `${readable(run.cpuMicroseconds)} µs CPU a request, generator ${readable(run.generatorCores)} cores`,
        );
      }
    }

    const paced: HttpLoad = { ...flood, port: system.httpPort, rate: requests };
    const login: HttpLoad = {
      ...paced,
      rate: null,
      connections: logins,
      request: { method: 'POST', path: '/api/v1/auth/login', body: { email: folder.email, password: folder.password } },
    };
    const quiet: HttpLoadResult[] = [];
    const beside: HttpLoadResult[] = [];
    const loggedIn: HttpLoadResult[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      quiet.push(await runHttp(paced));
      const [requestsBeside, loginsBeside] = await Promise.all([runHttp(paced), runHttp(login)]);
      beside.push(requestsBeside);
      loggedIn.push(loginsBeside);
      progress(
        `round ${round}: p99 quiet ${readable(quiet.at(-1)?.latency.p99 ?? 0)} ms, ` +
          `beside ${readable(loginsBeside.rate)} logins/s ${readable(requestsBeside.latency.p99)} ms`,
      );
    }

    const rates = (of: readonly HttpLoadResult[]) => of.map((run) => run.rate);
    const p99s = (of: readonly HttpLoadResult[]) => of.map((run) => run.latency.p99);
    const costs = (of: readonly Run[]) => of.map((run) => run.cpuMicroseconds);
    return {
      figures: [
        figure('yardstick', 'requests/s', rates(full.yardstick)),
        figure('system', 'requests/s', rates(full.system)),
        figure('ratio', '', ratios(rates(full.system), rates(full.yardstick)), { atLeast: 0.35 }),
        figure('yardstick, CPU', 'µs/request', costs(full.yardstick)),
        figure('system, CPU', 'µs/request', costs(full.system)),
        figure(
          'generator at the yardstick',
          'cores',
          full.yardstick.map((run) => run.generatorCores),
        ),
        figure(`p99 at ${requests}/s, quiet`, 'ms', p99s(quiet)),
        figure(`p99 at ${requests}/s, with logins`, 'ms', p99s(beside)),
        figure('logins meanwhile', 'logins/s', rates(loggedIn)),
      ],
      proofs: [
        {
          claim: `yardstick and system answer the same ${pages[0]?.length ?? 0} bytes`,
          holds: pages[0] === pages[1] && (pages[0]?.length ?? 0) > 0,
        },
      ],
    };
  },
});

async function bodyOf(url: string, token: string): Promise<string> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  return response.text();
}
