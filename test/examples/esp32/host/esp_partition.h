#pragma once

#include "Arduino.h"

struct esp_partition_t {
  uint32_t size;
  char label[17];
};

esp_err_t esp_partition_erase_range(const esp_partition_t*, size_t offset, size_t size);
esp_err_t esp_partition_write(const esp_partition_t*, size_t offset, const void* data, size_t size);
esp_err_t esp_partition_read(const esp_partition_t*, size_t offset, void* data, size_t size);
