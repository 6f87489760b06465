import { execFile } from 'node:child_process';
import { copyFileSync, globSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../support/servers/private-process.ts';

const run = promisify(execFile);
const SKETCH = join(import.meta.dirname, '../../examples/esp32');
const TESTS = join(import.meta.dirname, 'esp32');
const HOST = join(TESTS, 'host');
const CJSON = '-I/usr/include/cjson';
const OPTIONS = ['-std=gnu++17', '-Wall', '-Wextra', '-Werror'];

/** What a PC needs in the place of an ESP32's toolchain. @returns what is missing */
export async function missingForEsp32(): Promise<readonly string[]> {
  if ((await findProgram('g++')) === null) return ['g++'];
  const headers = { 'cJSON.h': 'cjson', 'sodium.h': 'sodium', 'mosquitto.h': 'mosquitto', 'curl/curl.h': 'curl' };
  const found = Object.entries(headers).map(async ([header, library]) => {
    const command = ['-fsyntax-only', CJSON, '-include', header, '-x', 'c++', '/dev/null'];
    return await run('g++', command).then(
      () => null,
      () => `lib${library}`,
    );
  });
  return (await Promise.all(found)).filter((library) => library !== null);
}

export interface Esp32Images {
  /** The board, which runs an image: `board IMAGE`. */
  readonly board: string;
  /** The tests of what knows nothing of Arduino: `unit FOLDER`. */
  readonly unit: string;
  /** @returns the file of the sketch with these macros, such as `FIRMWARE_VERSION="1.1.0"` */
  image(name: string, macros?: readonly string[]): Promise<string>;
  /** @returns the file of an image that is over as soon as it starts */
  crashingImage(): Promise<string>;
}

/** Compiles the sketch as it is, with the settings of the tests in the place of the user's. */
export async function buildForEsp32(folder: string): Promise<Esp32Images> {
  const inFolder = (name: string) => join(folder, name);
  const files = [...globSync(join(SKETCH, '*.{h,ino}')), join(HOST, 'settings.h')];
  for (const file of files) copyFileSync(file, inFolder(basename(file)));
  const compile = (...args: readonly string[]) =>
    run('g++', [...OPTIONS, ...args, CJSON, `-I${HOST}`], { cwd: folder });
  const sources = ['host', 'http', 'mqtt'];
  const sanitize = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];
  await Promise.all([
    ...sources.map((name) => compile('-c', join(HOST, `${name}.cpp`), '-o', `${name}.o`)),
    compile(join(HOST, 'board.cpp'), '-o', 'board'),
    compile(...sanitize, `-I${folder}`, join(TESTS, 'unit.cpp'), '-o', 'unit', '-lcjson', '-lsodium'),
  ]);
  const libraries = ['mosquitto', 'curl', 'cjson', 'sodium', 'pthread'].map((name) => `-l${name}`);
  return {
    board: inFolder('board'),
    unit: inFolder('unit'),
    async image(name, macros = []) {
      const defined = macros.map((macro) => `-D${macro}`);
      await compile(...defined, '-x', 'c++', '-c', 'esp32.ino', '-o', `${name}.o`);
      await run('g++', [`${name}.o`, ...sources.map((source) => `${source}.o`), '-o', name, ...libraries], {
        cwd: folder,
      });
      return inFolder(name);
    },
    async crashingImage() {
      writeFileSync(inFolder('crash.cpp'), 'int main() { __builtin_trap(); }\n');
      await compile('crash.cpp', '-o', 'crash');
      return inFolder('crash');
    },
  };
}
