#pragma once

#include "Arduino.h"

struct esp_pthread_cfg_t {
  size_t stack_size;
};
inline esp_pthread_cfg_t esp_pthread_get_default_config() { return {3072}; }
inline esp_err_t esp_pthread_set_cfg(const esp_pthread_cfg_t*) { return ESP_OK; }
