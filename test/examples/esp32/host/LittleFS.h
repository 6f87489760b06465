#pragma once

/** A folder, which the board has made. */
struct LittleFileSystem {
  bool begin(bool) { return true; }
};
extern LittleFileSystem LittleFS;
