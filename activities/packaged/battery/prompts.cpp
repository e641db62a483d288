#include <fmt/core.h>

#include "activities/packaged/battery/steps.h"

namespace wfe::battery {
namespace {

using Kind = QuantityKind;

std::string PackInWords(const BatterySpecs& specs) {
  const CellSpec& cell = specs.cell;
  const PackSpec& pack = specs.pack;
  return fmt::format(
      "Cell: {} ({}), {}, {} nominal, {} to {}, at most {} in and {} out, charged from {} to {}, discharged from {} to "
      "{}.\nPack: {}, {} in series, {} in parallel, load {}, charger {}, {} thermistors.\n",
      cell.name, cell.chemistry, ShowQuantity(cell.capacity_mah, Kind::kCharge),
      ShowQuantity(cell.nominal_mv, Kind::kVoltage), ShowQuantity(cell.discharge_cutoff_mv, Kind::kVoltage),
      ShowQuantity(cell.charge_cutoff_mv, Kind::kVoltage), ShowQuantity(cell.max_charge_ma, Kind::kCurrent),
      ShowQuantity(cell.max_discharge_ma, Kind::kCurrent), ShowQuantity(cell.charge_coldest, Kind::kTemperature),
      ShowQuantity(cell.charge_hottest, Kind::kTemperature), ShowQuantity(cell.discharge_coldest, Kind::kTemperature),
      ShowQuantity(cell.discharge_hottest, Kind::kTemperature), pack.name, pack.series, pack.parallel,
      ShowQuantity(pack.load_ma, Kind::kCurrent), ShowQuantity(pack.charger_ma, Kind::kCurrent), pack.thermistors);
}

}  // namespace

std::string SuggestionPrompt(const BatterySpecs& specs, const std::vector<SafetyRequirement>& requirements) {
  std::string prompt =
      "You review the safety requirements of a battery pack. Below are the pack and the requirements that follow from "
      "its datasheet. Name at most five further requirements that this pack needs (installation, transport, service, "
      "people). Answer with a JSON array of objects {\"id\": short-name, \"text\": one sentence, \"from\": why} and "
      "nothing else.\n\n" +
      PackInWords(specs) + "\nRequirements:\n";
  for (const SafetyRequirement& requirement : requirements) {
    prompt += "- " + requirement.id + ": " + requirement.text + "\n";
  }
  return prompt;
}

std::string ArchitecturePrompt(const BatterySpecs& specs, const PackDesign& design) {
  std::string prompt =
      "Describe the monitoring architecture of this battery pack for the person who builds it: what measures what, "
      "what "
      "opens when, what is done by hardware alone. At most 300 words of plain prose in short paragraphs, without "
      "headings. Keep to the numbers below; change none and invent none.\n\n" +
      PackInWords(specs) +
      fmt::format("Fuse {}, cable {}, shunt {} / 50 mV, sampling every {} ms.\nLimits:\n",
                  ShowQuantity(design.fuse_ma, Kind::kCurrent), ShowQuantity(design.cable_area, Kind::kArea),
                  ShowQuantity(design.shunt_ma, Kind::kCurrent), design.sample_ms);
  for (const ProtectionLimit& limit : design.limits) {
    prompt += fmt::format("- {}: trips {} {} after {}, blocks {}\n", limit.name, limit.above ? "above" : "below",
                          ShowLimit(limit, limit.trip), ShowQuantity(limit.delay_ms, Kind::kTime), limit.blocks);
  }
  return prompt;
}

}  // namespace wfe::battery
