export { notificationsMigrations } from './migrations/index.ts';
export { NOTIFICATIONS_METHODS, type NotificationsApi } from './notifications.api.ts';
export { createNotificationsCore, createNotificationsModule } from './notifications.module.ts';
