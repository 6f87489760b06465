#include <mosquitto.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <thread>

#include "mqtt_client.h"

/** As the client of ESP-IDF hands a message out when its buffer is small: in pieces, the topic with the first one. */
constexpr int BUFFER = 256;

struct esp_mqtt_client {
  mosquitto* client;
  std::string host;
  int port;
  int keepalive;
  esp_event_handler_t handler;
  void* argument;

  void tell(esp_mqtt_event_t event) {
    event.client = this;
    handler(argument, "MQTT_EVENTS", event.event_id, &event);
  }
};

static esp_mqtt_client* self(void* object) { return static_cast<esp_mqtt_client*>(object); }

static esp_mqtt_event_t eventOf(esp_mqtt_event_id_t id) {
  esp_mqtt_event_t event{};
  event.event_id = id;
  return event;
}

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t* config) {
  mosquitto_lib_init();
  const std::string uri = config->broker.address.uri;
  const size_t host = uri.find("://") + 3, colon = uri.find(':', host);
  auto* client = new esp_mqtt_client{};
  client->host = uri.substr(host, colon - host);
  client->port = atoi(uri.c_str() + colon + 1);
  client->keepalive = config->session.keepalive;
  mosquitto* m = client->client = mosquitto_new(config->credentials.client_id, true, client);
  mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V311);
  mosquitto_username_pw_set(m, config->credentials.username, config->credentials.authentication.password);
  const auto& will = config->session.last_will;
  mosquitto_will_set(m, will.topic, static_cast<int>(strlen(will.msg)), will.msg, will.qos, false);
  const auto seconds = static_cast<unsigned>(config->network.reconnect_timeout_ms / 1000);
  mosquitto_reconnect_delay_set(m, seconds, seconds, false);
  if (uri.rfind("mqtts://", 0) == 0) {
    const std::string file = flashFolder() + "/server-ca.pem";
    std::ofstream(file) << config->broker.verification.certificate;
    mosquitto_tls_set(m, file.c_str(), nullptr, nullptr, nullptr, nullptr);
  }
  mosquitto_connect_callback_set(m, [](mosquitto*, void* object, int code) {
    if (code == 0) return self(object)->tell(eventOf(MQTT_EVENT_CONNECTED));
    esp_mqtt_error_codes_t error{MQTT_ERROR_TYPE_CONNECTION_REFUSED, code};
    esp_mqtt_event_t event = eventOf(MQTT_EVENT_ERROR);
    event.error_handle = &error;
    self(object)->tell(event);
  });
  mosquitto_disconnect_callback_set(m, [](mosquitto*, void* object, int) { self(object)->tell(eventOf(MQTT_EVENT_DISCONNECTED)); });
  mosquitto_publish_callback_set(m, [](mosquitto*, void* object, int id) {
    esp_mqtt_event_t event = eventOf(MQTT_EVENT_PUBLISHED);
    event.msg_id = id;
    self(object)->tell(event);
  });
  mosquitto_message_callback_set(m, [](mosquitto*, void* object, const mosquitto_message* message) {
    int offset = 0;
    do {
      esp_mqtt_event_t event = eventOf(MQTT_EVENT_DATA);
      event.topic = offset == 0 ? message->topic : nullptr;
      event.topic_len = offset == 0 ? static_cast<int>(strlen(message->topic)) : 0;
      event.data = static_cast<char*>(message->payload) + offset;
      event.data_len = std::min(BUFFER, message->payloadlen - offset);
      event.total_data_len = message->payloadlen;
      event.current_data_offset = offset;
      self(object)->tell(event);
      offset += event.data_len;
    } while (offset < message->payloadlen);
  });
  return client;
}

esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t, esp_event_handler_t handler,
                                         void* argument) {
  client->handler = handler;
  client->argument = argument;
  return ESP_OK;
}

/** libmosquitto connects again only where it was connected before, so the first time is tried here. */
static void connectAndStay(esp_mqtt_client* client) {
  while (mosquitto_connect(client->client, client->host.c_str(), client->port, client->keepalive) != MOSQ_ERR_SUCCESS) {
    delay(1000);
  }
  mosquitto_loop_forever(client->client, -1, 1);
}

esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client) {
  mosquitto_threaded_set(client->client, true);
  std::thread(connectAndStay, client).detach();
  return ESP_OK;
}

int esp_mqtt_client_subscribe_single(esp_mqtt_client_handle_t client, const char* topic, int qos) {
  int id = -1;
  return mosquitto_subscribe(client->client, &id, topic, qos) == MOSQ_ERR_SUCCESS ? id : -1;
}

int esp_mqtt_client_enqueue(esp_mqtt_client_handle_t client, const char* topic, const char* data, int length, int qos,
                            int retain, bool) {
  int id = -1;
  return mosquitto_publish(client->client, &id, topic, length, data, qos, retain != 0) == MOSQ_ERR_SUCCESS ? id : -1;
}
