import type { Page } from 'playwright-core';

/** What stands in a text of any language, by why it does. */
const NAMES: readonly RegExp[] = [
  // What is written by somebody for a program: JSON, the name of a certificate.
  /\{.*\}|CN=.*/g,
  // The product, a language in its own words, keys of a keyboard.
  /\b(core-api|English|Ctrl|Esc)\b/g,
  // Protocols, formats and programs.
  /\b(MQTT|HTTPS?|TLS|API|CSV|JSON|PNG|PEM|CSR|Parquet|QR|UID|IDs?|URL|UTC|Ed25519|WebSocket|OpenID|hawkBit|DDI|SQLite|Node-RED|Node|Redis|BullMQ|MongoDB|MariaDB|Mosquitto|Python|Arduino|ESP32|Home Assistant|curl|linux)\b/g,
  // Units, and the half of the day.
  /\b(ms|kB|MB|GB|TB|byte|AM|PM)\b/g,
  // Fields of the API in texts about files, and roles of a process, which are settings.
  /\b(name|metadata|timezone|api|ingest|worker|scheduler)\b/g,
  // Time stamps, addresses, versions, names with `_` or digits, or a sign within them.
  /\S*(\d|_|@|\/|\w[.:=]\w)\S*/g,
];

/** A page's texts and accessible names, as far as somebody sees or hears them. Code is no prose. */
const TEXTS = `(() => {
  const CODE = 'code, pre, script, style, .cm-editor, textarea';
  const found = [];
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true });
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (node.data.trim() !== '' && isShown(parent) && parent.closest(CODE) === null) found.push(node.data.trim());
  }
  for (const name of ['aria-label', 'aria-description', 'aria-roledescription', 'aria-valuetext', 'title', 'placeholder', 'alt'])
    for (const element of document.querySelectorAll('[' + name + ']'))
      if (isShown(element) && element.closest('.cm-editor') === null) found.push(name + ': ' + element.getAttribute(name));
  for (const input of document.querySelectorAll('input[readonly], input[aria-haspopup]'))
    if (isShown(input)) found.push('value: ' + input.value);
  return [document.title, ...new Set(found)];
})()`;

/** A time in English: `7 d`. */
const SPAN = /\b\d+(\.\d+)? (d|days?|h|hr|hours?|min|sec|s)\b/;
const HANGUL = /\p{Script=Hangul}/u;

/**
 * What a page says in English: texts without Hangul in which a word in Latin letters stands, and texts with Hangul in which two
 * of them stand side by side, or a time.
 * @param data words that people and devices have said
 */
export async function englishOn(page: Page, data: ReadonlySet<string>): Promise<readonly string[]> {
  const texts = await page.evaluate<string[]>(TEXTS);
  return texts.filter((text) => {
    const said = NAMES.reduce((rest, name) => rest.replaceAll(name, '·'), text.replace(/^[a-z-]+: /, ''));
    if (SPAN.test(text)) return true;
    if (HANGUL.test(said)) return /[A-Za-z]{2,}[ ,]+[A-Za-z]{2,}/.test(said);
    return (said.match(/[A-Za-z]{2,}/g) ?? []).some((word) => !data.has(word));
  });
}
