#include "activities/packaged/battery/parts.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "activities/sandbox/text.h"
#include "engine/base/suggest.h"

namespace wfe::battery {
namespace {

using Kind = QuantityKind;

struct ReferencePrice {
  std::string_view part;
  int64_t cents;
};

// Orders of magnitude, so that a first bill has a total.
constexpr auto kReferencePrices = std::to_array<ReferencePrice>({
    {"cell", 9500},          {"busbar", 180},          {"fuse", 4200},       {"contactor", 6900},
    {"shunt", 1450},         {"current_amplifier", 620}, {"cable_metre", 1150}, {"cable_lug", 95},
    {"thermistor", 120},     {"cell_front_end", 385},  {"multiplexer", 110}, {"bleed_resistor", 18},
    {"bleed_switch", 22},    {"shift_register", 55},   {"controller", 890},  {"supply", 1240},
    {"contactor_driver", 240}, {"button", 150},        {"alarm", 210},       {"circuit_board", 3500},
});

Result<Money> Times(Money price, int64_t quantity) {
  if (quantity > 0 && price.nanos() > Money::Most().nanos() / quantity) {
    return Error{StatusCode::kOutOfRange, "the bill of materials has an amount that does not fit", {}};
  }
  return Money::Nanos(price.nanos() * quantity);
}

class BillMaker {
 public:
  explicit BillMaker(const std::vector<PartPrice>& prices) : prices_(prices) {}

  void Add(std::string_view part, std::string description, int64_t quantity) {
    PartLine line{.part = std::string(part),
                  .description = std::move(description),
                  .quantity = quantity,
                  .unit_price = Money(),
                  .total = Money(),
                  .price_from = "reference"};
    const auto own = std::ranges::find(prices_, part, &PartPrice::part);
    if (own != prices_.end()) {
      line.unit_price = own->price;
      line.price_from = own->file;
    } else {
      const auto known = std::ranges::find(kReferencePrices, part, &ReferencePrice::part);
      if (known != kReferencePrices.end()) line.unit_price = Money::Nanos(known->cents * (Money::kPerUsd / 100));
    }
    bill_.lines.push_back(std::move(line));
  }

  Result<BillOfMaterials> Take() {
    for (PartLine& line : bill_.lines) {
      WFE_ASSIGN_OR_RETURN(line.total, Times(line.unit_price, line.quantity));
      const auto sum = bill_.total.Plus(line.total);
      if (!sum) return Error{StatusCode::kOutOfRange, "the total of the bill of materials does not fit", {}};
      bill_.total = *sum;
    }
    return std::move(bill_);
  }

 private:
  const std::vector<PartPrice>& prices_;
  BillOfMaterials bill_;
};

std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::vector<std::string> PartNames() {
  std::vector<std::string> names;
  for (const ReferencePrice& known : kReferencePrices) names.emplace_back(known.part);
  return names;
}

PriceList ReadPriceList(const std::string& file, std::string_view text) {
  PriceList list;
  int64_t number = 0;
  const auto complain = [&](std::string message) {
    list.problems.push_back({.file = file, .line = number, .message = std::move(message)});
  };
  if (!sandbox::IsUtf8(text)) {
    complain("is not UTF-8; save it as UTF-8");
    return list;
  }
  for (std::string line : sandbox::SplitLines(text)) {
    ++number;
    line.erase(std::remove(line.begin(), line.end(), '\r'), line.end());
    if (line.empty() || line.starts_with('#') || line == "part,price") continue;
    const size_t comma = line.find(',');
    const std::string part = line.substr(0, comma);
    const auto names = PartNames();
    if (comma == std::string::npos) {
      complain("is no line \"part,price\"");
    } else if (std::ranges::find(names, part) == names.end()) {
      complain(sandbox::Printable(part) + " is no part of the bill" + DidYouMean(part, names));
    } else if (std::ranges::find(list.prices, part, &PartPrice::part) != list.prices.end()) {
      complain(part + " has a price already");
    } else if (const auto price = Money::Parse(line.substr(comma + 1)); !price || price->negative()) {
      complain("the price of " + part + " must be an amount in US dollars, such as 12.50");
    } else {
      list.prices.push_back({.part = part, .price = *price, .file = file});
    }
  }
  number = 0;
  if (list.prices.empty() && list.problems.empty()) complain("holds no price; the bill has reference prices");
  return list;
}

Result<BillOfMaterials> MakeBill(const CellSpec& cell, const PackSpec& pack, const PackDesign& design,
                                 const std::vector<PartPrice>& prices) {
  BillMaker bill(prices);
  const int64_t cells = pack.series * pack.parallel;
  const int64_t banks = (pack.series + 15) / 16;
  bill.Add("cell", fmt::format("{}, {} {}", cell.name, cell.chemistry, ShowQuantity(cell.capacity_mah, Kind::kCharge)),
           cells);
  bill.Add("busbar", "busbar between cells, copper", std::max<int64_t>(0, cells - 1) + (pack.parallel > 1 ? cells : 0));
  bill.Add(
      "fuse",
      fmt::format("fuse {}, for {} direct current, breaks {}", ShowQuantity(design.fuse_ma, Kind::kCurrent),
                  ShowQuantity(design.full_mv, Kind::kVoltage), ShowQuantity(design.fuse_breaks_ma, Kind::kCurrent)),
      1);
  bill.Add("contactor",
           fmt::format("contactor {} continuous, {} direct current, normally open",
                       ShowQuantity(design.fuse_ma, Kind::kCurrent), ShowQuantity(design.full_mv, Kind::kVoltage)),
           2);
  bill.Add("shunt", fmt::format("shunt {} / 50 mV", ShowQuantity(design.shunt_ma, Kind::kCurrent)), 1);
  bill.Add("current_amplifier", "isolated amplifier for the shunt, both directions, centred on 1.65 V", 1);
  const int64_t metres = std::max<int64_t>(1, (2 * pack.cable_mm + 999) / 1000);
  bill.Add("cable_metre", fmt::format("copper cable {}, by the metre", ShowQuantity(design.cable_area, Kind::kArea)),
           metres);
  bill.Add("cable_lug", fmt::format("cable lug for {}", ShowQuantity(design.cable_area, Kind::kArea)), 8);
  bill.Add("thermistor", "thermistor 10 kΩ, beta 3950", design.thermistors);
  bill.Add("cell_front_end", "differential amplifier of one cell, 0.5 V for each volt", pack.series);
  bill.Add("multiplexer", "analogue multiplexer 16:1", banks + 1);
  bill.Add("bleed_resistor",
           fmt::format("bleed resistor {} mΩ or the next above, at least {:.1f} W", design.balance_mohm,
                       static_cast<double>(design.balance_mw) * 2 / 1000),
           pack.series);
  bill.Add("bleed_switch", "level shifter and transistor of one bleed resistor", pack.series);
  bill.Add("shift_register", "shift register, 8 outputs", (pack.series + 7) / 8);
  bill.Add("controller", "ESP32 board with 4 MB flash", 1);
  bill.Add("supply", fmt::format("isolated supply, {} to 5 V", ShowQuantity(design.full_mv, Kind::kVoltage)), 1);
  bill.Add("contactor_driver", "low-side driver with freewheel path", 2);
  bill.Add("button", "push button, panel mount", 1);
  bill.Add("alarm", "lamp or buzzer, 5 V", 1);
  bill.Add("circuit_board", "circuit board, connectors, housing", 1);
  return bill.Take();
}

std::string BillCsv(const BillOfMaterials& bill) {
  std::string text = "part,description,quantity,unit_price_usd,total_usd,price_from\n";
  for (const PartLine& line : bill.lines) {
    text += fmt::format("{},{},{},{},{},{}\n", line.part, CsvCell(line.description), line.quantity,
                        line.unit_price.ToString(), line.total.ToString(), CsvCell(line.price_from));
  }
  return text + fmt::format("total,,,,{},\n", bill.total.ToString());
}

}  // namespace wfe::battery
