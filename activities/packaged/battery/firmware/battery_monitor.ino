// Monitor of the battery pack "@PACK_NAME@": @CELLS@ cells "@CELL_NAME@" in series.
// Generated from the cell's datasheet and the pack's description; change those and generate it again.
//
// Every @SAMPLE_MS@ ms it measures, compares with LIMITS, and opens or closes the two contactors.  Nothing is closed
// before it has measured without an objection for a while.  What is latched stays until somebody presses the button.
// It is no protection against a short circuit in microseconds: that is the fuse's.
#include <Arduino.h>
#include <esp_task_wdt.h>
#include <math.h>

#include "board_pins.h"

const int CELLS = @CELLS@;
const int THERMISTORS = @THERMISTORS@;

// How what is measured becomes volts and amperes.
const float ADC_VOLTS = 3.3f;
const int ADC_STEPS = 4095;
const float CELL_GAIN = @CELL_GAIN@f;         // volts at the multiplexer for each volt of a cell
const float PACK_GAIN = @PACK_GAIN@f;         // the divider of the pack's voltage
const float CURRENT_RANGE_A = @CURRENT_RANGE_A@f;  // at either end of the converter; 0 A is in the middle
const float NTC_OHM_25 = 10000.0f;
const float NTC_BETA = 3950.0f;
const float NTC_SERIES_OHM = 10000.0f;

// Readings that no intact cell or thermistor gives.
const int32_t CELL_LEAST_MV = 500;
const int32_t CELL_MOST_MV = 4500;
const int32_t TEMPERATURE_LEAST = -400;  // 0.1 degrees Celsius
const int32_t TEMPERATURE_MOST = 1200;

const uint32_t SAMPLE_MS = @SAMPLE_MS@;
const uint32_t STARTUP_MS = 2000;
const uint32_t BUTTON_MS = 3000;
const uint32_t REPORT_MS = 1000;
const uint32_t WATCHDOG_MS = 2000;
const uint32_t TRIP_MEMORY_MS = 600000;

// Balancing.
const int32_t BALANCE_FROM_MV = @BALANCE_FROM_MV@;
const int32_t BALANCE_START_MV = @BALANCE_START_MV@;
const int32_t BALANCE_STOP_MV = @BALANCE_STOP_MV@;
const int32_t BALANCE_MOST_TEMPERATURE = @BALANCE_MOST_TEMPERATURE@;

// State of charge by counting.
const float CAPACITY_MAS = @CAPACITY_MAS@f;  // mA times s
const int32_t FULL_CELL_MV = @FULL_CELL_MV@;
const int32_t FULL_CURRENT_MA = @FULL_CURRENT_MA@;
const uint32_t FULL_MS = 60000;

const uint8_t BLOCKS_NOTHING = 0;
const uint8_t BLOCKS_CHARGE = 1;
const uint8_t BLOCKS_DISCHARGE = 2;
const uint8_t BLOCKS_ALL = 3;

enum Quantity {
  HIGHEST_CELL,      // mV
  LOWEST_CELL,       // mV
  SPREAD,            // mV between the two
  CHARGE_CURRENT,    // mA
  DISCHARGE_CURRENT, // mA
  ANY_CURRENT,       // mA, whichever way
  HIGHEST_TEMPERATURE,  // 0.1 degrees Celsius
  LOWEST_TEMPERATURE,
  BAD_CELLS,         // readings that cannot be
  BAD_THERMISTORS,
  PACK_DIFFERENCE    // mV between the pack's voltage and the sum of its cells
};

struct Limit {
  const char *name;
  Quantity quantity;
  bool above;         // trips above `trip`; else below it
  int32_t trip;
  int32_t recover;    // it is over when the value is back beyond this
  uint32_t delayMs;   // trips after so long
  uint32_t holdMs;    // and does not recover before this
  uint8_t tripsToLatch;  // 1: at once; 0: never
  uint8_t blocks;
};

const Limit LIMITS[] = {
@LIMITS@
};
const int LIMIT_COUNT = sizeof(LIMITS) / sizeof(LIMITS[0]);

struct Guard {
  bool pending;
  bool tripped;
  bool latched;
  uint8_t trips;
  uint32_t since;      // pending
  uint32_t trippedAt;
};

Guard guards[LIMIT_COUNT];

int32_t cellMv[CELLS];
int32_t temperature[THERMISTORS];
int32_t currentMa;  // positive: charging
int32_t packMv;
int32_t values[PACK_DIFFERENCE + 1];

uint32_t balanceBits;
float chargeMas = CAPACITY_MAS / 2;
uint32_t lastSample;
uint32_t lastReport;
uint32_t goodSince;
bool sampled;
uint32_t fullSince;
bool nearlyFull;
uint32_t buttonSince;
bool buttonDown;
char lastState[160];

// --- measuring ---------------------------------------------------------------------------------------------------

float adcVolts(uint8_t pin) {
  int32_t sum = 0;
  for (int i = 0; i < 4; ++i) sum += analogRead(pin);
  return (float)sum * ADC_VOLTS / (4.0f * ADC_STEPS);
}

void selectChannel(int channel) {
  for (int bit = 0; bit < 4; ++bit) digitalWrite(PIN_SELECT[bit], (channel >> bit) & 1 ? HIGH : LOW);
  delayMicroseconds(50);
}

int32_t thermistorTenths(float volts) {
  if (volts <= 0.02f) return TEMPERATURE_MOST + 1;              // shorted
  if (volts >= ADC_VOLTS - 0.02f) return TEMPERATURE_LEAST - 1;  // not connected
  const float ohm = NTC_SERIES_OHM * volts / (ADC_VOLTS - volts);
  const float kelvin = 1.0f / (1.0f / 298.15f + logf(ohm / NTC_OHM_25) / NTC_BETA);
  return (int32_t)lroundf((kelvin - 273.15f) * 10.0f);
}

void writeBalance(uint32_t bits) {
  digitalWrite(PIN_BALANCE_LATCH, LOW);
  for (int byteIndex = (CELLS - 1) / 8; byteIndex >= 0; --byteIndex) {
    shiftOut(PIN_BALANCE_DATA, PIN_BALANCE_CLOCK, MSBFIRST, (uint8_t)(bits >> (8 * byteIndex)));
  }
  digitalWrite(PIN_BALANCE_LATCH, HIGH);
}

void measure() {
  writeBalance(0);  // a cell that is bled reads low
  delayMicroseconds(2000);
  for (int channel = 0; channel < 16; ++channel) {
    selectChannel(channel);
    for (int bank = 0; bank < 2; ++bank) {
      const int cell = bank * 16 + channel;
      if (cell < CELLS) cellMv[cell] = (int32_t)lroundf(adcVolts(PIN_CELLS_ADC[bank]) / CELL_GAIN * 1000.0f);
    }
    if (channel < THERMISTORS) temperature[channel] = thermistorTenths(adcVolts(PIN_THERMISTORS_ADC));
  }
  const float middle = ADC_VOLTS / 2.0f;
  currentMa = (int32_t)lroundf((adcVolts(PIN_CURRENT_ADC) - middle) / middle * CURRENT_RANGE_A * 1000.0f);
  packMv = (int32_t)lroundf(adcVolts(PIN_PACK_ADC) / PACK_GAIN * 1000.0f);
}

// Extremes are of the readings that can be; the others are counted.
void evaluateCells() {
  int32_t lowest = CELL_MOST_MV;
  int32_t highest = CELL_LEAST_MV;
  int32_t sum = 0;
  int32_t bad = 0;
  for (int i = 0; i < CELLS; ++i) {
    sum += cellMv[i];
    if (cellMv[i] < CELL_LEAST_MV || cellMv[i] > CELL_MOST_MV) {
      ++bad;
      continue;
    }
    if (cellMv[i] < lowest) lowest = cellMv[i];
    if (cellMv[i] > highest) highest = cellMv[i];
  }
  values[HIGHEST_CELL] = highest;
  values[LOWEST_CELL] = lowest;
  values[SPREAD] = highest > lowest ? highest - lowest : 0;
  values[BAD_CELLS] = bad;
  values[PACK_DIFFERENCE] = sum > packMv ? sum - packMv : packMv - sum;
}

void evaluateTemperatures() {
  int32_t lowest = TEMPERATURE_MOST;
  int32_t highest = TEMPERATURE_LEAST;
  int32_t bad = 0;
  for (int i = 0; i < THERMISTORS; ++i) {
    if (temperature[i] < TEMPERATURE_LEAST || temperature[i] > TEMPERATURE_MOST) {
      ++bad;
      continue;
    }
    if (temperature[i] < lowest) lowest = temperature[i];
    if (temperature[i] > highest) highest = temperature[i];
  }
  values[HIGHEST_TEMPERATURE] = highest;
  values[LOWEST_TEMPERATURE] = lowest;
  values[BAD_THERMISTORS] = bad;
}

void evaluate() {
  evaluateCells();
  evaluateTemperatures();
  values[CHARGE_CURRENT] = currentMa;
  values[DISCHARGE_CURRENT] = -currentMa;
  values[ANY_CURRENT] = currentMa < 0 ? -currentMa : currentMa;
}

// --- limits ------------------------------------------------------------------------------------------------------

bool isBeyond(const Limit &limit) {
  const int32_t value = values[limit.quantity];
  return limit.above ? value > limit.trip : value < limit.trip;
}

bool isBack(const Limit &limit) {
  const int32_t value = values[limit.quantity];
  return limit.above ? value < limit.recover : value > limit.recover;
}

void tripGuard(const Limit &limit, Guard &guard, uint32_t now) {
  if (guard.trips > 0 && now - guard.trippedAt > TRIP_MEMORY_MS) guard.trips = 0;
  if (guard.trips < 255) ++guard.trips;
  guard.pending = false;
  guard.tripped = true;
  guard.trippedAt = now;
  if (limit.tripsToLatch > 0 && guard.trips >= limit.tripsToLatch) guard.latched = true;
}

void updateGuard(const Limit &limit, Guard &guard, uint32_t now) {
  if (guard.tripped) {
    if (!guard.latched && isBack(limit) && now - guard.trippedAt >= limit.holdMs) guard.tripped = false;
    return;
  }
  if (!isBeyond(limit)) {
    guard.pending = false;
    return;
  }
  if (!guard.pending) {
    guard.pending = true;
    guard.since = now;
  }
  if (now - guard.since >= limit.delayMs) tripGuard(limit, guard, now);
}

// The button forgets what is latched, where the reason has gone.
void updateButton(uint32_t now) {
  const bool down = digitalRead(PIN_RESET_BUTTON) == LOW;
  if (down && !buttonDown) buttonSince = now;
  buttonDown = down;
  if (!down || now - buttonSince < BUTTON_MS) return;
  for (int i = 0; i < LIMIT_COUNT; ++i) {
    if (!guards[i].latched || !isBack(LIMITS[i])) continue;
    guards[i] = Guard();
    goodSince = now;
  }
}

// --- what follows ------------------------------------------------------------------------------------------------

uint8_t blockedBy() {
  uint8_t blocked = BLOCKS_NOTHING;
  for (int i = 0; i < LIMIT_COUNT; ++i) {
    if (guards[i].latched) return BLOCKS_ALL;
    if (guards[i].tripped) blocked |= LIMITS[i].blocks;
  }
  return blocked;
}

const char *stateName() {
  const char *name = "NORMAL";
  for (int i = 0; i < LIMIT_COUNT; ++i) {
    if (guards[i].latched) return "FAULT";
    if (!guards[i].tripped) continue;
    if (LIMITS[i].blocks != BLOCKS_NOTHING) {
      name = "PROTECT";
    } else if (name[0] == 'N') {
      name = "WARNING";
    }
  }
  return name;
}

bool isStarting(uint32_t now) { return now - goodSince < STARTUP_MS; }

void updateOutputs(uint32_t now) {
  uint8_t blocked = blockedBy();
  if (isStarting(now)) blocked = BLOCKS_ALL;
  digitalWrite(PIN_CHARGE, blocked & BLOCKS_CHARGE ? LOW : HIGH);
  digitalWrite(PIN_DISCHARGE, blocked & BLOCKS_DISCHARGE ? LOW : HIGH);
  digitalWrite(PIN_ALARM, stateName()[0] == 'N' ? LOW : HIGH);
}

// Cells well above the lowest one are bled, while the pack is high, cool and not in trouble.
void updateBalancing() {
  const char *state = stateName();
  const bool allowed = state[0] != 'F' && values[LOWEST_CELL] > BALANCE_FROM_MV && currentMa >= -FULL_CURRENT_MA &&
                       values[HIGHEST_TEMPERATURE] < BALANCE_MOST_TEMPERATURE;
  uint32_t bits = 0;
  for (int i = 0; i < CELLS && allowed; ++i) {
    const int32_t lead = cellMv[i] - values[LOWEST_CELL];
    const bool was = (balanceBits >> i) & 1;
    if (lead > (was ? BALANCE_STOP_MV : BALANCE_START_MV)) bits |= (uint32_t)1 << i;
  }
  balanceBits = bits;
  writeBalance(bits);
}

// Counts what flows; full is where a cell is high and takes little, empty is where a cell is too low.
void updateCharge(uint32_t now, uint32_t elapsedMs) {
  chargeMas += (float)currentMa * (float)elapsedMs / 1000.0f;
  if (chargeMas > CAPACITY_MAS) chargeMas = CAPACITY_MAS;
  if (chargeMas < 0.0f) chargeMas = 0.0f;
  const bool full = values[HIGHEST_CELL] >= FULL_CELL_MV && currentMa >= 0 && currentMa <= FULL_CURRENT_MA;
  if (full && !nearlyFull) fullSince = now;
  nearlyFull = full;
  if (full && now - fullSince >= FULL_MS) chargeMas = CAPACITY_MAS;
  for (int i = 0; i < LIMIT_COUNT; ++i) {
    if (LIMITS[i].quantity == LOWEST_CELL && LIMITS[i].blocks != BLOCKS_NOTHING && guards[i].tripped) chargeMas = 0.0f;
  }
}

void appendReasons(char *text, size_t size) {
  size_t used = strlen(text);
  bool any = false;
  for (int i = 0; i < LIMIT_COUNT; ++i) {
    if (!guards[i].tripped) continue;
    used += (size_t)snprintf(text + used, size - used, "%s%s", any ? "+" : "", LIMITS[i].name);
    any = true;
    if (used + 24 > size) break;
  }
  if (!any) snprintf(text + used, size - used, "-");
}

void report(uint32_t now) {
  char state[sizeof(lastState)];
  snprintf(state, sizeof(state), "state=%s reason=", isStarting(now) ? "STARTING" : stateName());
  appendReasons(state, sizeof(state));
  if (strcmp(state, lastState) == 0 && now - lastReport < REPORT_MS) return;
  lastReport = now;
  strcpy(lastState, state);
  Serial.printf("%s soc=%d lowest=%d highest=%d current=%d coldest=%d hottest=%d\n", state,
                (int)lroundf(chargeMas / CAPACITY_MAS * 1000.0f), (int)values[LOWEST_CELL], (int)values[HIGHEST_CELL],
                (int)currentMa, (int)values[LOWEST_TEMPERATURE], (int)values[HIGHEST_TEMPERATURE]);
}

void startWatchdog() {
#if ESP_ARDUINO_VERSION_MAJOR >= 3
  esp_task_wdt_config_t config = {};
  config.timeout_ms = WATCHDOG_MS;
  config.trigger_panic = true;
  if (esp_task_wdt_reconfigure(&config) != ESP_OK) esp_task_wdt_init(&config);
#else
  esp_task_wdt_init(WATCHDOG_MS / 1000, true);
#endif
  esp_task_wdt_add(NULL);
}

void setup() {
  digitalWrite(PIN_CHARGE, LOW);  // before they become outputs
  digitalWrite(PIN_DISCHARGE, LOW);
  pinMode(PIN_CHARGE, OUTPUT);
  pinMode(PIN_DISCHARGE, OUTPUT);
  pinMode(PIN_ALARM, OUTPUT);
  pinMode(PIN_RESET_BUTTON, INPUT_PULLUP);
  for (int bit = 0; bit < 4; ++bit) pinMode(PIN_SELECT[bit], OUTPUT);
  pinMode(PIN_BALANCE_DATA, OUTPUT);
  pinMode(PIN_BALANCE_CLOCK, OUTPUT);
  pinMode(PIN_BALANCE_LATCH, OUTPUT);
  writeBalance(0);
  analogReadResolution(12);
  Serial.begin(115200);
  startWatchdog();
  lastSample = millis();
  goodSince = millis();
}

void loop() {
  const uint32_t now = millis();
  const uint32_t elapsed = now - lastSample;
  if (elapsed < SAMPLE_MS) return;
  lastSample = now;
  measure();
  evaluate();
  for (int i = 0; i < LIMIT_COUNT; ++i) updateGuard(LIMITS[i], guards[i], now);
  updateButton(now);
  updateCharge(now, sampled ? elapsed : 0);
  sampled = true;
  updateOutputs(now);
  updateBalancing();
  report(now);
  esp_task_wdt_reset();
}
