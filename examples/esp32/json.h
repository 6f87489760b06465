/** JSON, by the cJSON that ships with ESP-IDF. */
#pragma once

#include <cJSON.h>

#include <cstdint>
#include <memory>
#include <string>

struct JsonDeleter {
  void operator()(cJSON* item) const { cJSON_Delete(item); }
};
using Json = std::unique_ptr<cJSON, JsonDeleter>;

inline Json newObject() { return Json(cJSON_CreateObject()); }

/** cJSON calls itself for each level, and the stack of a task is small. */
constexpr int MAX_NESTING = 20;

inline bool isNestedTooDeep(const std::string& text) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (inString) {
      if (c == '\\') ++i;
      if (c == '"') inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > MAX_NESTING) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

/** @returns null when it is not a JSON object, or is nested too deep */
inline Json parseObject(const std::string& text) {
  if (isNestedTooDeep(text)) return nullptr;
  Json parsed(cJSON_ParseWithLength(text.data(), text.size()));
  return cJSON_IsObject(parsed.get()) ? std::move(parsed) : nullptr;
}

/** On one line. */
inline std::string print(const Json& json) {
  char* text = cJSON_PrintUnformatted(json.get());
  std::string copy = text == nullptr ? "{}" : text;
  cJSON_free(text);
  return copy;
}

/** @returns "" when the field is absent or no text */
inline std::string textOf(const Json& object, const char* name) {
  const cJSON* field = cJSON_GetObjectItemCaseSensitive(object.get(), name);
  return cJSON_IsString(field) ? field->valuestring : "";
}

/** @returns -1 when the field is absent or no whole number from 0 to 2^53 */
inline int64_t wholeOf(const Json& object, const char* name) {
  const cJSON* field = cJSON_GetObjectItemCaseSensitive(object.get(), name);
  if (!cJSON_IsNumber(field) || !(field->valuedouble >= 0 && field->valuedouble <= 9007199254740992.0)) return -1;
  const auto whole = static_cast<int64_t>(field->valuedouble);
  return static_cast<double>(whole) == field->valuedouble ? whole : -1;
}

inline void set(const Json& object, const char* name, const std::string& text) {
  cJSON_AddStringToObject(object.get(), name, text.c_str());
}
inline void set(const Json& object, const char* name, const char* text) {
  cJSON_AddStringToObject(object.get(), name, text);
}
inline void set(const Json& object, const char* name, double number) {
  cJSON_AddNumberToObject(object.get(), name, number);
}
inline void set(const Json& object, const char* name, bool value) {
  cJSON_AddBoolToObject(object.get(), name, value);
}
inline void set(const Json& object, const char* name, Json value) {
  cJSON_AddItemToObject(object.get(), name, value.release());
}
