// A battery pack, an ESP32 and a clock in memory, and a test plan that is played on them:
//
//   c++ -std=c++17 -I. -x c++ battery_monitor.ino simulated_pack.cpp -o run_plan && ./run_plan test_plan.txt
//
// It prints "ok ID" or "not ok ID: LINE: why" for each case, and fails when a case did.  The plan's words are listed at
// Player::Step.  Each case has a process of its own, so that the monitor begins anew.
#include <Arduino.h>
#include <board_pins.h>
#include <esp_task_wdt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct WatchdogReset {};

/// What the world is: set by the plan, read by the monitor through its pins.
struct World {
  int cells = 0;
  int thermistors = 0;
  double cell_gain = 0.5;
  double pack_gain = 0.05;
  double range_a = 0;
  double capacity_as = 0;    // ampere seconds
  double resistance_ohm = 0;  // of a cell
  double bleed_a = 0;

  uint64_t now_us = 1000000;
  std::vector<double> cell_v;
  std::vector<double> soc;  // 0 to 1, where the pack lives
  bool lives = false;
  std::vector<double> celsius;
  double wanted_a = 0;        // what charger or load would make flow; positive: charging
  double pack_offset_v = 0;   // how wrong the pack's voltage is measured
  std::vector<bool> cell_open, thermistor_open, thermistor_shorted;
  uint64_t stall_us = 0;      // the next conversion takes so long
  bool button = false;
  double highest_v = 0;       // ever, of a cell
  double lowest_v = 99;

  int pins[64] = {};
  uint32_t shift = 0;
  uint32_t balance = 0;
  bool watched = false;
  uint64_t watchdog_us = 0;
  uint64_t fed_us = 0;
  int resets = 0;
  std::string line, last_line;

  double Current() const {
    if (wanted_a > 0 && pins[PIN_CHARGE] == LOW) return 0;
    if (wanted_a < 0 && pins[PIN_DISCHARGE] == LOW) return 0;
    return wanted_a;
  }
};

World world;

/// Rest voltage of a LiFePO4 cell by its state of charge, roughly.
double RestVolts(double soc) {
  static const double kCurve[][2] = {{-0.02, 2.20}, {0.00, 2.50}, {0.02, 2.90}, {0.05, 3.05}, {0.10, 3.18},
                                     {0.20, 3.24},  {0.40, 3.28}, {0.60, 3.30}, {0.80, 3.33}, {0.95, 3.37},
                                     {0.98, 3.42},  {0.99, 3.48}, {1.00, 3.60}, {1.02, 3.90}};
  const size_t points = sizeof(kCurve) / sizeof(kCurve[0]);
  if (soc <= kCurve[0][0]) return kCurve[0][1];
  for (size_t i = 1; i < points; ++i) {
    if (soc > kCurve[i][0]) continue;
    const double share = (soc - kCurve[i - 1][0]) / (kCurve[i][0] - kCurve[i - 1][0]);
    return kCurve[i - 1][1] + share * (kCurve[i][1] - kCurve[i - 1][1]);
  }
  return kCurve[points - 1][1];
}

void Live(double seconds) {
  const double amperes = world.Current();
  for (int i = 0; i < world.cells && world.lives; ++i) {
    const bool bled = (world.balance >> i) & 1;
    world.soc[i] += (amperes - (bled ? world.bleed_a : 0)) * seconds / world.capacity_as;
    world.cell_v[i] = RestVolts(world.soc[i]) + amperes * world.resistance_ohm;
  }
  for (const double volts : world.cell_v) {
    world.highest_v = std::max(world.highest_v, volts);
    world.lowest_v = std::min(world.lowest_v, volts);
  }
}

void Pass(uint64_t us) {
  world.now_us += us;
  if (world.watched && world.now_us - world.fed_us > world.watchdog_us) {
    world.watched = false;
    ++world.resets;
    for (int &pin : world.pins) pin = LOW;
    throw WatchdogReset();
  }
}

int Steps(double volts) {
  return static_cast<int>(lround(std::clamp(volts / 3.3, 0.0, 1.0) * 4095));
}

double ThermistorVolts(int index) {
  if (world.thermistor_open[index]) return 3.3;
  if (world.thermistor_shorted[index]) return 0;
  const double kelvin = world.celsius[index] + 273.15;
  const double ohm = 10000 * exp(3950 * (1 / kelvin - 1 / 298.15));
  return 3.3 * ohm / (ohm + 10000);
}

double VoltsAt(uint8_t pin) {
  int channel = 0;
  for (int bit = 0; bit < 4; ++bit) channel |= world.pins[PIN_SELECT[bit]] << bit;
  if (pin == PIN_CURRENT_ADC) return 1.65 * (1 + world.Current() / world.range_a);
  if (pin == PIN_PACK_ADC) {
    double sum = world.pack_offset_v;
    for (const double volts : world.cell_v) sum += volts;
    return sum * world.pack_gain;
  }
  if (pin == PIN_THERMISTORS_ADC) return channel < world.thermistors ? ThermistorVolts(channel) : 3.3;
  const int cell = channel + (pin == PIN_CELLS_ADC[1] ? 16 : 0);
  if (cell >= world.cells || world.cell_open[cell]) return 0;
  // The wire through which a cell is bled drops some of its voltage.
  const double drop = (world.balance >> cell) & 1 ? 0.02 : 0;
  return (world.cell_v[cell] - drop) * world.cell_gain;
}

}  // namespace

HardwareSerial Serial;

uint32_t millis() { return static_cast<uint32_t>(world.now_us / 1000); }
uint32_t micros() { return static_cast<uint32_t>(world.now_us); }
void delay(uint32_t ms) { Pass(ms * 1000ull); }
void delayMicroseconds(uint32_t us) { Pass(us); }
void pinMode(uint8_t, uint8_t) {}
void analogReadResolution(uint8_t) {}
int analogRead(uint8_t pin) {
  const uint64_t stall = world.stall_us;
  world.stall_us = 0;
  Pass(10 + stall);
  return Steps(VoltsAt(pin));
}
int digitalRead(uint8_t pin) {
  if (pin == PIN_RESET_BUTTON) return world.button ? LOW : HIGH;
  return world.pins[pin & 63];
}
void digitalWrite(uint8_t pin, uint8_t value) {
  if (pin == PIN_BALANCE_LATCH && value == HIGH && world.pins[PIN_BALANCE_LATCH] == LOW) world.balance = world.shift;
  world.pins[pin & 63] = value;
}
void shiftOut(uint8_t, uint8_t, uint8_t order, uint8_t value) {
  for (int bit = 0; bit < 8; ++bit) {
    world.shift = world.shift << 1 | ((order == MSBFIRST ? value >> (7 - bit) : value >> bit) & 1u);
  }
}
size_t HardwareSerial::print(const char *text) {
  for (const char *at = text; *at != 0; ++at) {
    if (*at == '\n') {
      world.last_line.swap(world.line);
      world.line.clear();
    } else {
      world.line += *at;
    }
  }
  return strlen(text);
}
size_t HardwareSerial::println(const char *text) { return print(text) + print("\n"); }
int HardwareSerial::printf(const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  print(text);
  return length;
}
esp_err_t esp_task_wdt_init(const esp_task_wdt_config_t *config) { return esp_task_wdt_reconfigure(config); }
esp_err_t esp_task_wdt_reconfigure(const esp_task_wdt_config_t *config) {
  world.watchdog_us = config->timeout_ms * 1000ull;
  return ESP_OK;
}
esp_err_t esp_task_wdt_add(void *) {
  world.watched = true;
  world.fed_us = world.now_us;
  return ESP_OK;
}
esp_err_t esp_task_wdt_reset() {
  world.fed_us = world.now_us;
  return ESP_OK;
}

namespace {

/// Plays the steps of one case.
class Player {
 public:
  /// What does not hold; "" when all did.
  std::string failure;

  /// cells 3300 | cell 3 3650 | cell 3 open                       mV
  /// temperatures 25 | temperature 2 55.5 | temperature 2 open    degrees Celsius; or: shorted
  /// current 100                                                  A, positive: charging
  /// pack_offset 2000                                             mV
  /// charge_state 95 | charge_state 7 97                          %: from here on the cells live
  /// stall 3000 | run 1500                                        ms
  /// button on | button off
  /// expect charge on | discharge off | alarm on | state FAULT | reason NAME | no_reason NAME
  /// expect balance 7 on | balance 7 off | resets 1 | soc 480 520 (permille) | never_above 3650 | never_below 2500
  void Step(const std::string &step) {
    std::istringstream words(step);
    std::string verb;
    words >> verb;
    if (verb == "expect") return Expect(words, step);
    if (verb == "run") return Run(Number(words));
    if (verb == "current") {
      world.wanted_a = Number(words);
    } else if (verb == "pack_offset") {
      world.pack_offset_v = Number(words) / 1000;
    } else if (verb == "stall") {
      world.stall_us = static_cast<uint64_t>(Number(words) * 1000);
    } else if (verb == "button") {
      world.button = Word(words) == "on";
    } else if (verb == "cells") {
      world.cell_v.assign(world.cell_v.size(), Number(words) / 1000);
    } else if (verb == "temperatures") {
      world.celsius.assign(world.celsius.size(), Number(words));
    } else if (verb == "cell") {
      SetCell(words);
    } else if (verb == "temperature") {
      SetTemperature(words);
    } else if (verb == "charge_state") {
      SetChargeState(words);
    } else {
      Fail("the plan says \"" + step + "\", which means nothing");
    }
  }

  void Begin() {
    Guarded([] { setup(); });
  }

 private:
  void Fail(const std::string &why) {
    if (failure.empty()) failure = why;
  }
  std::string Word(std::istringstream &words) {
    std::string word;
    if (!(words >> word)) Fail("a step of the plan lacks a word");
    return word;
  }
  double Number(std::istringstream &words) {
    const std::string word = Word(words);
    char *end = nullptr;
    const double number = strtod(word.c_str(), &end);
    if (end == word.c_str() || *end != 0) Fail("\"" + word + "\" in the plan is no number");
    return number;
  }
  size_t Index(std::istringstream &words, size_t count) {
    const double number = Number(words);
    if (!(number >= 1 && number <= static_cast<double>(count))) {
      Fail("the plan names a cell or thermistor that is not there");
      return 0;
    }
    return static_cast<size_t>(number) - 1;
  }
  void SetCell(std::istringstream &words) {
    const size_t cell = Index(words, world.cell_v.size());
    const std::string value = Word(words);
    world.cell_open[cell] = value == "open";
    if (value != "open") world.cell_v[cell] = atof(value.c_str()) / 1000;
  }
  void SetTemperature(std::istringstream &words) {
    const size_t at = Index(words, world.celsius.size());
    const std::string value = Word(words);
    world.thermistor_open[at] = value == "open";
    world.thermistor_shorted[at] = value == "shorted";
    if (value != "open" && value != "shorted") world.celsius[at] = atof(value.c_str());
  }
  void SetChargeState(std::istringstream &words) {
    double first = Number(words);
    double second = 0;
    world.lives = true;
    if (words >> second) {
      world.soc.at(static_cast<size_t>(first) - 1) = second / 100;
    } else {
      world.soc.assign(world.soc.size(), first / 100);
    }
    Live(0);
  }

  template <class F>
  void Guarded(F body) {
    if (halted_) return;
    try {
      body();
    } catch (const WatchdogReset &) {
      halted_ = true;  // what the board does anew is another case
    }
  }
  void Run(double ms) {
    const uint64_t until = world.now_us + static_cast<uint64_t>(ms * 1000);
    while (world.now_us < until) {
      const uint64_t before = world.now_us;
      Guarded([] {
        loop();
        Pass(10000);
      });
      if (halted_) world.now_us = std::max(world.now_us, before + 10000);
      Live(static_cast<double>(world.now_us - before) / 1e6);
    }
  }

  static std::string Field(const std::string &name) {
    std::istringstream words(world.last_line);
    for (std::string word; words >> word;) {
      if (word.rfind(name + "=", 0) == 0) return word.substr(name.size() + 1);
    }
    return "";
  }
  static bool HasReason(const std::string &name) {
    return ("+" + Field("reason") + "+").find("+" + name + "+") != std::string::npos;
  }

  void Expect(std::istringstream &words, const std::string &step) {
    const std::string what = Word(words);
    bool holds = false;
    if (what == "charge" || what == "discharge" || what == "alarm") {
      const uint8_t pin = what == "charge" ? PIN_CHARGE : what == "discharge" ? PIN_DISCHARGE : PIN_ALARM;
      holds = world.pins[pin] == (Word(words) == "on" ? HIGH : LOW);
    } else if (what == "state") {
      holds = Field("state") == Word(words);
    } else if (what == "reason") {
      holds = HasReason(Word(words));
    } else if (what == "no_reason") {
      holds = !HasReason(Word(words));
    } else if (what == "balance") {
      const size_t cell = Index(words, world.cell_v.size());
      holds = ((world.balance >> cell) & 1) == (Word(words) == "on" ? 1u : 0u);
    } else if (what == "resets") {
      holds = world.resets == static_cast<int>(Number(words));
    } else if (what == "soc") {
      const double soc = atof(Field("soc").c_str());
      const double least = Number(words);
      holds = !Field("soc").empty() && soc >= least && soc <= Number(words);
    } else if (what == "never_above") {
      holds = world.highest_v * 1000 <= Number(words);
    } else if (what == "never_below") {
      holds = world.lowest_v * 1000 >= Number(words);
    }
    if (!holds) Fail("\"" + step + "\" does not hold: charge " + OnOff(PIN_CHARGE) + ", discharge " +
                     OnOff(PIN_DISCHARGE) + ", " + world.last_line);
  }
  static std::string OnOff(uint8_t pin) { return world.pins[pin] == HIGH ? "on" : "off"; }

  bool halted_ = false;
};

struct Case {
  std::string id;
  std::vector<std::pair<int, std::string>> steps;  // with their lines
};

struct Plan {
  std::map<std::string, double> pack;
  std::vector<Case> cases;
};

Plan ReadPlan(std::istream &in) {
  Plan plan;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string verb, name;
    words >> verb;
    if (verb == "pack") {
      words >> name >> plan.pack[name];
    } else if (verb == "case") {
      words >> name;
      plan.cases.push_back({name, {}});
    } else if (!plan.cases.empty()) {
      plan.cases.back().steps.emplace_back(number, line);
    }
  }
  return plan;
}

void MakeWorld(const std::map<std::string, double> &pack) {
  const auto value = [&](const char *name) {
    const auto found = pack.find(name);
    return found == pack.end() ? 0.0 : found->second;
  };
  world.cells = static_cast<int>(value("cells"));
  world.thermistors = static_cast<int>(value("thermistors"));
  world.cell_gain = value("cell_gain");
  world.pack_gain = value("pack_gain");
  world.range_a = value("current_range_a");
  world.capacity_as = value("capacity_ah") * 3600;
  world.resistance_ohm = value("resistance_mohm") / 1000;
  world.bleed_a = value("bleed_a");
  const size_t cells = static_cast<size_t>(world.cells);
  const size_t thermistors = static_cast<size_t>(world.thermistors);
  world.cell_v.assign(cells, value("rest_mv") / 1000);
  world.soc.assign(cells, 0.5);
  world.cell_open.assign(cells, false);
  world.celsius.assign(thermistors, 25);
  world.thermistor_open.assign(thermistors, false);
  world.thermistor_shorted.assign(thermistors, false);
}

/// In a process of its own.  0: it passed.
int PlayCase(const Plan &plan, const Case &one) {
  MakeWorld(plan.pack);
  Player player;
  player.Begin();
  for (const auto &[number, step] : one.steps) {
    player.Step(step);
    if (player.failure.empty()) continue;
    std::cout << "not ok " << one.id << ": " << number << ": " << player.failure << "\n";
    return 1;
  }
  std::cout << "ok " << one.id << "\n";
  return 0;
}

bool RunApart(const Plan &plan, const Case &one) {
  std::cout.flush();
  const pid_t child = fork();
  if (child == 0) {
    const int code = PlayCase(plan, one);
    std::cout.flush();
    _exit(code);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return false;
  if (!WIFEXITED(status)) std::cout << "not ok " << one.id << ": 0: the monitor ended\n";
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char **argv) {
  std::ifstream file(argc > 1 ? argv[1] : "test_plan.txt");
  if (!file) {
    std::cerr << "there is no plan\n";
    return 2;
  }
  const Plan plan = ReadPlan(file);
  const bool to_first = argc > 2 && std::string(argv[2]) == "--to-first-failure";
  bool all = !plan.cases.empty();
  for (const Case &one : plan.cases) {
    all = RunApart(plan, one) && all;
    if (!all && to_first) break;
  }
  return all ? 0 : 1;
}
