#pragma once

#include <mutex>

#include "Arduino.h"

/** NVS as a file for each key: written beside and renamed, as NVS has the old value or the new one after a power cut. */
class Preferences {
 public:
  bool begin(const char* name);
  bool remove(const char* key);
  size_t putString(const char* key, const char* value);
  size_t putUInt(const char* key, uint32_t value) { return putString(key, std::to_string(value).c_str()); }
  size_t putLong64(const char* key, int64_t value) { return putString(key, std::to_string(value).c_str()); }
  size_t putDouble(const char* key, double value) { return putString(key, std::to_string(value).c_str()); }
  String getString(const char* key, const char* otherwise);
  uint32_t getUInt(const char* key, uint32_t otherwise);
  int64_t getLong64(const char* key, int64_t otherwise);
  double getDouble(const char* key, double otherwise);

 private:
  std::string folder;
  std::mutex mutex;
  std::string pathOf(const char* key) const;
};
