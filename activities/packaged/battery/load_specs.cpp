#include <filesystem>

#include "activities/packaged/battery/steps.h"
#include "activities/sandbox/safe_files.h"

namespace wfe::battery {
namespace {

constexpr uint64_t kMaxLogBytes = 64ull << 20;
constexpr size_t kToldProblems = 12;

/// The one of these files that is there; empty: none.
Result<std::string> OneOfFiles(const sandbox::SafeDir& folder, const std::vector<std::string>& names) {
  std::string found;
  for (const std::string& name : names) {
    WFE_ASSIGN_OR_RETURN(const auto entry, folder.Stat(name));
    if (!entry) continue;
    if (!found.empty()) return InvalidArgument("there are " + found + " and " + name + "; keep one of them");
    found = name;
  }
  return found;
}

Result<std::string> ReadOf(const sandbox::SafeDir& folder, const std::string& name) {
  const Result<std::string> text = folder.Read(name, kMaxLogBytes);
  if (text) return *text;
  if (text.error().code == StatusCode::kResourceExhausted) {
    return InvalidArgument(name + " is larger than 64 MiB");
  }
  return InvalidArgument(name + " cannot be read: " + text.error().message);
}

Error Told(const std::vector<FileProblem>& problems) {
  std::string all;
  for (size_t i = 0; i < problems.size() && i < kToldProblems; ++i) {
    all += (i == 0 ? "" : "\n") + problems[i].ToString();
  }
  if (problems.size() > kToldProblems) all += "\nand " + std::to_string(problems.size() - kToldProblems) + " more";
  return InvalidArgument(all);
}

void LoadLog(const sandbox::SafeDir& folder, BatterySpecs& specs) {
  const std::string name = "bms_log.csv";
  const std::string step = "document " + name;
  const Result<std::optional<sandbox::SafeEntry>> entry = folder.Stat(name);
  if (entry && !*entry) {
    specs.gaps.push_back({.step = step, .reason = "there is no such file: no measurements were checked"});
    return;
  }
  const Result<std::string> text = ReadOf(folder, name);
  if (!text) {
    specs.gaps.push_back({.step = step, .reason = text.error().message});
    return;
  }
  const BmsLog log = ReadBmsLog(name, *text);
  if (!log.problems.empty()) {
    specs.gaps.push_back({.step = step, .reason = log.problems.front().ToString()});
    return;
  }
  specs.log = CheckBmsLog(log, specs.cell, specs.pack);
}

void LoadPrices(const sandbox::SafeDir& folder, BatterySpecs& specs) {
  const std::string name = "prices.csv";
  const Result<std::optional<sandbox::SafeEntry>> entry = folder.Stat(name);
  if (entry && !*entry) return;
  const Result<std::string> text = ReadOf(folder, name);
  PriceList list = text ? ReadPriceList(name, *text) : PriceList();
  if (!text) list.problems.push_back({.file = name, .line = 0, .message = text.error().message});
  specs.prices = std::move(list.prices);
  for (const FileProblem& problem : list.problems) {
    specs.gaps.push_back({.step = "document " + name, .reason = problem.ToString()});
    if (specs.gaps.size() > kToldProblems) break;
  }
}

}  // namespace

Result<BatterySpecs> LoadBatteryFolder(const std::string& folder) {
  const Result<sandbox::SafeDir> opened = sandbox::SafeDir::Open(folder);
  if (!opened) {
    const bool absent = opened.error().code == StatusCode::kNotFound;
    return InvalidArgument(absent ? "there is no directory " + folder
                                  : "the directory " + folder + " cannot be read: " + opened.error().message);
  }
  BatterySpecs specs;
  WFE_ASSIGN_OR_RETURN(specs.cell_file, OneOfFiles(*opened, {"cell.txt", "cell.json"}));
  WFE_ASSIGN_OR_RETURN(specs.pack_file, OneOfFiles(*opened, {"pack.txt", "pack.json"}));
  if (specs.cell_file.empty() || specs.pack_file.empty()) {
    return InvalidArgument(folder + " has no " +
                           (specs.cell_file.empty() ? "cell.txt or cell.json" : "pack.txt or pack.json") +
                           "; `wfe workflow battery --example DIR` writes examples of both");
  }
  WFE_ASSIGN_OR_RETURN(const std::string cell_text, ReadOf(*opened, specs.cell_file));
  WFE_ASSIGN_OR_RETURN(const std::string pack_text, ReadOf(*opened, specs.pack_file));
  CellSheet cell = ReadCellSheet(specs.cell_file, cell_text);
  const PackSheet pack = ReadPackSheet(specs.pack_file, pack_text);
  cell.problems.insert(cell.problems.end(), pack.problems.begin(), pack.problems.end());
  if (!cell.problems.empty()) return Told(cell.problems);
  specs.cell = cell.cell;
  specs.pack = pack.pack;
  LoadLog(*opened, specs);
  LoadPrices(*opened, specs);
  return specs;
}

}  // namespace wfe::battery
