#pragma once

#include "Arduino.h"

enum wl_status_t { WL_CONNECTED = 3 };
enum wifi_mode_t { WIFI_STA = 1 };

/** A PC is in its network already. */
struct WiFiStation {
  bool mode(wifi_mode_t) { return true; }
  bool setAutoReconnect(bool) { return true; }
  wl_status_t begin(const char*, const char*) { return WL_CONNECTED; }
  wl_status_t status() { return WL_CONNECTED; }
  int8_t RSSI() { return -60; }
  String macAddress() { return getenv("BOARD_MAC") == nullptr ? "02:00:00:00:00:01" : getenv("BOARD_MAC"); }
};
extern WiFiStation WiFi;
