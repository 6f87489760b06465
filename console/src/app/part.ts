import { setReachable } from '#console/api/reachable.ts';
import { BASE } from './base.ts';

const ASK_MS = 2_000;
/** The router reloads the page, once, for a module that fails with a message that begins like this. */
const GONE = 'Failed to fetch dynamically imported module';

async function answers(): Promise<boolean> {
  const isThere = await fetch(`${BASE}/livez`).then(
    ({ ok }) => ok,
    () => false,
  );
  setReachable(isThere);
  return isThere;
}

/**
 * Loads a part of the console. While the server is away it waits: a page that is loaded anew then is lost. A part that a
 * server which answers does not have is of an earlier build, and the page is loaded anew.
 */
export async function part<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch {
    while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
  return await load().catch((cause: Error) => {
    throw new Error(`${GONE}: ${cause.message}`, { cause });
  });
}
