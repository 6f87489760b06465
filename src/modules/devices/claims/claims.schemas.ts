import { type Static, Type } from 'typebox';
import { toIso, toIsoOrNull } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import {
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
import { type BrokerAddress, DEVICE_UID, SERVER_CHANNELS } from '#platform/mqtt/mqtt.port.ts';
import { IssueBody, IssuedView, presentIssued } from '../certificates/issuing.schemas.ts';
import { DeviceBody } from '../devices.schemas.ts';
import { claimErrors } from './claims.errors.ts';
import {
  ATTEMPT_SORT_FIELDS,
  type Attempt,
  CLAIM_SORT_FIELDS,
  type Claim,
  type ClaimFilter,
  type NewClaim,
  type Provisioned,
  type ProvisionRequest,
} from './claims.ports.ts';

const deviceUid = Type.String({
  pattern: DEVICE_UID.source,
  'x-accepts': '1 to 64 letters, digits, `_` and `-`, a letter or digit first',
  description: 'Name of the device in MQTT topics and its login',
  examples: ['greenhouse-07'],
});
const { device_type, metadata, name: deviceName } = DeviceBody.properties;
const { csr } = IssueBody.properties;

const fields = {
  name: Type.String({ minLength: 1, maxLength: 100, description: 'For people', examples: ['Batch of November'] }),
  device_type,
  max_devices: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    description: 'Devices that it may make',
    examples: [500],
  }),
};
const groupId = { ...Id, description: 'Group that its devices are in', examples: [3] };
const ownerId = { ...Id, description: 'User who owns its devices', examples: [12] };
const uidPattern = Type.String({
  pattern: '^[A-Za-z0-9*][A-Za-z0-9_*-]{0,127}$',
  'x-accepts': '1 to 128 letters, digits, `_`, `-` and `*`',
  description: 'Only a device_uid like this; `*` stands for any characters',
  examples: ['greenhouse-*'],
});
const uids = Type.Array(deviceUid, {
  minItems: 1,
  maxItems: 1_000,
  uniqueItems: true,
  description: 'Only these device_uids',
  examples: [['greenhouse-07', 'greenhouse-08']],
});

export const ClaimBody = Strict('NewClaim', {
  ...fields,
  expires_at: { ...Instant, description: 'After that it makes no device' },
  group_id: Type.Optional(Nullable(groupId)),
  owner_id: Type.Optional(Nullable(ownerId)),
  uid_pattern: Type.Optional(uidPattern),
  uids: Type.Optional(uids),
});

const view = {
  id: { ...Id, examples: [1] },
  ...fields,
  used: Type.Integer({ description: 'Devices that it has made', examples: [12] }),
  group_id: Nullable(groupId),
  owner_id: Nullable(ownerId),
  uid_pattern: Nullable(uidPattern),
  uids: Nullable(uids),
  expires_at: Instant,
  revoked_at: Nullable(Instant),
  created_by: Nullable({ ...Id, description: 'User who made it', examples: [12] }),
  created_at: Instant,
};
export const ClaimView = Strict('Claim', view);
export const CreatedClaimView = Strict('CreatedClaim', {
  ...view,
  token: Type.String({ description: 'Shown only here', examples: ['8rGm0cVJ0p1Yk4mC2v9dWq3s6u8xZ0aB1cD2eF3gH4I'] }),
});
export const ClaimPage = PageOf(ClaimView);

const step = Type.Enum(['claim', 'device', 'done'], {
  description: 'How far it came: `claim`: it does not allow it; `device`: the device could not be made; `done`',
  examples: ['done'],
});
const AttemptView = Strict('ClaimAttempt', {
  id: { ...Id, examples: [41] },
  device_uid: Nullable(deviceUid),
  step,
  error: Nullable(
    Type.String({ description: 'Code of what was wrong; null: nothing', examples: ['device_uid_taken'] }),
  ),
  ip_address: Nullable(Type.String({ description: 'Where it came from', examples: ['192.0.2.17'] })),
  created_at: Instant,
});
export const AttemptPage = PageOf(AttemptView);

export const ClaimParams = Strict({ claim_id: { ...Id, description: 'Id of the claim', examples: [1] } });
export const ClaimQuery = Strict({
  ...pageQuery,
  ...sortQuery(CLAIM_SORT_FIELDS),
  ...searchQuery,
  device_type: SeveralOf(device_type),
});
export const AttemptQuery = Strict({
  ...pageQuery,
  ...sortQuery(ATTEMPT_SORT_FIELDS),
  ...searchQuery,
  step: SeveralOf(step),
});

const wanted = {
  device_uid: Type.Optional({ ...deviceUid, description: 'Absent: one is made, where the claim lets any' }),
  device_type: Type.Optional({
    ...device_type,
    description: 'What it takes itself for: refused if the claim is for another',
  }),
  name: Type.Optional(deviceName),
  metadata,
  csr: Type.Optional(csr),
};
const key = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Any text for this request: repeated with it within an hour, it is answered with the same device',
  examples: ['serial-4711'],
});

export const ProvisionBody = Strict('Provisioning', {
  token: Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'Of the claim',
    examples: ['8rGm0cVJ0p1Yk4mC2v9dWq3s6u8xZ0aB1cD2eF3gH4I'],
  }),
  ...wanted,
});
const provisioned = {
  device_uid: deviceUid,
  username: Type.String({ description: 'For MQTT and HTTP: the device_uid', examples: ['greenhouse-07'] }),
  password: Type.String({ description: 'Shown only here', examples: ['8rGm0cVJ0p1Yk4mC2v9dWq3s6u8xZ0aB1cD2eF3gH4I'] }),
  mqtt: Strict(
    'ProvisionedMqtt',
    {
      host: Type.String({ description: 'Where it connects', examples: ['mqtt.example.com'] }),
      port: Type.Integer({ description: 'Where it connects', examples: [8883] }),
      tls: Type.Boolean({ description: 'Whether by TLS', examples: [true] }),
      publish: Type.Array(Type.String(), {
        description: 'Topics that it may publish to',
        examples: [['devices/greenhouse-07/telemetry']],
      }),
      subscribe: Type.Array(Type.String(), {
        description: 'Topics that it may subscribe to',
        examples: [['devices/greenhouse-07/command']],
      }),
    },
    { description: 'Where it connects, and its topics' },
  ),
  certificate: Type.Optional({ ...IssuedView, description: 'For the `csr`, if there was one' }),
};
export const ProvisionedView = Strict('Provisioned', provisioned);
export const IdempotencyHeaders = Type.Object({ 'idempotency-key': Type.Optional(key) });

const request_id = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Any text, which comes back in the answer',
  examples: ['1'],
});
/** Over MQTT, where the token is the password. */
export const ProvisionMessage = Strict('ProvisioningMessage', {
  request_id: Type.Optional(request_id),
  idempotency_key: Type.Optional(key),
  ...wanted,
});
export const ProvisionAnswer = Type.Union([
  Strict('ProvisionedMessage', {
    ok: Type.Literal(true, { description: 'There is a device', examples: [true] }),
    request_id: Type.Optional(request_id),
    ...provisioned,
  }),
  Strict('ProvisionRefusal', {
    ok: Type.Literal(false, { description: 'There is none', examples: [false] }),
    request_id: Type.Optional(request_id),
    code: Type.String({ description: 'As over HTTP', examples: ['claim_used_up'] }),
    detail: Type.String({ description: 'For people', examples: ['The claim has made as many devices as it may.'] }),
    errors: Type.Optional(
      Type.Array(Strict({ path: Type.String(), message: Type.String() }), {
        description: 'What is not accepted, by field',
      }),
    ),
    retry_after_seconds: Type.Optional(Type.Integer({ description: 'When it is worth trying again', examples: [30] })),
  }),
]);

/** @throws AppError `claim_invalid` */
export function toClaim(body: Static<typeof ClaimBody>): Omit<NewClaim, 'tokenHash' | 'createdBy' | 'createdAt'> {
  if (body.uid_pattern !== undefined && body.uids !== undefined) {
    const errors = [{ path: '/uids', message: 'must not be given together with uid_pattern' }];
    throw claimErrors.claim_invalid({ details: { fields: errors } });
  }
  return {
    name: body.name,
    deviceType: body.device_type,
    groupId: body.group_id ?? null,
    ownerId: body.owner_id ?? null,
    maxDevices: body.max_devices,
    uidPattern: body.uid_pattern ?? null,
    uids: body.uids ?? null,
    expiresAt: instantOf(body.expires_at),
  };
}

export function toRequest(body: Static<typeof ProvisionBody>): ProvisionRequest {
  return {
    token: body.token,
    deviceUid: body.device_uid ?? null,
    deviceType: body.device_type ?? null,
    name: body.name ?? null,
    metadata: body.metadata ?? {},
    csr: body.csr ?? null,
  };
}

export function toClaimFilter(query: Static<typeof ClaimQuery>): ClaimFilter {
  return defined({ deviceType: query.device_type, q: query.q });
}

export function presentClaim(claim: Claim): Static<typeof ClaimView> {
  return {
    id: claim.id,
    name: claim.name,
    device_type: claim.deviceType,
    max_devices: claim.maxDevices,
    used: claim.used,
    group_id: claim.groupId,
    owner_id: claim.ownerId,
    uid_pattern: claim.uidPattern,
    uids: claim.uids === null ? null : [...claim.uids],
    expires_at: toIso(claim.expiresAt),
    revoked_at: toIsoOrNull(claim.revokedAt),
    created_by: claim.createdBy,
    created_at: toIso(claim.createdAt),
  };
}

export function presentAttempt(attempt: Attempt): Static<typeof AttemptView> {
  const { id, deviceUid: device_uid, step: of, error, ipAddress: ip_address, at } = attempt;
  return { id, device_uid, step: of, error, ip_address, created_at: toIso(at) };
}

/** What a new device is told of the broker. */
export interface BrokerFacts {
  /** What devices may publish: last levels of topics. */
  readonly channels: readonly string[];
  /** @param hasCertificate whether the device has one, and so can connect where one is required */
  address(hasCertificate: boolean): BrokerAddress;
}

export function presentProvisioned(
  { credentials: { username, password }, certificate }: Provisioned,
  broker: BrokerFacts,
): Static<typeof ProvisionedView> {
  const topic = (channel: string) => `devices/${username}/${channel}`;
  const { host, port, tls } = broker.address(certificate !== null);
  const topics = { publish: broker.channels.map(topic), subscribe: SERVER_CHANNELS.map(topic) };
  const issued = certificate === null ? {} : { certificate: presentIssued(certificate) };
  return { device_uid: username, username, password, mqtt: { host, port, tls, ...topics }, ...issued };
}
