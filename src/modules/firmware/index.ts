export type { FirmwareApi } from './firmware.api.ts';
export { IMAGE_TYPE, imageFileOf } from './firmware.image.ts';
export type { Manifest } from './firmware.manifest.ts';
export { createFirmwareModule, type FirmwareModule } from './firmware.module.ts';
export type { Firmware, FirmwareUsage } from './firmware.ports.ts';
export { isSignedBy, publicKeyOf, readPublicKey, signManifest } from './firmware.signatures.ts';
export { firmwareMigrations } from './migrations/index.ts';
