import { globSync } from 'node:fs';
import { join } from 'node:path';
import { pythonPackages, ROOT, run } from './tools.ts';

/** Kustomize's own files are no objects of Kubernetes. */
const isManifest = (path: string) => !path.endsWith('kustomization.yaml');

export async function kubernetes(): Promise<string> {
  const bin = await pythonPackages('kubernetes-validate==1.37.0');
  const files = globSync('deploy/kubernetes/**/*.yaml', { cwd: ROOT }).filter(isManifest).sort();
  if (files.length === 0) throw new Error('deploy/kubernetes has no manifests');
  await run(join(bin, 'kubernetes-validate'), ['--strict', '--quiet', ...files], { cwd: ROOT });
  return `${files.length} files`;
}
