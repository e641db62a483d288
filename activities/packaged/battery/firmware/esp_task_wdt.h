// The task watchdog of an ESP32, as its Arduino core of version 3 has it; the simulated pack watches the time.
#pragma once

#include <stdint.h>

typedef int esp_err_t;
#define ESP_OK 0

typedef struct {
  uint32_t timeout_ms;
  uint32_t idle_core_mask;
  bool trigger_panic;
} esp_task_wdt_config_t;

esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t *config);
esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config);
esp_err_t esp_task_wdt_add(void *task);
esp_err_t esp_task_wdt_reset();
