#include <curl/curl.h>

#include "esp_http_client.h"

struct esp_http_client {
  CURL* curl;
  curl_slist* headers;
  esp_http_client_config_t config;
  bool isComplete;
};

static size_t onData(char* data, size_t, size_t length, void* self) {
  auto* client = static_cast<esp_http_client*>(self);
  esp_http_client_event_t event{HTTP_EVENT_ON_DATA, client, data, static_cast<int>(length), client->config.user_data};
  client->config.event_handler(&event);
  return length;
}

esp_http_client_handle_t esp_http_client_init(const esp_http_client_config_t* config) {
  auto* client = new esp_http_client{curl_easy_init(), nullptr, *config, false};
  CURL* curl = client->curl;
  curl_easy_setopt(curl, CURLOPT_URL, config->url);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 4096L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, config->timeout_ms / 1000L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, onData);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
  // Who is trusted is the sketch's to say, and nobody else is.
  curl_easy_setopt(curl, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  if (config->cert_pem != nullptr) {
    curl_blob authority{const_cast<char*>(config->cert_pem), std::string(config->cert_pem).size(), CURL_BLOB_COPY};
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authority);
  }
  if (config->auth_type == HTTP_AUTH_TYPE_BASIC) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, config->username);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, config->password);
  }
  return client;
}

esp_err_t esp_http_client_set_header(esp_http_client_handle_t client, const char* key, const char* value) {
  client->headers = curl_slist_append(client->headers, (std::string(key) + ": " + value).c_str());
  return ESP_OK;
}

esp_err_t esp_http_client_set_post_field(esp_http_client_handle_t client, const char* data, int length) {
  curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(length));
  curl_easy_setopt(client->curl, CURLOPT_COPYPOSTFIELDS, data);
  return ESP_OK;
}

esp_err_t esp_http_client_perform(esp_http_client_handle_t client) {
  curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
  client->isComplete = curl_easy_perform(client->curl) == CURLE_OK;
  return client->isComplete ? ESP_OK : ESP_FAIL;
}

bool esp_http_client_is_complete_data_received(esp_http_client_handle_t client) { return client->isComplete; }

int esp_http_client_get_status_code(esp_http_client_handle_t client) {
  long status = 0;
  curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

esp_err_t esp_http_client_cleanup(esp_http_client_handle_t client) {
  curl_slist_free_all(client->headers);
  curl_easy_cleanup(client->curl);
  delete client;
  return ESP_OK;
}
