#pragma once

#include "esp_partition.h"

enum esp_ota_img_states_t {
  ESP_OTA_IMG_NEW,
  ESP_OTA_IMG_PENDING_VERIFY,
  ESP_OTA_IMG_VALID,
  ESP_OTA_IMG_INVALID,
  ESP_OTA_IMG_ABORTED,
  ESP_OTA_IMG_UNDEFINED
};

const esp_partition_t* esp_ota_get_running_partition();
const esp_partition_t* esp_ota_get_next_update_partition(const esp_partition_t*);
esp_err_t esp_ota_get_state_partition(const esp_partition_t*, esp_ota_img_states_t*);
esp_err_t esp_ota_set_boot_partition(const esp_partition_t*);
esp_err_t esp_ota_mark_app_valid_cancel_rollback();
esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot();
