/** The two partitions that images run from. */
#pragma once

#include <esp_ota_ops.h>
#include <esp_partition.h>

#include "download.h"

/** The partition that does not run. */
class OtherSlot : public Slot {
 public:
  OtherSlot() : partition(esp_ota_get_next_update_partition(nullptr)) {}

  /** Bytes; 0: the flash has one partition for images only, and cannot be updated. */
  int64_t size() const { return partition == nullptr ? 0 : static_cast<int64_t>(partition->size); }

  bool erase(size_t offset, size_t length) override {
    return esp_partition_erase_range(partition, offset, length) == ESP_OK;
  }
  bool write(size_t offset, const unsigned char* data, size_t length) override {
    return esp_partition_write(partition, offset, data, length) == ESP_OK;
  }
  bool read(size_t offset, unsigned char* data, size_t length) override {
    return esp_partition_read(partition, offset, data, length) == ESP_OK;
  }

  /** It runs from the next start on. @returns false when it is no image for this chip */
  bool choose() { return esp_ota_set_boot_partition(partition) == ESP_OK; }

 private:
  const esp_partition_t* partition;
};

/** Whether this image is new: unless it is confirmed, the bootloader goes back to the one before at the next start. */
inline bool isOnTrial() {
  esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
  return esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK &&
         state == ESP_OTA_IMG_PENDING_VERIFY;
}
