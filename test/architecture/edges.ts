/** Which module may use which other module's `index.ts`. Checked both ways: undeclared and unused both fail. */
export type ModuleEdges = Readonly<Record<string, readonly string[]>>;

export const moduleEdges: ModuleEdges = {
  analytics: ['devices', 'telemetry'],
  auth: ['users'],
  campaigns: ['devices', 'firmware', 'ingest', 'monitoring', 'telemetry'],
  commands: ['devices', 'ingest'],
  devices: ['users'],
  ingest: ['devices'],
  live: ['devices'],
  monitoring: ['devices', 'live', 'users'],
  notifications: ['users'],
  telemetry: ['devices'],
  twin: ['devices'],
};
