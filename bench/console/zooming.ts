import type { Page } from 'playwright-core';
import { type Gesture, gesture, openBrowser, signIn } from '../support/browser.ts';
import { type Figure, figure, type Proof, progress, readable } from '../support/report.ts';
import type { Scene } from './history.ts';

/** Each step keeps this part of what was shown. */
const KEPT = 0.3;
/** Down to this, one looks at single samples. */
const SHORTEST_MS = 60_000;

/** From all points to single samples by dragging, and back to all by a double click; each way at another place. */
export async function zooming(
  { system, folder, history }: Scene,
  rounds: number,
): Promise<{ readonly figures: readonly Figure[]; readonly proofs: readonly Proof[] }> {
  const { device, metric, from, to } = history.explored;
  await using opened = await openBrowser();
  const { page } = opened;
  const path = `explore?devices=${device.id}&metrics=${metric}&start=${from}&end=${to}`;
  await page.goto(`http://127.0.0.1:${system.httpPort}/admin/${path}`);
  await signIn(page, folder.email, folder.password);
  await page.locator('.u-over').waitFor();
  await page.waitForLoadState('networkidle');

  const ways: Gesture[][] = [];
  const backs: Gesture[] = [];
  const spans: number[] = [];
  // The first way warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const steps: Gesture[] = [];
    let span = to - from;
    while (span > SHORTEST_MS) {
      const at = 0.1 + 0.6 * ((round * 0.37 + steps.length * 0.29) % 1);
      steps.push(await gesture(page, 'mouseup', () => drag(page, at, at + KEPT)));
      span = await spanIn(page);
      if (round === 0) spans.push(span);
    }
    const back = await gesture(page, 'dblclick', () => page.locator('.u-over').dblclick());
    progress(
      `way ${round}: ${steps.map(({ ms, firstMs, serverMs, requests }) => `${Math.round(ms)} (${Math.round(firstMs)}, ${Math.round(serverMs)}/${requests})`).join(', ')}; back ${readable(back.ms)} ms`,
    );
    if (round === 0) continue;
    ways.push(steps);
    backs.push(back);
  }
  const slowest = (of: (step: Gesture) => number) => ways.map((steps) => Math.max(...steps.map(of)));
  return {
    figures: [
      figure(
        'zoom: a step, drawn in full, the slowest of each way',
        'ms',
        slowest(({ ms }) => ms),
        { below: 300 },
      ),
      figure(
        'zoom: a step, first drawn, the slowest of each way',
        'ms',
        slowest(({ firstMs }) => firstMs),
      ),
      figure(
        'zoom: waiting for the server, the longest of each way',
        'ms',
        slowest(({ serverMs }) => serverMs),
      ),
      figure(
        'zoom: back to all points',
        'ms',
        backs.map(({ ms }) => ms),
        { below: 300 },
      ),
    ],
    proofs: [
      {
        claim: `${spans.length} steps lead from ${readable((to - from) / 86_400_000)} days to ${readable((spans.at(-1) ?? 0) / 1_000)} s`,
        holds: spans.every((span, index) => Math.abs(span / (spans[index - 1] ?? to - from) / KEPT - 1) < 0.05),
      },
    ],
  };
}

/** Over the chart, from one part of its width to another. */
async function drag(page: Page, from: number, to: number): Promise<void> {
  const box = await page.locator('.u-over').boundingBox();
  if (box === null) throw new Error('there is no chart');
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, y, { steps: 4 });
  await page.mouse.up();
}

/** What is shown, as the address says. */
async function spanIn(page: Page): Promise<number> {
  const { searchParams } = new URL(page.url());
  return Number(searchParams.get('to')) - Number(searchParams.get('from'));
}
