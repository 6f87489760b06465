/** What the sketch uses of the Arduino core for ESP32, on a PC. */
#pragma once

#include <sys/time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

using esp_err_t = int;
constexpr esp_err_t ESP_OK = 0;
constexpr esp_err_t ESP_FAIL = -1;

constexpr int LOW = 0, HIGH = 1, OUTPUT = 3;
inline void pinMode(int, int) {}
inline void digitalWrite(int, int) {}
inline float temperatureRead() { return 41.5f; }

uint32_t millis();
void delay(uint32_t ms);
uint32_t esp_random();
/** Ends the process with the code at which the board starts again. */
[[noreturn]] void esp_restart();
/** The folder that is this board's flash. */
std::string flashFolder();

class String {
 public:
  String(const char* text = "") : text(text) {}
  String(const std::string& text) : text(text) {}
  const char* c_str() const { return text.c_str(); }

 private:
  std::string text;
};

struct SerialPort {
  void begin(unsigned long) {}
  void println(const char* line) { printf("%s\n", line); }
  void printf(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
  }
};
extern SerialPort Serial;

struct Chip {
  uint32_t getFreeHeap() { return 200000; }
  void restart() { esp_restart(); }
};
extern Chip ESP;

inline void configTime(long, int, const char*) {}

#define SET_LOOP_TASK_STACK_SIZE(size) size_t getArduinoLoopTaskStackSize() { return size; }

void setup();
void loop();
