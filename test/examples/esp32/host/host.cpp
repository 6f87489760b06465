/** The Arduino core, NVS and the flash, on a PC. The image runs until SIGTERM. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "LittleFS.h"
#include "Preferences.h"
#include "WiFi.h"
#include "esp_ota_ops.h"
#include "otadata.h"

SerialPort Serial;
Chip ESP;
WiFiStation WiFi;
LittleFileSystem LittleFS;

std::string flashFolder() { return getenv("DEVICE_STORE"); }

uint32_t millis() {
  static const auto start = std::chrono::steady_clock::now();
  const auto since = std::chrono::steady_clock::now() - start;
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

void delay(uint32_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

uint32_t esp_random() { return std::random_device()(); }

void esp_restart() {
  fflush(stdout);
  _exit(RESTART);
}

// NVS

bool Preferences::begin(const char*) {
  folder = flashFolder() + "/nvs";
  return true;
}

std::string Preferences::pathOf(const char* key) const {
  if (std::string(key).size() > 15) abort();  // as NVS has it
  return folder + "/" + key;
}

bool Preferences::remove(const char* key) {
  const std::lock_guard<std::mutex> guard(mutex);
  return ::remove(pathOf(key).c_str()) == 0;
}

size_t Preferences::putString(const char* key, const char* value) {
  const std::lock_guard<std::mutex> guard(mutex);
  const std::string next = folder + "/.new";
  std::ofstream(next) << value;
  return rename(next.c_str(), pathOf(key).c_str()) == 0 ? std::string(value).size() : 0;
}

String Preferences::getString(const char* key, const char* otherwise) {
  const std::lock_guard<std::mutex> guard(mutex);
  std::ifstream file(pathOf(key));
  if (!file) return otherwise;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

uint32_t Preferences::getUInt(const char* key, uint32_t otherwise) {
  return static_cast<uint32_t>(getLong64(key, otherwise));
}
int64_t Preferences::getLong64(const char* key, int64_t otherwise) {
  return atoll(getString(key, std::to_string(otherwise).c_str()).c_str());
}
double Preferences::getDouble(const char* key, double otherwise) {
  return atof(getString(key, std::to_string(otherwise).c_str()).c_str());
}

// Flash

static const esp_partition_t SLOTS[] = {{4 * 1024 * 1024, "ota_0"}, {4 * 1024 * 1024, "ota_1"}};

static esp_err_t access(const esp_partition_t* slot, size_t offset, void* data, size_t size, bool isWrite) {
  if (offset + size > slot->size) return ESP_FAIL;
  const int file = open((flashFolder() + "/" + slot->label).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0755);
  if (file < 0) return ESP_FAIL;
  const auto at = static_cast<off_t>(offset);
  const ssize_t done = isWrite ? pwrite(file, data, size, at) : pread(file, data, size, at);
  close(file);
  return done == static_cast<ssize_t>(size) ? ESP_OK : ESP_FAIL;
}

esp_err_t esp_partition_erase_range(const esp_partition_t* slot, size_t offset, size_t size) {
  if (offset % 4096 != 0 || size % 4096 != 0) return ESP_FAIL;
  std::string blank(size, '\xff');
  return access(slot, offset, &blank[0], size, true);
}

/** As flash does: bits go from 1 to 0 only, so what was not erased before is spoilt. */
esp_err_t esp_partition_write(const esp_partition_t* slot, size_t offset, const void* data, size_t size) {
  std::string bytes(size, '\xff');
  if (access(slot, offset, &bytes[0], size, false) != ESP_OK) return ESP_FAIL;
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(bytes[i] & static_cast<const char*>(data)[i]);
  return access(slot, offset, &bytes[0], size, true);
}

esp_err_t esp_partition_read(const esp_partition_t* slot, size_t offset, void* data, size_t size) {
  return access(slot, offset, data, size, false);
}

const esp_partition_t* esp_ota_get_running_partition() { return &SLOTS[readOtaData(flashFolder()).slot]; }

const esp_partition_t* esp_ota_get_next_update_partition(const esp_partition_t*) {
  return &SLOTS[1 - (esp_ota_get_running_partition() - SLOTS)];
}

esp_err_t esp_ota_get_state_partition(const esp_partition_t*, esp_ota_img_states_t* state) {
  *state = readOtaData(flashFolder()).state == "pending" ? ESP_OTA_IMG_PENDING_VERIFY : ESP_OTA_IMG_VALID;
  return ESP_OK;
}

esp_err_t esp_ota_set_boot_partition(const esp_partition_t* slot) {
  char magic[4] = {};
  if (esp_partition_read(slot, 0, magic, sizeof magic) != ESP_OK || std::string(magic + 1, 3) != "ELF") return ESP_FAIL;
  writeOtaData(flashFolder(), {static_cast<int>(slot - SLOTS), "new"});
  return ESP_OK;
}

esp_err_t esp_ota_mark_app_valid_cancel_rollback() {
  writeOtaData(flashFolder(), {readOtaData(flashFolder()).slot, "valid"});
  return ESP_OK;
}

esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot() {
  writeOtaData(flashFolder(), {1 - readOtaData(flashFolder()).slot, "valid"});
  esp_restart();
}

static volatile sig_atomic_t isEnding = 0;

int main() {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  signal(SIGTERM, [](int) { isEnding = 1; });
  setup();
  while (!isEnding) loop();
  fflush(stdout);
  _exit(0);
}
