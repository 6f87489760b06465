/** What other modules may ask of the system's configuration. */
export interface SystemApi {
  /** The value as JSON, secret or not; undefined when there is none. @throws AppError `config_key_away` */
  readConfig(key: string): Promise<unknown>;
}
