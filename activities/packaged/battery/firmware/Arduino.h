// As much of Arduino for ESP32 as the monitor uses, so that it can be compiled and run on any machine.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ESP_ARDUINO_VERSION_MAJOR 3

#define LOW 0
#define HIGH 1
#define INPUT 0
#define OUTPUT 1
#define INPUT_PULLUP 2
#define LSBFIRST 0
#define MSBFIRST 1

uint32_t millis();
uint32_t micros();
void delay(uint32_t ms);
void delayMicroseconds(uint32_t us);
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);
int digitalRead(uint8_t pin);
int analogRead(uint8_t pin);
void analogReadResolution(uint8_t bits);
void shiftOut(uint8_t data, uint8_t clock, uint8_t order, uint8_t value);

/// What is printed is a line at a time; the simulated pack keeps the last one.
class HardwareSerial {
 public:
  void begin(unsigned long) {}
  size_t print(const char *text);
  size_t println(const char *text = "");
  int printf(const char *format, ...) __attribute__((format(printf, 2, 3)));
};
extern HardwareSerial Serial;

void setup();
void loop();
