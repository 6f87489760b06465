/** What the sketch uses of ESP-IDF's HTTP client; by libcurl. */
#pragma once

#include "Arduino.h"

enum esp_http_client_event_id_t { HTTP_EVENT_ON_DATA = 5 };
enum esp_http_client_method_t { HTTP_METHOD_GET, HTTP_METHOD_POST };
enum esp_http_client_auth_type_t { HTTP_AUTH_TYPE_NONE, HTTP_AUTH_TYPE_BASIC };

typedef struct esp_http_client* esp_http_client_handle_t;

struct esp_http_client_event_t {
  esp_http_client_event_id_t event_id;
  esp_http_client_handle_t client;
  void* data;
  int data_len;
  void* user_data;
};

struct esp_http_client_config_t {
  const char* url;
  const char* username;
  const char* password;
  esp_http_client_auth_type_t auth_type;
  const char* cert_pem;
  esp_http_client_method_t method;
  int timeout_ms;
  int buffer_size;
  esp_err_t (*event_handler)(esp_http_client_event_t*);
  void* user_data;
};

esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t*);
esp_err_t esp_http_client_set_header(esp_http_client_handle_t, const char* key, const char* value);
esp_err_t esp_http_client_set_post_field(esp_http_client_handle_t, const char* data, int len);
esp_err_t esp_http_client_perform(esp_http_client_handle_t);
bool esp_http_client_is_complete_data_received(esp_http_client_handle_t);
int esp_http_client_get_status_code(esp_http_client_handle_t);
esp_err_t esp_http_client_cleanup(esp_http_client_handle_t);
