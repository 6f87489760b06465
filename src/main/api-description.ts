import type { ApiDescription } from '#platform/http/openapi.document.ts';

/** What the API document says beside its operations. */
export const API_DESCRIPTION: ApiDescription = {
  text: [
    'IoT backend where an acknowledgement means stored.',
    '',
    '**Who is asking.** People sign in at `POST /api/v1/auth/login` and send `Authorization: Bearer <access_token>`. Devices',
    'send HTTP Basic with their `device_uid` and secret, or speak MQTT (`/asyncapi.json`).',
    '',
    '**Errors** are `application/problem+json` (RFC 9457). Decide by `code`: it is stable, and each operation lists the codes',
    'that it answers with. `request_id` is the `X-Request-ID` of the answer, and stands in the log and the audit trail.',
    '',
    '**Lists** take `page`, `size`, `sort` (`-created_at,name`) and `q`, and answer `{items, total, page, size, pages}`. Time',
    'series take `limit` and `cursor`, and answer `{items, next_cursor}`.',
    '',
    '**Values.** Instants are ISO 8601 UTC with milliseconds. Unknown fields in a body or a query are refused.',
  ].join('\n'),
  tags: {
    auth: 'Signing in and out, tokens, sign-in with other providers, passwords and e-mail addresses',
    users: 'People and what they may do',
    devices: 'Devices and their credentials; import and export',
    'device groups': 'Groups that devices are in',
    provisioning: 'How devices come to be: claims, certificate authorities, certificates',
    hawkbit: 'Campaigns for clients of hawkBit (DDI), such as SWUpdate',
    campaigns: 'Roll-outs of firmware, stage by stage',
    firmware: 'Images for devices, and the keys that sign them',
    configuration: 'What devices are to be like, and what they say they are',
    commands: 'What devices are told to do, and what became of it',
    telemetry: 'What a device sent: latest values, series, logs, and what became of each message',
    ingest: 'For devices without MQTT',
    monitoring: 'Alert rules, alerts, and the health of the components',
    analytics: 'Telemetry in buckets, trends, anomalies and reports',
    dashboards: 'What people put together to look at, and whom they show it to',
    notifications: 'What the system has to tell somebody',
    system: 'Version, configuration, background jobs and the audit trail',
    mqtt: 'For brokers that ask who may log in',
  },
};
