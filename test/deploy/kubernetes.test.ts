import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SETTINGS } from '#main/settings.ts';
import { VERSION } from '#main/version.ts';
import { createSigningKeys } from '#modules/auth/signing-keys.ts';
import { temporaryFolder } from '#test/support/folders.ts';
import { at, complaints, filesIn, type Mapping, mappings, readManifests, schemaOf, settingProblems } from './files.ts';

const folder = 'deploy/kubernetes';
const yamlFiles = filesIn(folder).filter((path) => path.endsWith('.yaml'));
const kustomizations = yamlFiles.filter((path) => basename(path) === 'kustomization.yaml');
const objects = yamlFiles
  .filter((path) => !kustomizations.includes(path))
  .flatMap((path) => readManifests(path).map((object) => ({ path, object })));
const kindOf = (object: Mapping) => `${object['apiVersion']}/${object['kind']}`;
const nameOf = (object: Mapping) => String(at(object, 'metadata', 'name'));
const ofKind = (...kinds: readonly string[]) =>
  objects.map(({ object }) => object).filter((object) => kinds.includes(String(object['kind'])));

const workloads = ofKind('Deployment', 'StatefulSet');
const podOf = (object: Mapping) => at(object, 'spec', 'template', 'spec');
const containerOf = (object: Mapping) => mappings(at(podOf(object), 'containers'))[0];
const named = (object: Mapping) => [nameOf(object), object] as const;

const validators = new Map(
  [...new Set(objects.map(({ object }) => kindOf(object)))].map((kind) => [
    kind,
    schemaOf('kubernetes.json', `/kinds/${kind.replaceAll('/', '~1')}`),
  ]),
);
const problemsOf = (object: Mapping) => {
  const validate = validators.get(kindOf(object));
  return validate === undefined ? [`no schema of ${kindOf(object)}`] : complaints(validate, object);
};

describe('manifests', () => {
  test.each(objects.map(({ path, object }) => [`${path} ${kindOf(object)} ${nameOf(object)}`, object] as const))(
    '%s is what Kubernetes asks for',
    (_name, object) => {
      expect(problemsOf(object)).toEqual([]);
      expect(object).not.toHaveProperty('metadata.namespace');
    },
  );

  test('are refused by the schema with a misspelt field, a wrong type or one missing', () => {
    const [deployment] = ofKind('Deployment');
    const spec = at(deployment, 'spec') as Mapping;
    expect(problemsOf({ ...deployment, spec: { ...spec, replcas: 2 } })).toEqual([expect.stringContaining('replcas')]);
    expect(problemsOf({ ...deployment, spec: { ...spec, replicas: '2' } })).not.toEqual([]);
    expect(problemsOf({ ...deployment, spec: { template: spec['template'] } })).not.toEqual([]);
  });

  test('are all in a kustomization, but for the examples', () => {
    const listed = kustomizations.flatMap((path) =>
      readManifests(path).flatMap((each) =>
        (each['resources'] as readonly string[]).map((file) => join(dirname(path), file)),
      ),
    );
    const examples = yamlFiles.filter((path) => path.endsWith('.example.yaml'));
    expect([...listed, ...examples, ...kustomizations].sort()).toEqual([...yamlFiles]);
  });

  test('have names of their own', () => {
    const names = objects.map(({ object }) => `${kindOf(object)} ${nameOf(object)}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('run this version', () => {
    const images = [...workloads, ...ofKind('Job')].map((object) => containerOf(object)?.['image']);
    expect(new Set(images)).toEqual(new Set([`core-api:${VERSION}`]));
    const tags = kustomizations.flatMap((path) => readManifests(path).map((each) => at(each, 'images', 0, 'newTag')));
    expect(tags).toEqual(kustomizations.map(() => VERSION));
  });
});

describe('settings', () => {
  const [configMap] = ofKind('ConfigMap');
  const data = at(configMap, 'data') as Mapping;

  test('of the ConfigMap exist and are accepted', () => {
    expect(settingProblems(data)).toEqual([]);
    const secret = Object.keys(data).filter((name) => /^(DATABASE|DOCUMENTS|REDIS|MQTT)_URL$/.test(name));
    expect(secret).toEqual([]);
  });

  test('of the Secret exist, and its template works nowhere', () => {
    const template = ofKind('Secret').find((object) => nameOf(object) === 'core-api');
    const values = at(template, 'stringData') as Mapping;
    expect(Object.keys(values).filter((name) => !(name in SETTINGS))).toEqual([]);
    expect(settingProblems(values)).toHaveLength(Object.keys(values).length);
  });

  test('of the containers exist, with every role in one workload', () => {
    const roles = workloads.map((object) => {
      const variables = mappings(containerOf(object)?.['env']);
      const environment = Object.fromEntries(variables.map(({ name, value }) => [String(name), value]));
      expect(settingProblems(environment)).toEqual([]);
      return environment['ROLES'];
    });
    expect(roles.sort()).toEqual(['api', 'ingest', 'scheduler', 'worker']);
  });
});

describe.each(workloads.map(named))('%s', (_name, object) => {
  const pod = podOf(object);
  const container = containerOf(object);

  test('selects its own pods', () => {
    expect(at(object, 'spec', 'selector', 'matchLabels')).toEqual(at(object, 'spec', 'template', 'metadata', 'labels'));
  });

  test('is probed on the port that it listens on', () => {
    expect(container?.['ports']).toEqual([{ name: 'http', containerPort: SETTINGS.HTTP_PORT.default }]);
    const path = (probe: string) => at(container, probe, 'httpGet', 'path');
    expect(['startupProbe', 'livenessProbe', 'readinessProbe'].map(path)).toEqual(['/livez', '/livez', '/readyz']);
    // A start may take 60 s, and each part has 2 s to answer the readiness probe.
    const seconds = Number(at(container, 'startupProbe', 'periodSeconds'));
    expect(seconds * Number(at(container, 'startupProbe', 'failureThreshold'))).toBeGreaterThan(60);
    expect(at(container, 'readinessProbe', 'timeoutSeconds')).toBeGreaterThan(2);
  });

  test('has time to stop in order', () => {
    const before = Number(at(container, 'lifecycle', 'preStop', 'sleep', 'seconds'));
    expect(Number(at(pod, 'terminationGracePeriodSeconds'))).toBeGreaterThan(10 + before);
  });

  test('replaces its pods one after the other', () => {
    const update = at(object, 'spec', 'strategy') ?? at(object, 'spec', 'updateStrategy');
    expect(update).toMatchObject({ type: 'RollingUpdate' });
  });

  test('reads the signing keys from the Secret, as its group', () => {
    const mount = mappings(container?.['volumeMounts']).find(({ name }) => name === 'keys');
    expect(mount).toMatchObject({ mountPath: '/data/keys', readOnly: true });
    const volume = mappings(at(pod, 'volumes')).find(({ name }) => name === 'keys');
    expect(volume).toMatchObject({ secret: { secretName: 'core-api-keys', defaultMode: 0o440 } });
    expect(at(pod, 'securityContext', 'fsGroup')).toBe(1000);
  });
});

describe.each([...workloads, ...ofKind('Job')].map(named))('%s', (_name, object) => {
  test('has no more rights than it needs', () => {
    expect(podOf(object)).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(containerOf(object)?.['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('says what it needs', () => {
    expect(containerOf(object)?.['resources']).toEqual({
      requests: { cpu: expect.any(String), memory: expect.any(String) },
      limits: { memory: expect.any(String) },
    });
  });
});

describe('network policies', () => {
  const policies = ofKind('NetworkPolicy');
  const labelsOf = (object: Mapping) => at(object, 'spec', 'template', 'metadata', 'labels') as Mapping;
  const selects = (policy: Mapping, labels: Mapping) => {
    const wanted = Object.entries((at(policy, 'spec', 'podSelector', 'matchLabels') ?? {}) as Mapping);
    const expressions = mappings(at(policy, 'spec', 'podSelector', 'matchExpressions'));
    return (
      wanted.every(([name, value]) => labels[name] === value) &&
      expressions.every(({ key, values }) => (values as readonly unknown[]).includes(labels[String(key)]))
    );
  };
  const policiesOf = (object: Mapping) => policies.filter((policy) => selects(policy, labelsOf(object)));
  const portsOf = (policies: readonly Mapping[], direction: string) =>
    policies.flatMap((policy) => mappings(at(policy, 'spec', direction)).flatMap(({ ports }) => mappings(ports)));

  test('bound every pod in both directions', () => {
    for (const object of [...workloads, ...ofKind('Job')]) {
      const types = policiesOf(object).flatMap((policy) => at(policy, 'spec', 'policyTypes') as readonly string[]);
      expect(new Set(types), nameOf(object)).toEqual(new Set(['Ingress', 'Egress']));
    }
  });

  test('let nobody in from everywhere, and the ingress controller only where there is a Service', () => {
    const rules = policies.flatMap((policy) => mappings(at(policy, 'spec', 'ingress')));
    expect(rules.filter(({ from }) => mappings(from).length === 0)).toEqual([]);
    const served = workloads.filter((object) => policiesOf(object).length > 1).map(nameOf);
    expect(served.sort()).toEqual(ofKind('Service').map(nameOf).sort());
  });

  test('let the pods reach names, stores and mail', () => {
    const [deployment] = workloads;
    const open = portsOf(policiesOf(deployment ?? {}), 'egress').map(({ port }) => port);
    expect(open).toEqual(expect.arrayContaining([53, 3306, 27017, 6379, 1882, 443, 587]));
  });

  test('name ports that the pods have', () => {
    const named = portsOf(policies, 'ingress').map(({ port }) => port);
    expect(named.filter((port) => port !== 'http' && port !== 9464)).toEqual([]);
  });
});

test('the migration is a Job of its own', () => {
  const [job] = ofKind('Job');
  expect(containerOf(job ?? {})?.['args']).toEqual(['src/main/cli.ts', 'migrate']);
});

describe('scaling and budgets', () => {
  const scalers = ofKind('HorizontalPodAutoscaler');
  const target = (scaler: Mapping) =>
    workloads.find(
      (object) =>
        object['kind'] === at(scaler, 'spec', 'scaleTargetRef', 'kind') &&
        nameOf(object) === at(scaler, 'spec', 'scaleTargetRef', 'name'),
    );

  test('api and ingest scale by CPU, and their manifests do not say how many', () => {
    expect(scalers.map((scaler) => nameOf(target(scaler) ?? {})).sort()).toEqual(['core-api-api', 'core-api-ingest']);
    for (const scaler of scalers) expect(target(scaler)).not.toHaveProperty('spec.replicas');
  });

  test.each(ofKind('PodDisruptionBudget', 'Service').map((object) => [`${object['kind']} ${nameOf(object)}`, object]))(
    '%s selects the pods of one workload',
    (_name, object) => {
      const selector = at(object, 'spec', 'selector', 'matchLabels') ?? at(object, 'spec', 'selector');
      const selected = workloads.filter(
        (each) => JSON.stringify(at(each, 'spec', 'selector', 'matchLabels')) === JSON.stringify(selector),
      );
      expect(selected).toHaveLength(1);
    },
  );

  test('everything of which there are several has a budget', () => {
    const budgets = ofKind('PodDisruptionBudget').map(nameOf);
    expect(budgets.sort()).toEqual(['core-api-api', 'core-api-ingest', 'core-api-worker']);
  });
});

test('the server reads its keys from a Secret volume and writes nothing there', async () => {
  const { path, remove } = temporaryFolder();
  onTestFinished(remove);
  // As the kubelet lays it out: files are links through `..data` into a folder with a date.
  mkdirSync(join(path, '..2026_01_01'));
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(path, '..2026_01_01/ed25519-0001.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
  symlinkSync('..2026_01_01', join(path, '..data'));
  symlinkSync('..data/ed25519-0001.pem', join(path, 'ed25519-0001.pem'));
  const before = readdirSync(path, { recursive: true }).sort();

  const keys = createSigningKeys({ folder: path });
  await keys.start?.(AbortSignal.timeout(5_000));

  expect(keys.all()).toHaveLength(1);
  expect(readdirSync(path, { recursive: true }).sort()).toEqual(before);
});
