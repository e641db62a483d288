// Where the parts are connected to an ESP32 (ADC1 pins, since ADC2 is not to be had while the radio works).
#pragma once

#include <stdint.h>

// Three multiplexers of sixteen channels share the four select lines: two for cells, one for thermistors.
const uint8_t PIN_SELECT[4] = {16, 17, 18, 19};
const uint8_t PIN_CELLS_ADC[2] = {34, 35};
const uint8_t PIN_THERMISTORS_ADC = 32;
const uint8_t PIN_CURRENT_ADC = 36;
const uint8_t PIN_PACK_ADC = 39;

const uint8_t PIN_CHARGE = 25;     // HIGH closes the charge contactor
const uint8_t PIN_DISCHARGE = 26;  // HIGH closes the discharge contactor
const uint8_t PIN_ALARM = 27;
const uint8_t PIN_RESET_BUTTON = 14;  // to ground while it is pressed

// Shift registers whose outputs switch the bleeding resistors; cell 1 is the lowest bit.
const uint8_t PIN_BALANCE_DATA = 21;
const uint8_t PIN_BALANCE_CLOCK = 22;
const uint8_t PIN_BALANCE_LATCH = 23;
