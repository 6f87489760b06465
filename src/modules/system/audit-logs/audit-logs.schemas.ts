import { type Static, Type } from 'typebox';
import { USER_ROLES, type UserRole } from '#kernel/access.ts';
import { toIso } from '#kernel/clock.ts';
import { defined } from '#kernel/defined.ts';
import { instantOf } from '#kernel/instant.ts';
import { AUDIT_SORT_FIELDS, type AuditFilter, type AuditRecord } from '#platform/audit/audit.port.ts';
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

const Action = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'What was done: subject and past participle',
  examples: ['device.updated'],
});
const ResourceType = Type.String({ minLength: 1, maxLength: 64, description: 'To what', examples: ['device'] });
const ResourceId = Type.String({ minLength: 1, maxLength: 128, description: 'To which one', examples: ['17'] });
const RequestId = Type.String({
  minLength: 1,
  maxLength: 128,
  description: 'The `X-Request-ID` of the request that did it',
  examples: ['0b0a8a4e-6e0e-4a43-9d0f-3c7d3f2f5a10'],
});

export const AuditLogQuery = Strict({
  ...pageQuery,
  ...sortQuery(AUDIT_SORT_FIELDS),
  ...searchQuery,
  user_id: SeveralOf({ ...Id, description: 'By this user' }),
  action: SeveralOf(Action),
  resource_type: SeveralOf(ResourceType),
  resource_id: SeveralOf(ResourceId),
  request_id: SeveralOf(RequestId),
  start: Type.Optional(
    Type.String({ format: 'date-time', description: 'Inclusive', examples: ['2026-11-22T00:00:00.000Z'] }),
  ),
  end: Type.Optional(
    Type.String({ format: 'date-time', description: 'Exclusive', examples: ['2026-11-23T00:00:00.000Z'] }),
  ),
});

export const AuditLogView = Strict('AuditLog', {
  id: Id,
  user_id: Nullable({ ...Id, description: 'Who; null: the system itself, or nobody who was signed in' }),
  user_role: Nullable(
    Type.Unsafe<UserRole>({
      title: 'UserRole',
      type: 'string',
      enum: [...USER_ROLES],
      description: 'The role that the user had then',
      examples: ['ADMIN'],
    }),
  ),
  action: Action,
  resource_type: ResourceType,
  resource_id: Nullable(ResourceId),
  details: Type.Record(Type.String(), Type.Unknown(), {
    description: 'For a change, the fields with both values; never a secret',
    examples: [{ changes: { name: { from: 'Sensor', to: 'Sensor 7' } } }],
  }),
  ip_address: Nullable(Type.String({ description: 'Where the request came from', examples: ['192.0.2.7'] })),
  request_id: Nullable(RequestId),
  created_at: Instant,
});

export const AuditLogPage = PageOf(AuditLogView);

export function toFilter(query: Static<typeof AuditLogQuery>): AuditFilter {
  const { q, user_id, action, resource_type, resource_id, request_id, start, end } = query;
  return {
    ...defined({
      q,
      userId: user_id,
      action,
      resourceType: resource_type,
      resourceId: resource_id,
      requestId: request_id,
    }),
    ...(start === undefined ? {} : { from: instantOf(start) }),
    ...(end === undefined ? {} : { to: instantOf(end) }),
  };
}

export function presentEntry(entry: AuditRecord): Static<typeof AuditLogView> {
  return {
    id: entry.id,
    user_id: entry.userId,
    user_role: entry.userRole,
    action: entry.action,
    resource_type: entry.resourceType,
    resource_id: entry.resourceId,
    details: entry.details,
    ip_address: entry.ipAddress,
    request_id: entry.requestId,
    created_at: toIso(entry.createdAt),
  };
}
