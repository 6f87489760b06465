/** What the sketch uses of ESP-IDF's MQTT client; by libmosquitto. */
#pragma once

#include "Arduino.h"

using esp_event_base_t = const char*;
using esp_event_handler_t = void (*)(void* arg, esp_event_base_t base, int32_t id, void* data);

enum esp_mqtt_event_id_t {
  MQTT_EVENT_ANY = -1,
  MQTT_EVENT_ERROR = 0,
  MQTT_EVENT_CONNECTED,
  MQTT_EVENT_DISCONNECTED,
  MQTT_EVENT_SUBSCRIBED,
  MQTT_EVENT_UNSUBSCRIBED,
  MQTT_EVENT_PUBLISHED,
  MQTT_EVENT_DATA
};
enum esp_mqtt_error_type_t {
  MQTT_ERROR_TYPE_NONE = 0,
  MQTT_ERROR_TYPE_TCP_TRANSPORT,
  MQTT_ERROR_TYPE_CONNECTION_REFUSED
};
enum esp_mqtt_protocol_ver_t { MQTT_PROTOCOL_UNDEFINED = 0, MQTT_PROTOCOL_V_3_1, MQTT_PROTOCOL_V_3_1_1 };

typedef struct esp_mqtt_client* esp_mqtt_client_handle_t;

struct esp_mqtt_error_codes_t {
  esp_mqtt_error_type_t error_type;
  int connect_return_code;
};

struct esp_mqtt_event_t {
  esp_mqtt_event_id_t event_id;
  esp_mqtt_client_handle_t client;
  char* data;
  int data_len;
  int total_data_len;
  int current_data_offset;
  char* topic;
  int topic_len;
  int msg_id;
  esp_mqtt_error_codes_t* error_handle;
};
typedef esp_mqtt_event_t* esp_mqtt_event_handle_t;

struct esp_mqtt_client_config_t {
  struct {
    struct {
      const char* uri;
    } address;
    struct {
      const char* certificate;
    } verification;
  } broker;
  struct {
    const char* username;
    const char* client_id;
    struct {
      const char* password;
    } authentication;
  } credentials;
  struct {
    struct {
      const char* topic;
      const char* msg;
      int msg_len;
      int qos;
      int retain;
    } last_will;
    int keepalive;
    esp_mqtt_protocol_ver_t protocol_ver;
  } session;
  struct {
    int reconnect_timeout_ms;
  } network;
};

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t*);
esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t, esp_mqtt_event_id_t, esp_event_handler_t, void* arg);
esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t);
int esp_mqtt_client_subscribe_single(esp_mqtt_client_handle_t, const char* topic, int qos);
int esp_mqtt_client_enqueue(esp_mqtt_client_handle_t, const char* topic, const char* data, int len, int qos, int retain,
                            bool store);
