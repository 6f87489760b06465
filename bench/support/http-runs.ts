import type { HttpLoad, HttpLoadResult } from '../load/http-load.ts';
import { runChild } from './child.ts';

const GENERATOR = new URL('../load/http-load.ts', import.meta.url);

export function runHttp(load: HttpLoad): Promise<HttpLoadResult> {
  return runChild<HttpLoadResult>(GENERATOR, load);
}
