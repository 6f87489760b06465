/** The path of a proxy in front of the server, such as `/iot`; usually empty. */
export const BASE: string = document.querySelector<HTMLMetaElement>('meta[name="core-api-base"]')?.content ?? '';
