import type { ChangedBy } from './twin.ports.ts';

/** The module's tables, for its repository. Columns with configurations hold JSON. */
export interface TwinTables {
  device_configs: {
    device_uid: string;
    device_id: number;
    version: number;
    own: string;
    effective: string;
    group_id: number | null;
    group_version: number;
    config_updated_at: number | null;
    config_updated_by: number | null;
    reported_version: number | null;
    reported_config: string | null;
    reported_error: string | null;
    reported_at: number | null;
    is_in_sync: number;
    /** 0: the broker does not have this version yet. */
    is_told: number;
    created_at: number;
    updated_at: number;
  };
  device_config_versions: {
    device_uid: string;
    version: number;
    device_id: number;
    own: string;
    effective: string;
    changed_by: ChangedBy;
    user_id: number | null;
    created_at: number;
    updated_at: number;
  };
  group_configs: {
    group_id: number;
    version: number;
    config: string;
    updated_by: number | null;
    is_applied: number;
    applied_after: number;
    created_at: number;
    updated_at: number;
  };
}
