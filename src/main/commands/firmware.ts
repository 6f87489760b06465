import { createHash, generateKeyPairSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { toIso } from '#kernel/clock.ts';
import { parseInstant } from '#kernel/instant.ts';
import { isSignedBy, type Manifest, publicKeyOf, readPublicKey, signManifest } from '#modules/firmware/index.ts';
import { type Command, print, UsageError } from './command.ts';

const OPTIONS = {
  key: { type: 'string' },
  out: { type: 'string' },
  'device-type': { type: 'string' },
  version: { type: 'string' },
  sequence: { type: 'string' },
  'not-after': { type: 'string' },
  'public-key': { type: 'string' },
  signature: { type: 'string' },
} as const;

type Values = { readonly [K in keyof typeof OPTIONS]?: string };

export const firmware: Command = {
  usage: 'keygen --out <file> | sign --key <file> … <image> | verify --public-key <key> --signature <text> … <image>',
  summary: [
    'Signs firmware on a machine that is not the server, and needs none: the private key never leaves it.',
    '      keygen makes an Ed25519 key; register its public half with POST /api/v1/firmware-keys.',
    '      sign and verify take --device-type, --version, --sequence and, if wanted, --not-after <RFC 3339>.',
    '      sign prints what POST /api/v1/firmware takes in its query.',
  ].join('\n'),
  async run(args) {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    const [action, image, ...others] = positionals;
    if (others.length > 0) throw new UsageError('Name one image.');
    if (action === 'keygen') return await keygen(values);
    if (image === undefined) throw new UsageError('Say keygen, sign or verify, and for the latter two which image.');
    if (action === 'sign') return await signImage(values, image);
    if (action === 'verify') return await verifyImage(values, image);
    throw new UsageError('Say keygen, sign or verify.');
  },
};

async function keygen(values: Values): Promise<void> {
  const out = needed(values, 'out');
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
  await writeFile(out, pem, { flag: 'wx', mode: 0o600 });
  const { keyId, publicKey } = publicKeyOf(pem);
  print(
    `The private key is in ${out}: keep it, and show it to nobody.`,
    `key_id      ${keyId}`,
    `public_key  ${publicKey}`,
  );
}

async function signImage(values: Values, image: string): Promise<void> {
  const pem = await readFile(needed(values, 'key'));
  const manifest = await manifestOf(values, image);
  const query = { ...manifest, signature: signManifest(manifest, pem), key_id: publicKeyOf(pem).keyId };
  print(JSON.stringify(query, null, 2));
}

async function verifyImage(values: Values, image: string): Promise<void> {
  const key = readPublicKey(needed(values, 'public-key'));
  const manifest = await manifestOf(values, image);
  if (!isSignedBy(manifest, needed(values, 'signature'), key)) {
    throw new UsageError('The signature does not fit this image, these fields and this key.');
  }
  print(`The signature is that of key ${key.keyId}.`);
}

async function manifestOf(values: Values, image: string): Promise<Manifest> {
  const sequence = Number(needed(values, 'sequence'));
  if (!Number.isInteger(sequence) || sequence < 1) throw new UsageError('--sequence is a whole number above 0.');
  const { 'not-after': given } = values;
  const notAfter = given === undefined ? undefined : parseInstant(given);
  if (notAfter === null) throw new UsageError('--not-after is a time as of RFC 3339, such as 2027-01-01T00:00:00Z.');
  const hash = createHash('sha256');
  for await (const part of createReadStream(image)) hash.update(part as Buffer);
  return {
    device_type: needed(values, 'device-type'),
    version: needed(values, 'version'),
    sequence,
    size: (await stat(image)).size,
    sha256: hash.digest('hex'),
    ...(notAfter === undefined ? {} : { not_after: toIso(notAfter) }),
  };
}

function needed(values: Values, name: keyof typeof OPTIONS): string {
  const value = values[name];
  if (value === undefined) throw new UsageError(`--${name} is missing.`);
  return value;
}
