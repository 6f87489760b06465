import type { Readable } from 'node:stream';
import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import {
  FileAnswers,
  Id,
  Instant,
  Nullable,
  PageOf,
  pageQuery,
  SeveralOf,
  Strict,
  searchQuery,
  sortQuery,
} from '#platform/http/http.schemas.ts';
import { firmwareErrors } from './firmware.errors.ts';
import { IMAGE_TYPE } from './firmware.image.ts';
import {
  FIRMWARE_SORT_FIELDS,
  type Firmware,
  type FirmwareFilter,
  type FirmwareKey,
  type FirmwareUpload,
} from './firmware.ports.ts';

const NAME = '^[A-Za-z0-9][A-Za-z0-9 _.:+-]{0,63}$';
const NAME_IN_WORDS = '1 to 64 letters, digits, spaces and `_.:+-`, a letter or digit first';

const deviceType = Type.String({
  maxLength: 64,
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
  'x-accepts': 'text with something visible in it, in one line and without control characters',
  description: 'Kind of device that it is for, as devices say it',
  examples: ['temperature-sensor'],
});
const version = Type.String({
  pattern: NAME,
  'x-accepts': NAME_IN_WORDS,
  description: 'What the device will report as its `firmware_version`',
  examples: ['1.5.0'],
});
const sequence = Type.Integer({
  minimum: 1,
  maximum: 2_147_483_647,
  description: 'Rises with each image of a device type; a device installs none below what it has',
  examples: [12],
});
const signature = Type.String({
  pattern: '^[A-Za-z0-9+/]{86}==$',
  'x-accepts': 'an Ed25519 signature in base64',
  description: 'Of the manifest in canonical JSON (RFC 8785), Ed25519, base64',
  examples: [`${'A'.repeat(86)}==`],
});
const keyId = Type.String({
  pattern: '^[0-9a-f]{16}$',
  'x-accepts': '16 hexadecimal digits',
  description: 'Id of the key: the first 16 hexadecimal digits of the SHA-256 of the raw public key',
  examples: ['5f1d7a0b9c3e4d2f'],
});
const hash = (name: string, digits: number) =>
  Type.String({ description: `${name} of the image`, examples: ['0'.repeat(digits)] });

export const UploadQuery = Strict({
  device_type: deviceType,
  version,
  notes: Type.Optional(Type.String({ maxLength: 4_000, description: 'For people', examples: ['Fixes the valve'] })),
  sequence: Type.Optional(sequence),
  signature: Type.Optional(signature),
  key_id: Type.Optional(keyId),
  not_after: Type.Optional({ ...Instant, description: 'Not to be installed after that' }),
});

export const FirmwareView = Strict('Firmware', {
  id: { ...Id, examples: [4] },
  device_type: deviceType,
  version,
  sequence,
  size: Type.Integer({ description: 'Bytes', examples: [1_048_576] }),
  sha256: hash('SHA-256', 64),
  sha1: hash('SHA-1', 40),
  md5: hash('MD5', 32),
  notes: Nullable(Type.String({ description: 'For people', examples: ['Fixes the valve'] })),
  signature,
  key_id: keyId,
  not_after: Nullable({ ...Instant, description: 'Not to be installed after that; null: for ever' }),
  created_by: Nullable({ ...Id, description: 'User who uploaded it', examples: [12] }),
  created_at: Instant,
});
export const FirmwarePage = PageOf(FirmwareView);

export const FirmwareParams = Strict({ firmware_id: { ...Id, description: 'Id of the firmware', examples: [4] } });
export const FirmwareQuery = Strict({
  ...pageQuery,
  ...sortQuery(FIRMWARE_SORT_FIELDS),
  ...searchQuery,
  device_type: SeveralOf(deviceType),
  version: SeveralOf(version),
});
export const FIRMWARE_SORT_HELP = `Newest first unless sorted by ${FIRMWARE_SORT_FIELDS.join(', ')}. \`q\` looks into device type, version and notes.`;

const MAX_LINK_SECONDS = 30 * 86_400;
export const LinkBody = Strict('NewFirmwareLink', {
  expires_in_seconds: Type.Integer({
    minimum: 60,
    maximum: MAX_LINK_SECONDS,
    description: 'After that it is of no use',
    examples: [86_400],
  }),
});
export const LinkView = Strict('FirmwareLink', {
  url: Type.String({
    description: 'Whoever has it gets the image, without credentials',
    examples: ['http://127.0.0.1:8000/api/v1/firmware/4/download?expires=1795374000&signature=…'],
  }),
  expires_at: Instant,
});
export const LinkQuery = Strict({
  expires: Type.Integer({
    minimum: 0,
    maximum: 99_999_999_999,
    description: 'Epoch seconds',
    examples: [1_795_374_000],
  }),
  signature: Type.String({ maxLength: 128, description: 'Of the link', examples: ['0'.repeat(64)] }),
});

const image = Type.String({
  format: 'binary',
  description: 'The image, or the part of it that was asked for',
});

export const UploadBody = {
  content: {
    [IMAGE_TYPE]: { schema: Type.Unsafe<Readable>({ ...image, description: 'The image', examples: ['(bytes)'] }) },
    'multipart/form-data': {
      schema: Type.Unsafe<Readable>({ ...image, description: 'A form with one file', examples: ['(a form)'] }),
    },
  },
};

export const ImageAnswers = FileAnswers(IMAGE_TYPE, 'The image');

const keyName = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'For people',
  examples: ['Release key 2026'],
});
export const KeyBody = Strict('NewFirmwareKey', {
  name: keyName,
  public_key: Type.String({
    minLength: 1,
    maxLength: 1_000,
    description: 'Ed25519, as PEM or as 32 bytes in base64',
    examples: ['11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='],
  }),
});
const KeyView = Strict('FirmwareKey', {
  key_id: keyId,
  public_key: Type.String({
    description: 'Ed25519, 32 bytes in base64',
    examples: ['11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='],
  }),
  name: keyName,
  created_by: Nullable({ ...Id, description: 'User who registered it; null: the installation’s own', examples: [12] }),
  created_at: Nullable({ ...Instant, description: 'Null: the installation’s own' }),
});
export const AddedKeyView = KeyView;
export const KeysView = Strict('FirmwareKeys', {
  keys: Type.Array(KeyView, { description: 'The installation’s own first, then the registered ones' }),
});
export const KeyParams = Strict({ key_id: keyId });

/** @throws AppError `firmware_invalid` */
export function toUpload(query: Static<typeof UploadQuery>): FirmwareUpload {
  const { signature: given, key_id, sequence: of } = query;
  const isSigned = given !== undefined && key_id !== undefined && of !== undefined;
  if (!isSigned && (given !== undefined || key_id !== undefined || of !== undefined)) {
    const message = 'signature, key_id and sequence go together: what was signed names its sequence';
    throw firmwareErrors.firmware_invalid({ details: { fields: [{ path: '/query/signature', message }] } });
  }
  return {
    deviceType: query.device_type,
    version: query.version,
    notes: query.notes ?? null,
    signed: isSigned ? { signature: given, keyId: key_id, sequence: of } : null,
    notAfter: query.not_after === undefined ? null : instantOf(query.not_after),
  };
}

export function toFilter(query: Static<typeof FirmwareQuery>): FirmwareFilter {
  return defined({ deviceType: query.device_type, version: query.version, q: query.q });
}

export function presentFirmware(firmware: Firmware): Static<typeof FirmwareView> {
  return {
    id: firmware.id,
    device_type: firmware.deviceType,
    version: firmware.version,
    sequence: firmware.sequence,
    size: firmware.size,
    sha256: firmware.sha256,
    sha1: firmware.sha1,
    md5: firmware.md5,
    notes: firmware.notes,
    signature: firmware.signature,
    key_id: firmware.keyId,
    not_after: toIsoOrNull(firmware.notAfter),
    created_by: firmware.createdBy,
    created_at: toIso(firmware.createdAt),
  };
}

export function presentKey({
  keyId: key_id,
  publicKey,
  name,
  createdBy,
  createdAt,
}: FirmwareKey): Static<typeof KeyView> {
  return {
    key_id,
    public_key: publicKey,
    name,
    created_by: createdBy,
    created_at: createdAt === 0 ? null : toIso(createdAt),
  };
}
