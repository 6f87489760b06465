/**
 * Who may call what: section 2 of the contract as data, for the modules that exist. Written from the contract,
 * not from the code, and so without the code's lists of roles.
 */

export type Caller = 'nobody' | 'bad token' | 'SUPERADMIN' | 'ADMIN' | 'MANAGER' | 'USER' | 'device';

export interface Rule {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** As in the contract: `/api/v1/devices/{device_id}` */
  readonly path: string;
  /** These get through, the others are refused: 401 or, when it is the role that is not enough, 403. */
  readonly allowed: readonly Caller[];
  /** The service asks whether the caller sees the device: to a USER a device of others does not exist. */
  readonly visibleDevicesOnly: boolean;
  /** The service asks whether the caller may control the device: MANAGEMENT, and who owns it. */
  readonly controlledDevicesOnly: boolean;
}

const SUPERADMIN = ['SUPERADMIN'] as const;
const ADMIN_AND_ABOVE = ['SUPERADMIN', 'ADMIN'] as const;
const MANAGEMENT = ['SUPERADMIN', 'ADMIN', 'MANAGER'] as const;
const ANY_USER = ['SUPERADMIN', 'ADMIN', 'MANAGER', 'USER'] as const;
const DEVICE = ['device'] as const;
const ANYONE = ['nobody', 'bad token', ...ANY_USER, ...DEVICE] as const;

function rule(row: string, allowed: readonly Caller[]): Rule {
  const [method, path] = row.split(/ +/) as [Rule['method'], string];
  return { method, path, allowed, visibleDevicesOnly: false, controlledDevicesOnly: false };
}

/** "who sees the device" */
const visible = (row: string): Rule => ({ ...rule(row, ANY_USER), visibleDevicesOnly: true });
/** "MANAGEMENT or the owner" */
const controlled = (row: string): Rule => ({ ...rule(row, ANY_USER), controlledDevicesOnly: true });

export const RULES: readonly Rule[] = [
  rule('POST   /api/v1/auth/register', ANYONE),
  rule('POST   /api/v1/auth/login', ANYONE),
  rule('POST   /api/v1/auth/refresh', ANYONE),
  rule('POST   /api/v1/auth/logout', ANY_USER),
  rule('POST   /api/v1/auth/verify-email', ANYONE),
  rule('POST   /api/v1/auth/verify-email/resend', ANY_USER),
  rule('POST   /api/v1/auth/password/forgot', ANYONE),
  rule('POST   /api/v1/auth/password/reset', ANYONE),
  rule('GET    /api/v1/auth/oauth', ANYONE),
  rule('GET    /api/v1/auth/oauth/{provider}', ANYONE),
  rule('GET    /api/v1/auth/oauth/{provider}/callback', ANYONE),
  rule('POST   /api/v1/auth/oauth/token', ANYONE),
  rule('GET    /api/v1/auth/oauth-accounts', ANY_USER),
  rule('DELETE /api/v1/auth/oauth-accounts/{account_id}', ANY_USER),
  rule('POST   /api/v1/auth/login/2fa', ANYONE),
  rule('POST   /api/v1/auth/2fa/totp', ANY_USER),
  rule('POST   /api/v1/auth/2fa/totp/confirm', ANY_USER),
  rule('DELETE /api/v1/auth/2fa/totp', ANY_USER),
  rule('GET    /api/v1/auth/sessions', ANY_USER),
  rule('DELETE /api/v1/auth/sessions/{session_id}', ANY_USER),
  rule('GET    /api/v1/auth/tokens', ANY_USER),
  rule('POST   /api/v1/auth/tokens', ANY_USER),
  rule('DELETE /api/v1/auth/tokens/{token_id}', ANY_USER),

  rule('GET    /api/v1/users/me', ANY_USER),
  rule('PATCH  /api/v1/users/me', ANY_USER),
  rule('POST   /api/v1/users/me/password', ANY_USER),
  rule('GET    /api/v1/users', ADMIN_AND_ABOVE),
  rule('POST   /api/v1/users', ADMIN_AND_ABOVE),
  rule('GET    /api/v1/users/directory', MANAGEMENT),
  rule('GET    /api/v1/users/{user_id}', ADMIN_AND_ABOVE),
  rule('PATCH  /api/v1/users/{user_id}', ADMIN_AND_ABOVE),
  rule('POST   /api/v1/users/{user_id}/password-reset', ADMIN_AND_ABOVE),
  rule('DELETE /api/v1/users/{user_id}', ADMIN_AND_ABOVE),
  rule('DELETE /api/v1/users/{user_id}/2fa', ADMIN_AND_ABOVE),

  rule('GET    /api/v1/devices', ANY_USER),
  visible('GET    /api/v1/devices/{device_id}'),
  rule('POST   /api/v1/devices', MANAGEMENT),
  rule('PATCH  /api/v1/devices/{device_id}', MANAGEMENT),
  rule('DELETE /api/v1/devices/{device_id}', ADMIN_AND_ABOVE),
  rule('POST   /api/v1/devices/{device_id}/credentials', MANAGEMENT),
  visible('GET    /api/v1/devices/{device_id}/connection'),
  rule('POST   /api/v1/devices/{device_id}/disconnect', MANAGEMENT),
  visible('GET    /api/v1/devices/{device_id}/telemetry/latest'),
  visible('GET    /api/v1/devices/{device_id}/telemetry'),
  visible('GET    /api/v1/devices/{device_id}/logs'),
  visible('GET    /api/v1/devices/{device_id}/ledger'),
  visible('GET    /api/v1/devices/{device_id}/ota'),
  rule('POST   /api/v1/devices/import', MANAGEMENT),
  rule('GET    /api/v1/devices/export', MANAGEMENT),

  controlled('POST   /api/v1/devices/{device_id}/commands'),
  controlled('GET    /api/v1/devices/{device_id}/commands'),
  controlled('GET    /api/v1/devices/{device_id}/commands/{command_id}'),
  controlled('POST   /api/v1/devices/{device_id}/commands/{command_id}/cancel'),
  controlled('GET    /api/v1/devices/{device_id}/config'),
  controlled('PUT    /api/v1/devices/{device_id}/config'),
  controlled('PATCH  /api/v1/devices/{device_id}/config'),
  controlled('GET    /api/v1/devices/{device_id}/config/history'),
  controlled('POST   /api/v1/devices/{device_id}/config/rollback'),
  rule('POST   /api/v1/commands', MANAGEMENT),
  rule('GET    /api/v1/commands', MANAGEMENT),

  rule('POST   /api/v1/provisioning/cas/registration-code', MANAGEMENT),
  rule('POST   /api/v1/provisioning/cas', MANAGEMENT),
  rule('GET    /api/v1/provisioning/cas', MANAGEMENT),
  rule('GET    /api/v1/provisioning/cas/{ca_id}', MANAGEMENT),
  rule('DELETE /api/v1/provisioning/cas/{ca_id}', MANAGEMENT),
  rule('POST   /api/v1/provisioning/cas/{ca_id}/revocations', MANAGEMENT),
  rule('GET    /api/v1/provisioning/certificates', MANAGEMENT),

  rule('POST   /api/v1/firmware', MANAGEMENT),
  rule('GET    /api/v1/firmware', MANAGEMENT),
  rule('GET    /api/v1/firmware/{firmware_id}', MANAGEMENT),
  rule('DELETE /api/v1/firmware/{firmware_id}', MANAGEMENT),
  rule('POST   /api/v1/firmware/{firmware_id}/links', MANAGEMENT),
  rule('GET    /api/v1/firmware/{firmware_id}/download', ANYONE),
  rule('GET    /api/v1/firmware-keys', MANAGEMENT),
  rule('POST   /api/v1/firmware-keys', ADMIN_AND_ABOVE),
  rule('DELETE /api/v1/firmware-keys/{key_id}', ADMIN_AND_ABOVE),

  rule('POST   /api/v1/provisioning/claims', MANAGEMENT),
  rule('GET    /api/v1/provisioning/claims', MANAGEMENT),
  rule('GET    /api/v1/provisioning/claims/{claim_id}', MANAGEMENT),
  rule('POST   /api/v1/provisioning/claims/{claim_id}/revoke', MANAGEMENT),
  rule('GET    /api/v1/provisioning/claims/{claim_id}/attempts', MANAGEMENT),
  rule('POST   /api/v1/provision', ANYONE),
  rule('POST   /api/v1/campaigns', MANAGEMENT),
  rule('GET    /api/v1/campaigns', MANAGEMENT),
  rule('GET    /api/v1/campaigns/{campaign_id}', MANAGEMENT),
  rule('GET    /api/v1/campaigns/{campaign_id}/devices', MANAGEMENT),
  rule('POST   /api/v1/campaigns/{campaign_id}/approve', MANAGEMENT),
  rule('POST   /api/v1/campaigns/{campaign_id}/start', MANAGEMENT),
  rule('POST   /api/v1/campaigns/{campaign_id}/pause', MANAGEMENT),
  rule('POST   /api/v1/campaigns/{campaign_id}/resume', MANAGEMENT),
  rule('POST   /api/v1/campaigns/{campaign_id}/abort', MANAGEMENT),

  rule('GET    /api/v1/device-groups', ANY_USER),
  rule('GET    /api/v1/device-groups/{group_id}', ANY_USER),
  rule('GET    /api/v1/device-groups/{group_id}/config', MANAGEMENT),
  rule('PUT    /api/v1/device-groups/{group_id}/config', MANAGEMENT),
  rule('PATCH  /api/v1/device-groups/{group_id}/config', MANAGEMENT),
  rule('POST   /api/v1/device-groups', MANAGEMENT),
  rule('PATCH  /api/v1/device-groups/{group_id}', MANAGEMENT),
  rule('DELETE /api/v1/device-groups/{group_id}', MANAGEMENT),

  rule('GET    /api/v1/system/health', ANYONE),
  rule('GET    /api/v1/system/setup', ANYONE),
  rule('POST   /api/v1/system/setup', ANYONE),
  rule('GET    /api/v1/system/connection', ANY_USER),
  rule('GET    /api/v1/system/info', SUPERADMIN),
  rule('GET    /api/v1/system/configs', SUPERADMIN),
  rule('GET    /api/v1/system/configs/{key}', SUPERADMIN),
  rule('PUT    /api/v1/system/configs/{key}', SUPERADMIN),
  rule('DELETE /api/v1/system/configs/{key}', SUPERADMIN),
  rule('GET    /api/v1/system/audit-logs', ADMIN_AND_ABOVE),
  rule('GET    /api/v1/system/jobs', ADMIN_AND_ABOVE),
  rule('POST   /api/v1/system/jobs/{name}/run', ADMIN_AND_ABOVE),

  rule('GET    /api/v1/dashboards', ANY_USER),
  rule('POST   /api/v1/dashboards', ANY_USER),
  rule('GET    /api/v1/dashboards/{dashboard_id}', ANY_USER),
  rule('PATCH  /api/v1/dashboards/{dashboard_id}', ANY_USER),
  rule('DELETE /api/v1/dashboards/{dashboard_id}', ANY_USER),

  rule('GET    /api/v1/notifications', ANY_USER),
  rule('GET    /api/v1/notifications/unread-count', ANY_USER),
  rule('POST   /api/v1/notifications/{notification_id}/read', ANY_USER),
  rule('POST   /api/v1/notifications/{notification_id}/unread', ANY_USER),
  rule('POST   /api/v1/notifications/read-all', ANY_USER),
  rule('DELETE /api/v1/notifications/{notification_id}', ANY_USER),
  rule('POST   /api/v1/notifications/broadcast', ADMIN_AND_ABOVE),

  rule('GET    /api/v1/analytics/telemetry/{device_id}', MANAGEMENT),
  rule('POST   /api/v1/analytics/reports/{device_id}', MANAGEMENT),
  rule('GET    /api/v1/analytics/status/{device_id}', MANAGEMENT),
  rule('GET    /api/v1/analytics/trends/{device_id}', MANAGEMENT),
  rule('GET    /api/v1/analytics/anomalies/{device_id}', MANAGEMENT),
  rule('GET    /api/v1/analytics/results', MANAGEMENT),
  rule('GET    /api/v1/analytics/export/{device_id}', MANAGEMENT),

  rule('POST   /api/v1/ingest/{kind}', DEVICE),
  rule('GET    /api/v1/ingest/ledger', MANAGEMENT),
  rule('GET    /default/controller/v1/{controller_id}', DEVICE),
  rule('PUT    /default/controller/v1/{controller_id}/configData', DEVICE),
  rule('GET    /default/controller/v1/{controller_id}/deploymentBase/{action_id}', DEVICE),
  rule('POST   /default/controller/v1/{controller_id}/deploymentBase/{action_id}/feedback', DEVICE),
  rule('GET    /default/controller/v1/{controller_id}/installedBase/{action_id}', DEVICE),
  rule('GET    /default/controller/v1/{controller_id}/cancelAction/{action_id}', DEVICE),
  rule('POST   /default/controller/v1/{controller_id}/cancelAction/{action_id}/feedback', DEVICE),
  rule('GET    /default/controller/v1/{controller_id}/softwaremodules/{module_id}/artifacts/{file_name}', DEVICE),
  rule('GET    /api/v1/device/commands', DEVICE),
  rule('GET    /api/v1/device/config', DEVICE),
  rule('GET    /api/v1/device/firmware/{firmware_id}', DEVICE),
  rule('POST   /api/v1/device/certificate', DEVICE),
  rule('POST   /api/v1/device/certificate/renew', ANYONE),

  rule('GET    /api/v1/monitoring/health', MANAGEMENT),
  rule('GET    /api/v1/monitoring/alerts', ANY_USER),
  rule('GET    /api/v1/monitoring/alerts/{alert_id}', ANY_USER),
  rule('PATCH  /api/v1/monitoring/alerts/{alert_id}', ANY_USER),
  rule('GET    /api/v1/monitoring/alerts/{alert_id}/comments', ANY_USER),
  rule('POST   /api/v1/monitoring/alerts/{alert_id}/comments', ANY_USER),
  rule('POST   /api/v1/monitoring/alerts/acknowledge', MANAGEMENT),
  rule('POST   /api/v1/monitoring/alerts/{alert_id}/acknowledge', ANY_USER),
  rule('GET    /api/v1/monitoring/alert-rules', ANY_USER),
  rule('POST   /api/v1/monitoring/alert-rules', ANY_USER),
  rule('POST   /api/v1/monitoring/alert-rules/test', ANY_USER),
  rule('GET    /api/v1/monitoring/alert-rules/{rule_id}', ANY_USER),
  rule('PATCH  /api/v1/monitoring/alert-rules/{rule_id}', ANY_USER),
  rule('DELETE /api/v1/monitoring/alert-rules/{rule_id}', ANY_USER),

  rule('GET    /auth/verify-email', ANYONE),
  rule('GET    /auth/reset-password', ANYONE),
  rule('GET    /.well-known/jwks.json', ANYONE),
  rule('GET    /openapi.json', ANYONE),
  rule('GET    /asyncapi.json', ANYONE),
  rule('GET    /docs', ANYONE),
  rule('GET    /docs/*', ANYONE),
  rule('GET    /redoc', ANYONE),
  rule('GET    /redoc/redoc.standalone.js', ANYONE),
  rule('GET    /admin', ANYONE),
  rule('GET    /admin/*', ANYONE),
  rule('GET    /admin/assets/*', ANYONE),
  rule('GET    /admin/favicon.svg', ANYONE),
  rule('GET    /admin/color-scheme.js', ANYONE),
  rule('GET    /jobs/login', ANYONE),
  rule('POST   /jobs/login', ANYONE),
  rule('GET    /jobs/logout', ANYONE),
  rule('POST   /jobs/enter', ADMIN_AND_ABOVE),
  rule('GET    /jobs', ADMIN_AND_ABOVE),
  rule('GET    /jobs/run', ADMIN_AND_ABOVE),
  rule('POST   /jobs/run', ADMIN_AND_ABOVE),
  rule('GET    /jobs/*', ADMIN_AND_ABOVE),
  rule('PUT    /jobs/*', ADMIN_AND_ABOVE),
  rule('POST   /jobs/*', ADMIN_AND_ABOVE),

  rule('GET    /', ANYONE),
  rule('GET    /metrics', ANYONE),
  rule('GET    /livez', ANYONE),
  rule('GET    /readyz', ANYONE),
];
