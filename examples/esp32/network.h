/** HTTP and MQTT, by the clients of ESP-IDF that ship with the Arduino core. */
#pragma once

#include <Arduino.h>
#include <esp_http_client.h>
#include <mqtt_client.h>

#include <functional>
#include <string>

#include "mailbox.h"
#include "settings.h"

/** The largest message from the server that this device has memory for. */
constexpr size_t MAX_MESSAGE = 16 * 1024;

struct Credentials {
  std::string uid;
  std::string secret;
};

/** One HTTP request. */
struct Request {
  std::string url;
  const Credentials* login = nullptr;
  /** With one it is a POST of JSON, otherwise a GET. */
  std::string body;
  /** Name and value of a further header. */
  std::string header, value;
  /** Called for each piece of the body of the answer. */
  std::function<void(int status, const char* data, size_t length)> onData;

  /** @returns the status; -1: no answer, or one that was cut off */
  int perform() {
    esp_http_client_config_t config = {};
    config.url = url.c_str();
    config.cert_pem = SERVER_CA;
    config.method = body.empty() ? HTTP_METHOD_GET : HTTP_METHOD_POST;
    config.timeout_ms = 20000;
    config.buffer_size = 4096;
    config.event_handler = onEvent;
    config.user_data = this;
    if (login != nullptr) {
      config.username = login->uid.c_str();
      config.password = login->secret.c_str();
      config.auth_type = HTTP_AUTH_TYPE_BASIC;
    }
    esp_http_client_handle_t client = esp_http_client_init(&config);
    if (client == nullptr) return -1;
    if (!header.empty()) esp_http_client_set_header(client, header.c_str(), value.c_str());
    if (!body.empty()) {
      esp_http_client_set_header(client, "Content-Type", "application/json");
      esp_http_client_set_post_field(client, body.data(), static_cast<int>(body.size()));
    }
    const bool isDone = esp_http_client_perform(client) == ESP_OK && esp_http_client_is_complete_data_received(client);
    const int status = isDone ? esp_http_client_get_status_code(client) : -1;
    esp_http_client_cleanup(client);
    return status;
  }

 private:
  static esp_err_t onEvent(esp_http_client_event_t* event) {
    auto* request = static_cast<Request*>(event->user_data);
    if (event->event_id == HTTP_EVENT_ON_DATA && request->onData) {
      const int status = esp_http_client_get_status_code(event->client);
      request->onData(status, static_cast<const char*>(event->data), static_cast<size_t>(event->data_len));
    }
    return ESP_OK;
  }
};

/** The connection to the broker. What comes in goes to the mailbox, as the client calls back in a task of its own. */
class Broker {
 public:
  Broker(Mailbox& mailbox, Credentials login) : mailbox(mailbox), login(std::move(login)), prefix("devices/" + this->login.uid + "/") {}

  void start() {
    const std::string will = prefix + "status";
    esp_mqtt_client_config_t config = {};
    config.broker.address.uri = MQTT_URI;
    config.broker.verification.certificate = SERVER_CA;
    config.credentials.client_id = login.uid.c_str();
    config.credentials.username = login.uid.c_str();
    config.credentials.authentication.password = login.secret.c_str();
    config.session.protocol_ver = MQTT_PROTOCOL_V_3_1_1;
    config.session.keepalive = 60;
    config.session.last_will.topic = will.c_str();
    config.session.last_will.msg = "{\"status\":\"OFFLINE\"}";
    config.session.last_will.qos = 1;
    // Not all devices of a site at the same instant.
    config.network.reconnect_timeout_ms = 3000 + static_cast<int>(esp_random() % 4000);
    client = esp_mqtt_client_init(&config);
    esp_mqtt_client_register_event(client, MQTT_EVENT_ANY, onEvent, this);
    esp_mqtt_client_start(client);
  }

  /** Commands and configuration come from now on. */
  void listen() {
    for (const char* channel : {"command", "config", "ota"}) {
      esp_mqtt_client_subscribe_single(client, (prefix + channel).c_str(), 1);
    }
  }

  int publish(const std::string& channel, const std::string& payload) {
    const std::string topic = prefix + channel;
    return esp_mqtt_client_enqueue(client, topic.c_str(), payload.data(), static_cast<int>(payload.size()), 1, 0, true);
  }

 private:
  Mailbox& mailbox;
  const Credentials login;
  const std::string prefix;
  esp_mqtt_client_handle_t client = nullptr;
  std::string channel, message;  // that comes in, in pieces of the client's buffer

  static void onEvent(void* self, esp_event_base_t, int32_t id, void* data) {
    static_cast<Broker*>(self)->on(static_cast<esp_mqtt_event_id_t>(id), *static_cast<esp_mqtt_event_handle_t>(data));
  }

  void on(esp_mqtt_event_id_t id, const esp_mqtt_event_t& event) {
    if (id == MQTT_EVENT_CONNECTED) {
      mailbox.put(Letter::Connected);
    } else if (id == MQTT_EVENT_DISCONNECTED) {
      mailbox.put(Letter::Disconnected);
    } else if (id == MQTT_EVENT_PUBLISHED) {
      mailbox.put(Letter::Published, event.msg_id);
    } else if (id == MQTT_EVENT_ERROR && event.error_handle->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED) {
      mailbox.put(Letter::Refused, event.error_handle->connect_return_code);
    } else if (id == MQTT_EVENT_DATA) {
      if (event.current_data_offset == 0) {
        channel = std::string(event.topic, static_cast<size_t>(event.topic_len)).substr(prefix.size());
        message.clear();
      }
      const auto total = static_cast<size_t>(event.total_data_len);
      // One that is too large reaches the device as an empty one, which it complains about.
      if (total <= MAX_MESSAGE) message.append(event.data, static_cast<size_t>(event.data_len));
      if (event.current_data_offset + event.data_len < event.total_data_len) return;
      mailbox.put(Letter::Message, 0, channel, message);
    }
  }
};
